"""A mixture of Gaussians, one for each symbol: the prior of GM-VAE (Dilokthanakul et al. 2016), to compare with.

Legend: B texts, D latent dimensions, K symbols.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.prior.base import DEFAULT_EFFORT, Prior, PriorTerms, gradient_only
from ldebm.prior.log_partition import Effort
from ldebm.prior.reference import log_standard_normal


class MixturePrior(Prior):
    """p(y) p(z | y) with a diagonal Gaussian a symbol; with the information term of the objective it is GM-VAE + I."""

    def __init__(self, latent_size: int, symbols: int) -> None:
        super().__init__(latent_size, symbols)
        self.logit_K = nn.Parameter(torch.zeros(symbols))
        self.mean_KD = nn.Parameter(torch.randn(symbols, latent_size))
        self.log_variance_KD = nn.Parameter(torch.zeros(symbols, latent_size))

    def terms(
        self,
        z_BD: Tensor,
        posterior: Posterior,
        noise: Noise,
        encoder_share: float = 1.0,
        context_BC: Tensor | None = None,
    ) -> PriorTerms:
        del noise, context_BC
        weights = (self.logit_K, self.mean_KD, self.log_variance_KD)
        over_gaussian_B = _log_joint(z_BD, *(w.detach() for w in weights)).logsumexp(-1) - log_standard_normal(z_BD)
        log_p_B = _log_joint(z_BD.detach(), *weights).logsumexp(-1)
        return PriorTerms(
            rate_B=posterior.rate_to_standard() - gradient_only(encoder_share * over_gaussian_B),
            contrast=-log_p_B.mean(),
            symbol_logits_BK=self.symbol_logits(z_BD),
            diagnostics={"component_variance": self.log_variance_KD.detach().exp().mean()},
        )

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
        """Exact draws; there is nothing that guidance could sharpen but the components themselves, which it leaves."""
        del guidance, adjust, context_nC
        noise, device = Noise(generator), self.mean_KD.device
        edges_K = self.logit_K.softmax(-1).cumsum(-1)
        drawn_n = torch.searchsorted(edges_K, noise.uniform(n, device=device)).clamp_max(self.symbols - 1)
        symbol_n = drawn_n if symbol is None else torch.where(symbol < 0, drawn_n, symbol)
        noise_nD = noise.normal(n, self.latent_size, device=device)
        return self.mean_KD[symbol_n] + (0.5 * self.log_variance_KD[symbol_n]).exp() * noise_nD

    def symbol_logits(self, z_BD: Tensor, context_BC: Tensor | None = None) -> Tensor:
        """log p(y, z), whose softmax is p(y | z)."""
        del context_BC
        return _log_joint(z_BD, self.logit_K, self.mean_KD, self.log_variance_KD)

    @torch.no_grad()
    def log_density_bounds(
        self,
        z_BD: Tensor,
        generator: torch.Generator | None = None,
        effort: Effort = DEFAULT_EFFORT,
        context_BC: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        del generator, effort, context_BC
        log_p_B = self.symbol_logits(z_BD).logsumexp(-1)
        return log_p_B, log_p_B

    @torch.no_grad()
    def gains(
        self, z_BD: Tensor, generator: torch.Generator | None, context_BC: Tensor | None = None
    ) -> dict[str, float]:
        """What the mixture saves over N(0, I), exactly."""
        saved = float((self.symbol_logits(z_BD).logsumexp(-1) - log_standard_normal(z_BD)).mean())
        return {"gain": saved, "gain_low": saved}


def _log_joint(z_BD: Tensor, logit_K: Tensor, mean_KD: Tensor, log_variance_KD: Tensor) -> Tensor:
    """log p(y, z) in nats, BK; the squares are multiplied out, so that no [B, K, D] is held."""
    precision_KD = (-log_variance_KD).exp()
    square_BK = z_BD.square() @ precision_KD.T - 2 * z_BD @ (precision_KD * mean_KD).T
    constant_K = (precision_KD * mean_KD.square() + log_variance_KD + math.log(2 * math.pi)).sum(-1)
    return logit_K.log_softmax(-1) - 0.5 * (square_BK + constant_K)
