"""A small diffusion network on the latents: what a practitioner would put in the energy's place (methods 2.1).

Legend: B texts, D latent dimensions. In whitened coordinates u the process is x_s = cos(s) u + sin(s) noise, s from 0
to pi / 2; the network learns its velocity v = cos(s) noise - sin(s) u (Salimans and Ho 2022).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ldebm.noise import Noise
from ldebm.prior.base import DEFAULT_EFFORT
from ldebm.prior.gaussian import WithoutSymbols
from ldebm.prior.log_partition import Effort
from ldebm.prior.reference import log_standard_normal

_SCORE_ANGLE = 0.1


class DenoisingPrior(WithoutSymbols):
    """Learned beside the model on detached latents; the encoder feels the matched Gaussian alone.

    Args:
        width, blocks: of the network.
        steps: of the sampler, from noise to latent (DDIM, deterministic given the noise).
    """

    def __init__(self, latent_size: int, symbols: int, width: int, blocks: int, steps: int) -> None:
        super().__init__(latent_size, symbols, matched=True)
        self.steps = steps
        sizes = [latent_size + 2, *[width] * blocks]
        layers = [part for i in range(blocks) for part in (nn.Linear(sizes[i], sizes[i + 1]), nn.SiLU())]
        self.velocity = nn.Sequential(*layers, nn.Linear(width, latent_size))

    def contrast(self, z_BD: Tensor, noise: Noise) -> Tensor:
        u_BD = self.reference.whiten(z_BD.detach())
        angle_B1 = 0.5 * math.pi * noise.uniform(len(u_BD), 1, device=u_BD.device)
        noise_BD = noise.normal(*u_BD.shape, device=u_BD.device)
        x_BD = angle_B1.cos() * u_BD + angle_B1.sin() * noise_BD
        target_BD = angle_B1.cos() * noise_BD - angle_B1.sin() * u_BD
        return (self._velocity(x_BD, angle_B1) - target_BD).square().sum(-1).mean()

    def whitened(self, noise_BD: Tensor) -> Tensor:
        x_BD, step = noise_BD, 0.5 * math.pi / self.steps
        for place in range(self.steps, 0, -1):
            angle_B1 = x_BD.new_full((len(x_BD), 1), place * step)
            # On the circle x = cos u + sin noise a step along v is a rotation.
            x_BD = math.cos(step) * x_BD - math.sin(step) * self._velocity(x_BD, angle_B1)
        return x_BD

    @torch.no_grad()
    def log_density_bounds(
        self,
        z_BD: Tensor,
        generator: torch.Generator | None = None,
        effort: Effort = DEFAULT_EFFORT,
        context_BC: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Both ends alike: the density of the sampler as a flow, dx = v ds, which takes a latent to noise and gathers
        the divergence on its way (Song et al. 2021, probability flow). Exact but for the solver's steps (midpoint)."""
        del generator, effort, context_BC
        step, log_volume_B = 0.5 * math.pi / self.steps, z_BD.new_zeros(len(z_BD))
        x_BD = self.reference.whiten(z_BD)
        for place in range(self.steps):
            angle_B1 = x_BD.new_full((len(x_BD), 1), place * step)
            middle_BD = x_BD + 0.5 * step * self._velocity(x_BD, angle_B1)
            velocity_BD, divergence_B = self._divergence(middle_BD, angle_B1 + 0.5 * step)
            x_BD, log_volume_B = x_BD + step * velocity_BD, log_volume_B + step * divergence_B
        log_p_B = log_standard_normal(x_BD) + log_volume_B - self.reference.log_det()
        return log_p_B, log_p_B

    def score(self, z_BD: Tensor, noise: Noise, context_BC: Tensor | None = None) -> Tensor:
        """Of the latents with a little noise, of angle s: -E[noise | x] / sin(s) = -x - cot(s) v."""
        del noise, context_BC
        with torch.no_grad():
            u_BD = self.reference.whiten(z_BD)
            velocity_BD = self._velocity(u_BD, u_BD.new_full((len(u_BD), 1), _SCORE_ANGLE))
            score_BD = -u_BD - velocity_BD / math.tan(_SCORE_ANGLE)
            return score_BD @ self.reference.inverse_root_DD if self.reference.matched else score_BD

    def gains(
        self, z_BD: Tensor, generator: torch.Generator | None, context_BC: Tensor | None = None
    ) -> dict[str, float]:
        log_p_B, _ = self.log_density_bounds(z_BD, generator)
        gain = float((log_p_B - self.reference.log_density(z_BD)).mean())
        return {"gain": gain, "gain_low": gain}

    def _divergence(self, x_BD: Tensor, angle_B1: Tensor) -> tuple[Tensor, Tensor]:
        """v and the trace of its Jacobian, B."""
        with torch.enable_grad():
            x_BD = x_BD.detach().requires_grad_()
            velocity_BD = self._velocity(x_BD, angle_B1)
            each = [torch.autograd.grad(v_B.sum(), x_BD, retain_graph=True)[0] for v_B in velocity_BD.unbind(-1)]
        return velocity_BD.detach(), torch.stack(each, -1).diagonal(dim1=-2, dim2=-1).sum(-1)

    def _velocity(self, x_BD: Tensor, angle_B1: Tensor) -> Tensor:
        velocity_BD: Tensor = self.velocity(torch.cat([x_BD, angle_B1.cos(), angle_B1.sin()], -1))
        return velocity_BD
