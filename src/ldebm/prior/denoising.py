"""A small diffusion network on the latents: what a practitioner would put in the energy's place (methods 2.1).

Legend: B texts, D latent dimensions. In whitened coordinates u the process is x_s = cos(s) u + sin(s) noise, s from 0
to pi / 2; the network learns its velocity v = cos(s) noise - sin(s) u (Salimans and Ho 2022).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ldebm.noise import Noise
from ldebm.prior.gaussian import WithoutSymbols


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

    def _velocity(self, x_BD: Tensor, angle_B1: Tensor) -> Tensor:
        velocity_BD: Tensor = self.velocity(torch.cat([x_BD, angle_B1.cos(), angle_B1.sin()], -1))
        return velocity_BD
