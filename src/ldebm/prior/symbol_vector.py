"""SVEBM: a single symbol-vector energy that tilts N(0, I), with its own short-run Langevin (paper A.1, A.3).

Legend: B texts, D latent dimensions, K symbols, C size of a context. p(y, z) is proportional to exp(f_y(z)) N(z; 0, I),
p(z | c) to exp(F(z, c)) N(z; 0, I), where p(y | z) is the softmax of f(z): a symbol is of its latent.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.prior.base import DEFAULT_EFFORT, Prior, PriorTerms, gradient_only
from ldebm.prior.energy import guide_and_weights, tilt, tilt_and_weights
from ldebm.prior.langevin import Chain, langevin
from ldebm.prior.log_partition import Effort, LogPartition, Tilt, log_partition
from ldebm.prior.reference import log_standard_normal

_GAIN_PARTICLES = 8192
_DRAW_PARTICLES = 16_384
_CONTEXT_PARTICLES = 32  # of each context's normaliser


class SymbolVectorPrior(Prior):
    """The prior of SVEBM; with the information term of the objective it is SVEBM-IB.

    Args:
        step_size: s of A.3; a step has the variance s^2.
        free_bits: nats a dimension below which the Gaussian part of the rate stops acting.
        adjust: Metropolis-adjusted chains, in training too.
    """

    def __init__(
        self,
        latent_size: int,
        symbols: int,
        width: int,
        steps: int,
        step_size: float,
        free_bits: float = 0.0,
        energy_penalty: float = 0.0,
        adjust: bool = False,
        context: int = 0,
    ) -> None:
        super().__init__(latent_size, symbols)
        self.energy = nn.Sequential(
            nn.Linear(latent_size, width), nn.GELU(), nn.Linear(width, width), nn.GELU(), nn.Linear(width, symbols)
        )
        self.read = nn.Linear(context, width) if context else None
        self.steps, self.step_size = steps, step_size
        self.free_bits, self.energy_penalty = free_bits, energy_penalty
        self.adjust = adjust

    def forward(self, z_BD: Tensor, context_BC: Tensor | None = None) -> Tensor:
        """f(z), or f(z, c): BK."""
        logits_BK: Tensor = self.energy[1:](self._first(z_BD, context_BC))
        return logits_BK

    def _first(self, z_BD: Tensor, context_BC: Tensor | None) -> Tensor:
        """The first layer, in which the context has its say, before the activation."""
        pre_BW: Tensor = self.energy[0](z_BD)
        return pre_BW if self.read is None or context_BC is None else pre_BW + self.read(context_BC)

    def terms(
        self,
        z_BD: Tensor,
        posterior: Posterior,
        noise: Noise,
        encoder_share: float = 1.0,
        context_BC: Tensor | None = None,
    ) -> PriorTerms:
        context_BC = None if context_BC is None else context_BC.detach()  # as published
        start_BD = noise.normal(*z_BD.shape, device=z_BD.device)
        chain = self._chain(start_BD, noise, None, 1.0, False, context_BC)
        frozen = {name: value.detach() for name, value in self.named_parameters()}
        pull_B = tilt(torch.func.functional_call(self, frozen, (z_BD, context_BC)))
        positive_B, negative_B = tilt(self(z_BD.detach(), context_BC)), tilt(self(chain.z_BD, context_BC))
        penalty = self.energy_penalty * (positive_B.square().mean() + negative_B.square().mean())
        return PriorTerms(
            rate_B=self._gaussian_rate(posterior) - gradient_only(encoder_share * pull_B),
            contrast=negative_B.mean() - positive_B.mean() + penalty,
            symbol_logits_BK=self.symbol_logits(z_BD, context_BC),
            diagnostics={
                "energy_positive": positive_B.detach().mean(),
                "energy_negative": negative_B.detach().mean(),
                "chain_acceptance": chain.acceptance_B.mean(),
                "chain_scale": chain.z_BD.square().mean().sqrt(),
            },
        )

    def sample(
        self,
        n: int,
        symbol: Tensor | None = None,
        generator: torch.Generator | None = None,
        guidance: float = 1.0,
        adjust: bool = False,
        context_nC: Tensor | None = None,
    ) -> Tensor:
        noise = Noise(generator)
        start_BD = noise.normal(n, self.latent_size, device=next(self.energy.parameters()).device)
        return self._chain(start_BD, noise, symbol, guidance, adjust, context_nC).z_BD

    def symbol_logits(self, z_BD: Tensor, context_BC: Tensor | None = None) -> Tensor:
        """Of the latent alone: a context says which symbols are likely, by F, and not what they are."""
        del context_BC
        logits_BK: Tensor = self(z_BD)
        return logits_BK

    @torch.no_grad()
    def log_density_bounds(
        self,
        z_BD: Tensor,
        generator: torch.Generator | None = None,
        effort: Effort = DEFAULT_EFFORT,
        context_BC: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """One normaliser for all rows (one for each context), so all paths' particles go to it."""
        found = self._log_partition(generator, effort.paths * effort.particles, context_BC)
        free_B = tilt(self(z_BD, context_BC)) + log_standard_normal(z_BD)
        highest_N = torch.maximum(found.forward_N, found.reverse_N)
        lowest_N = torch.minimum(found.forward_N, found.reverse_N)
        return free_B - highest_N - 2 * found.error_N, free_B - lowest_N + 2 * found.error_N

    @torch.no_grad()
    def log_density_draws(
        self,
        z_BD: Tensor,
        generator: torch.Generator | None = None,
        particles: int = 8,
        context_BC: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        count = _DRAW_PARTICLES if context_BC is None else particles  # one normaliser for all rows, or a context's own
        found = self._log_partition(generator, count, context_BC)
        free_B = tilt(self(z_BD, context_BC)) + log_standard_normal(z_BD)
        return free_B - found.reverse_N, free_B - found.forward_N

    @torch.no_grad()
    def gains(
        self, z_BD: Tensor, generator: torch.Generator | None, context_BC: Tensor | None = None
    ) -> dict[str, float]:
        """E[F] - log Z: nats a text that the energy saves over N(0, I), from above and from below."""
        count = _GAIN_PARTICLES if context_BC is None else _CONTEXT_PARTICLES
        found, energy = self._log_partition(generator, count, context_BC), tilt(self(z_BD, context_BC)).mean()
        return {"gain": float(energy - found.forward_N.mean()), "gain_low": float(energy - found.reverse_N.mean())}

    def _log_partition(
        self, generator: torch.Generator | None, particles: int, context_BC: Tensor | None
    ) -> LogPartition:
        """log E_N(0,I)[exp F], of each context where there are any."""

        def of(row_M: Tensor) -> Tensor | None:
            return None if context_BC is None else context_BC[row_M]

        def value(x_MD: Tensor, row_M: Tensor) -> Tensor:
            return tilt(self(x_MD, of(row_M)))

        def value_and_grad(x_MD: Tensor, row_M: Tensor) -> tuple[Tensor, Tensor]:
            return self._tilt_and_grad(x_MD, context_BC=of(row_M))

        like, rows = next(self.energy.parameters()), 1 if context_BC is None else len(context_BC)
        centre_ND, one_N = like.new_zeros(rows, self.latent_size), like.new_ones(rows)
        return log_partition(Tilt(value, value_and_grad), centre_ND, one_N, generator, particles)

    def _chain(
        self,
        start_BD: Tensor,
        noise: Noise,
        symbol_B: Tensor | None,
        guidance: float,
        adjust: bool,
        context_BC: Tensor | None,
    ) -> Chain:
        def log_density_and_grad(z_BD: Tensor) -> tuple[Tensor, Tensor]:
            tilt_B, grad_BD = self._tilt_and_grad(z_BD, symbol_B, guidance, context_BC)
            return tilt_B - 0.5 * z_BD.square().sum(-1), grad_BD - z_BD

        return langevin(log_density_and_grad, start_BD, self.step_size**2, self.steps, noise, adjust or self.adjust)

    @torch.no_grad()
    def _tilt_and_grad(
        self,
        z_BD: Tensor,
        symbol_B: Tensor | None = None,
        guidance: float = 1.0,
        context_BC: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """The (guided) tilt and its gradient in z, written out: on layers so small autograd takes twice as long. In a
        context it is F(z, c) + guidance (f_y(z) - F(z))."""
        if symbol_B is not None and context_BC is not None:
            free_B, by_free_BD = self._tilt_and_grad(z_BD, context_BC=context_BC)
            guide_B, by_guide_BD = self._value_and_grad(
                z_BD, lambda f_BK: guide_and_weights(f_BK, symbol_B, guidance), None
            )
            return free_B + guide_B, by_free_BD + by_guide_BD
        return self._value_and_grad(z_BD, lambda f_BK: tilt_and_weights(f_BK, symbol_B, guidance), context_BC)

    def _value_and_grad(
        self, z_BD: Tensor, of: Callable[[Tensor], tuple[Tensor, Tensor]], context_BC: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """A function of the symbol logits, given with its derivative in them, and its gradient in z."""
        first, second, head = (layer for layer in self.energy if isinstance(layer, nn.Linear))
        pre_1 = self._first(z_BD, context_BC)
        pre_2 = second(F.gelu(pre_1))
        value_B, weight_BK = of(head(F.gelu(pre_2)))
        grad = torch.ops.aten.gelu_backward(weight_BK @ head.weight, pre_2)
        grad = torch.ops.aten.gelu_backward(grad @ second.weight, pre_1)
        return value_B, grad @ first.weight

    def _gaussian_rate(self, posterior: Posterior) -> Tensor:
        """KL(q || N(0, I)); where a dimension's part is below `free_bits` it does not act (A.4)."""
        variance_BD = posterior.log_variance_BD.exp()
        rate_BD = 0.5 * (posterior.mean_BD.square() + variance_BD - 1 - posterior.log_variance_BD)
        active_BD = rate_BD > self.free_bits
        return (rate_BD * active_BD if self.free_bits else rate_BD).sum(-1)
