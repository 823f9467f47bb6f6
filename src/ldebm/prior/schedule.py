"""Noise schedule of the latent diffusion (paper A.2).

Legend: T levels; index i = 0..T. The forward process is z_{t+1} = a[t+1] z_t + sigma[t+1] noise.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_BETAS = 1000  # length of the linear schedule from which the published one is cut


class NoiseSchedule(nn.Module):
    """Buffers of length T + 1: `a`, `sigma`, and their products from level 0 on, `a_total` and `sigma_total`.

    Args:
        levels: T, at least 2.
        noise_at_zero: the published process diffuses z a little (sigma 0.01) before level 0; without it z_0 = z.
    """

    a: Tensor
    sigma: Tensor
    a_total: Tensor
    sigma_total: Tensor

    def __init__(self, levels: int, noise_at_zero: bool) -> None:
        super().__init__()
        if levels < 2:
            raise ValueError(f"a diffusion needs at least 2 levels, received {levels}")
        beta = torch.cat([torch.linspace(1e-4, 2e-2, _BETAS, dtype=torch.float64), torch.ones(1, dtype=torch.float64)])
        log_alpha_sqrt = torch.log1p(-beta[:_BETAS]) / 2
        gap = _BETAS // (2 * (levels - 1))
        last = [i * gap for i in range(levels)] + [_BETAS - 1]
        log_total = torch.cumsum(log_alpha_sqrt, 0)[last]
        if not noise_at_zero:
            log_total = log_total - log_total[0]
        log_a = torch.diff(log_total, prepend=torch.zeros(1, dtype=torch.float64))
        # expm1 keeps the digits of small variances that 1 - a^2 would lose.
        self.register_buffer("a", log_a.exp().float())
        self.register_buffer("sigma", (-torch.expm1(2 * log_a)).sqrt().float())
        self.register_buffer("a_total", log_total.exp().float())
        self.register_buffer("sigma_total", (-torch.expm1(2 * log_total)).sqrt().float())

    @property
    def levels(self) -> int:
        return self.a.shape[0] - 1

    def diffuse(self, z_BD: Tensor, level_B: Tensor, noise_BD: Tensor) -> Tensor:
        """A sample of q(z_t | z) for each row's level t."""
        return self.a_total[level_B, None] * z_BD + self.sigma_total[level_B, None] * noise_BD

    def step(self, z_BD: Tensor, level_B: Tensor, noise_BD: Tensor) -> Tensor:
        """A sample of q(z_{t+1} | z_t) for each row's level t."""
        return self.a[level_B + 1, None] * z_BD + self.sigma[level_B + 1, None] * noise_BD
