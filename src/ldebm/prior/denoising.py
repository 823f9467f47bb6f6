"""A small diffusion network on the latents: what a practitioner would put in the energy's place (methods 2.1).

Legend: B texts, D latent dimensions. In whitened coordinates u the process is x_s = cos(s) u + sin(s) noise, s from 0
to pi / 2; the network learns its velocity v = cos(s) noise - sin(s) u (Salimans and Ho 2022).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.prior.base import Prior, PriorTerms
from ldebm.prior.reference import ReferenceGaussian


class DenoisingPrior(Prior):
    """Learned beside the model on detached latents; the encoder feels the matched Gaussian alone. It has no symbols.

    Args:
        width, blocks: of the network.
        steps: of the sampler, from noise to latent (DDIM, deterministic given the noise).
    """

    has_symbols = False

    def __init__(self, latent_size: int, symbols: int, width: int, blocks: int, steps: int) -> None:
        super().__init__(latent_size, symbols)
        self.steps = steps
        self.reference = ReferenceGaussian(latent_size, matched=True)
        sizes = [latent_size + 2, *[width] * blocks]
        layers = [part for i in range(blocks) for part in (nn.Linear(sizes[i], sizes[i + 1]), nn.SiLU())]
        self.velocity = nn.Sequential(*layers, nn.Linear(width, latent_size))

    def terms(self, z_BD: Tensor, posterior: Posterior, noise: Noise, encoder_share: float = 1.0) -> PriorTerms:
        del encoder_share
        if self.training:
            self.reference.update(posterior)
        u_BD = self.reference.whiten(z_BD.detach())
        angle_B1 = 0.5 * math.pi * noise.uniform(len(u_BD), 1, device=u_BD.device)
        noise_BD = noise.normal(*u_BD.shape, device=u_BD.device)
        x_BD = angle_B1.cos() * u_BD + angle_B1.sin() * noise_BD
        target_BD = angle_B1.cos() * noise_BD - angle_B1.sin() * u_BD
        error = (self._velocity(x_BD, angle_B1) - target_BD).square().sum(-1).mean()
        return PriorTerms(self.reference.rate(posterior), error, self.symbol_logits(z_BD))

    def refer_to(self, posterior: Posterior) -> None:
        self.reference.update(posterior, momentum=1.0)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        symbol: Tensor | None = None,
        generator: torch.Generator | None = None,
        guidance: float = 1.0,
        adjust: bool = False,
    ) -> Tensor:
        del symbol, guidance, adjust
        device = self.reference.mean_D.device
        x_BD = Noise(generator).normal(n, self.latent_size, device=device)
        step = 0.5 * math.pi / self.steps
        for place in range(self.steps, 0, -1):
            angle_B1 = torch.full((n, 1), place * step, device=device)
            # On the circle x = cos u + sin noise a step along v is a rotation.
            x_BD = math.cos(step) * x_BD - math.sin(step) * self._velocity(x_BD, angle_B1)
        return self.reference.colour(x_BD)

    def symbol_logits(self, z_BD: Tensor) -> Tensor:
        return z_BD.new_zeros(z_BD.shape[0], self.symbols)

    def log_density_bounds(
        self,
        z_BD: Tensor,
        generator: torch.Generator | None = None,
        paths: int = 256,
        particles: int = 16,
        temperatures: int = 8,
    ) -> tuple[Tensor, Tensor]:
        """Raises ValueError: the network gives velocities, not a density."""
        raise ValueError("a denoising network gives samples, not a density; choose another prior")

    def _velocity(self, x_BD: Tensor, angle_B1: Tensor) -> Tensor:
        velocity_BD: Tensor = self.velocity(torch.cat([x_BD, angle_B1.cos(), angle_B1.sin()], -1))
        return velocity_BD
