"""Normalised posterior means: the latent's scale is pinned, and no dimension can be switched off (methods 3.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ldebm.distributed import batch_mean


class MeanNorm(nn.Module):
    """Batch normalisation without learned scale, over the whole batch of all processes (BN-VAE, arXiv 2004.12585)."""

    mean_D: Tensor
    variance_D: Tensor

    def __init__(self, size: int, momentum: float = 0.05) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("mean_D", torch.zeros(size))
        self.register_buffer("variance_D", torch.ones(size))

    def forward(self, x_BD: Tensor) -> Tensor:
        if not self.training:
            return (x_BD - self.mean_D) * (self.variance_D + 1e-5).rsqrt()
        mean_D = batch_mean(x_BD)
        variance_D = batch_mean((x_BD - mean_D).square())
        with torch.no_grad():
            self.mean_D.lerp_(mean_D, self.momentum)
            self.variance_D.lerp_(variance_D, self.momentum)
        return (x_BD - mean_D) * (variance_D + 1e-5).rsqrt()

    @torch.no_grad()
    def recentre(self, normalised_ND: Tensor) -> Tensor:
        """Set the statistics to those of the rows whose outputs are given; returns what the outputs become."""
        scale_D = (self.variance_D + 1e-5).sqrt()
        mean_D, variance_D = normalised_ND.mean(0), normalised_ND.var(0, correction=0)
        self.mean_D += scale_D * mean_D
        self.variance_D.mul_(variance_D)
        return (normalised_ND - mean_D) * (variance_D + 1e-5).rsqrt()
