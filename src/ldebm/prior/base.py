"""What every prior offers: its terms of the objective, samples, and symbol logits.

Legend: B texts, D latent dimensions, K symbols, C size of a context.

Every method takes the contexts of its rows last: what came before a response. A prior with `context` 0 knows none.
"""

from __future__ import annotations

import abc
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from ldebm.distributed import batch_mean
from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.prior.log_partition import Effort

DEFAULT_EFFORT = Effort()


@dataclass(frozen=True)
class PriorTerms:
    """The prior's part of the objective for one batch, in nats.

    rate_B: what the text costs under the prior; its gradient reaches the encoder only.
    contrast: the energy's loss, negatives against positives; its gradient reaches the prior, and by a Gaussian that
    moves with the contexts their encoder.
    symbol_logits_BK: f(z, 0); gradient to both. diffused_logits_NK: the same at noisier levels (rows: whole copies of
    the batch), gradient to the prior only, for priors that are conditioned at every level.
    diagnostics: detached numbers worth logging.
    """

    rate_B: Tensor
    contrast: Tensor
    symbol_logits_BK: Tensor
    diffused_logits_NK: Tensor | None = None
    diagnostics: dict[str, Tensor] = field(default_factory=dict)

    @property
    def logits_of_levels(self) -> list[Tensor]:
        """What learns the symbols, BK each: f(z, 0), and where a symbol steers every level, the noisier ones too."""
        if self.diffused_logits_NK is None:
            return [self.symbol_logits_BK]
        return [self.symbol_logits_BK, *self.diffused_logits_NK.split(len(self.symbol_logits_BK))]

    @property
    def information(self) -> Tensor:
        """I(z; y) = H(mean p(y|z)) - mean H(p(y|z)), the information bottleneck (paper A.5); at most log K."""
        return mutual_information(self.symbol_logits_BK)


class Prior(nn.Module, abc.ABC):
    """p(y, z), or p(y, z | c). `symbols` is K; `latent_size` is D. `has_rate`: what it trains as a rate is one, in
    nats. `has_symbols`: it learns what they mean."""

    has_rate = True
    has_symbols = True

    def __init__(self, latent_size: int, symbols: int) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.symbols = symbols
        self.compute_dtype = torch.float32  # of matrix products inside chains; states and energies stay in fp32

    @abc.abstractmethod
    def terms(
        self,
        z_BD: Tensor,
        posterior: Posterior,
        noise: Noise,
        encoder_share: float = 1.0,
        context_BC: Tensor | None = None,
    ) -> PriorTerms:
        """The objective's terms for z ~ q(z|x). In training mode this is one step: running estimates move.

        Args:
            encoder_share: weight with which the learned energy pulls the encoder (methods 2.5).
        """

    @abc.abstractmethod
    def sample(
        self,
        n: int,
        symbol: Tensor | None = None,
        generator: torch.Generator | None = None,
        guidance: float = 1.0,
        adjust: bool = False,
        context_nC: Tensor | None = None,
    ) -> Tensor:
        """Draw n latents, nD (Algorithm 2).

        Args:
            symbol: [n] symbol of each row, -1 for none.
            guidance: weight on log p(y | z); 1 is p(z | y).
            adjust: Metropolis-adjusted chains, where the prior does not have them anyway.
        """

    def refer_to(self, posterior: Posterior, context_BC: Tensor | None = None) -> None:
        """Set what the prior keeps of the aggregate posterior's moments to those of these texts; nothing by default."""
        del posterior, context_BC

    def whiten(self, z_BD: Tensor) -> Tensor:
        """The latents in coordinates in which the prior's Gaussian is N(0, I), BD; `colour` is the way back."""
        return z_BD

    def colour(self, u_BD: Tensor) -> Tensor:
        return u_BD

    def rate_to_reference(self, posterior: Posterior, context_BC: Tensor | None = None) -> Tensor:
        """KL(q || the prior's Gaussian) in nats, B: the rate before what the prior learned saves."""
        del context_BC
        return posterior.rate_to_standard()

    @abc.abstractmethod
    def symbol_logits(self, z_BD: Tensor, context_BC: Tensor | None = None) -> Tensor:
        """Logits of p(y | z), BK."""

    def log_density_bounds(
        self,
        z_BD: Tensor,
        generator: torch.Generator | None = None,
        effort: Effort = DEFAULT_EFFORT,
        context_BC: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """A bracket (lower, upper) of log p(z) in nats, B each (methods 2.2 and 5.2).

        From a forward and a reverse estimate of every normaliser and, where levels are summed over, importance sampling
        of their paths; two standard errors wider on both sides. Exact, of width zero, for a Gaussian. It is a bracket
        as far as the particles mix and the paths' weights have no heavy tail: both ends share the paths, whose mean is
        low in expectation, and the way back starts where the way there ended.

        Raises ValueError for a prior without a density: none, unless it says otherwise.
        """
        del z_BD, generator, effort, context_BC
        raise ValueError(f"{type(self).__name__} gives samples, not a density; choose another prior")

    def log_density_draws(
        self,
        z_BD: Tensor,
        generator: torch.Generator | None = None,
        particles: int = 8,
        context_BC: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """A random estimate of log p(z) from each side, B: in expectation exp of the first is p(z), exp of the second
        more. One path a latent: noisy, cheap, and what an importance-weighted bound of log p(x) averages over its
        latents anyway. Where the density is known, twice the density.

        Raises ValueError for a prior without a density.
        """
        return self.log_density_bounds(z_BD, generator, Effort(particles=particles), context_BC)

    def score(self, z_BD: Tensor, noise: Noise, context_BC: Tensor | None = None) -> Tensor:
        """A random estimate of the gradient of log p(z), BD: the pull that the encoder learns by. Of a chain of tilted
        Gaussians its mean over the levels drawn is the gradient of the chain's bound (methods 2.4); of the published
        form, and where free bits hold the rate, it is the objective's pull and no density's gradient."""
        with torch.enable_grad():
            z_BD = z_BD.detach().requires_grad_()
            terms = self.terms(z_BD, Posterior(z_BD, torch.zeros_like(z_BD)), noise, context_BC=context_BC)
            (gradient_BD,) = torch.autograd.grad(-terms.rate_B.sum(), z_BD)
        return gradient_BD

    def gains(
        self, z_BD: Tensor, generator: torch.Generator | None, context_BC: Tensor | None = None
    ) -> dict[str, float]:
        """What the learned part of the prior saves on these latents, in nats a text; empty for a Gaussian prior."""
        del z_BD, generator, context_BC
        return {}


def mutual_information(logits_BK: Tensor) -> Tensor:
    """I(z; y) of a batch, in nats; the marginal is that of the whole batch under data parallelism."""
    log_p_BK = logits_BK.log_softmax(-1)
    p_BK = log_p_BK.exp()
    marginal_K = batch_mean(p_BK)
    marginal_entropy = -(marginal_K * marginal_K.clamp_min(1e-15).log()).sum()
    return marginal_entropy + batch_mean((p_BK * log_p_BK).sum(-1))


def gradient_only(x: Tensor) -> Tensor:
    """A term with the gradient of `x` and the value zero."""
    return x - x.detach()
