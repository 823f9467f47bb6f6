"""The Gaussian prior: N(0, I), or the Gaussian that matches the aggregate posterior. It has no symbols to learn."""

from __future__ import annotations

import torch
from torch import Tensor

from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.prior.base import Prior, PriorTerms
from ldebm.prior.reference import ReferenceGaussian


class GaussianPrior(Prior):
    """p(z) = N(m, C); every symbol is equally likely everywhere."""

    has_symbols = False

    def __init__(self, latent_size: int, symbols: int, matched: bool) -> None:
        super().__init__(latent_size, symbols)
        self.reference = ReferenceGaussian(latent_size, matched)

    def terms(self, z_BD: Tensor, posterior: Posterior, noise: Noise, encoder_share: float = 1.0) -> PriorTerms:
        del noise, encoder_share
        if self.training:
            self.reference.update(posterior)
        return PriorTerms(self.reference.rate(posterior), z_BD.new_zeros(()), self.symbol_logits(z_BD))

    def refer_to(self, posterior: Posterior) -> None:
        self.reference.update(posterior, momentum=1.0)

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
        return self.reference.colour(Noise(generator).normal(n, self.latent_size, device=device))

    def log_density_bounds(
        self,
        z_BD: Tensor,
        generator: torch.Generator | None = None,
        paths: int = 256,
        particles: int = 16,
        temperatures: int = 8,
    ) -> tuple[Tensor, Tensor]:
        del generator, paths, particles, temperatures
        log_p_B = self.reference.log_density(z_BD)
        return log_p_B, log_p_B

    def symbol_logits(self, z_BD: Tensor) -> Tensor:
        return z_BD.new_zeros(z_BD.shape[0], self.symbols)
