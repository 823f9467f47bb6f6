"""The Gaussian prior: N(0, I), or the Gaussian that matches the aggregate posterior. It has no symbols to learn."""

from __future__ import annotations

import torch
from torch import Tensor

from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.prior.base import DEFAULT_EFFORT, Prior, PriorTerms
from ldebm.prior.log_partition import Effort
from ldebm.prior.reference import ReferenceGaussian


class WithoutSymbols(Prior):
    """A prior whose encoder feels a Gaussian alone, and for which every symbol is equally likely everywhere."""

    has_symbols = False

    def __init__(self, latent_size: int, symbols: int, matched: bool, context: int = 0) -> None:
        super().__init__(latent_size, symbols)
        self.reference = ReferenceGaussian(latent_size, matched, context)

    def terms(
        self,
        z_BD: Tensor,
        posterior: Posterior,
        noise: Noise,
        encoder_share: float = 1.0,
        context_BC: Tensor | None = None,
    ) -> PriorTerms:
        del encoder_share
        if self.training:
            self.reference.update(posterior, context_BC=context_BC)
        contrast = self.contrast(z_BD, noise) + self.reference.misfit(z_BD, context_BC)
        return PriorTerms(self.reference.rate(posterior, context_BC), contrast, self.symbol_logits(z_BD))

    def contrast(self, z_BD: Tensor, noise: Noise) -> Tensor:
        """The loss of what the prior learns beside the Gaussian: nothing by default."""
        del noise
        return z_BD.new_zeros(())

    def refer_to(self, posterior: Posterior, context_BC: Tensor | None = None) -> None:
        self.reference.update(posterior, 1.0, context_BC)

    def rate_to_reference(self, posterior: Posterior, context_BC: Tensor | None = None) -> Tensor:
        return self.reference.rate(posterior, context_BC)

    def symbol_logits(self, z_BD: Tensor, context_BC: Tensor | None = None) -> Tensor:
        del context_BC
        return z_BD.new_zeros(z_BD.shape[0], self.symbols)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        symbol: Tensor | None = None,
        generator: torch.Generator | None = None,
        guidance: float = 1.0,
        adjust: bool = False,
        context_nC: Tensor | None = None,
    ) -> Tensor:
        del symbol, guidance, adjust
        noise_BD = Noise(generator).normal(n, self.latent_size, device=self.reference.mean_D.device)
        return self.reference.colour(self.whitened(noise_BD), context_nC)

    def whitened(self, noise_BD: Tensor) -> Tensor:
        """Samples in whitened coordinates from standard normal noise: the noise itself by default."""
        return noise_BD


class GaussianPrior(WithoutSymbols):
    """p(z) = N(m, C), or p(z | c) = N(shift(c), C)."""

    def log_density_bounds(
        self,
        z_BD: Tensor,
        generator: torch.Generator | None = None,
        effort: Effort = DEFAULT_EFFORT,
        context_BC: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        del generator, effort
        log_p_B = self.reference.log_density(z_BD, context_BC)
        return log_p_B, log_p_B
