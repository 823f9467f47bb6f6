"""LDEBM's prior: a chain of conditional energy-based models in the latent space, learned by recovery likelihood.

Legend: B texts, N = 2B rows (two levels a text), D latent dimensions, K symbols, T levels, C size of a context.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.prior import chain_density
from ldebm.prior.base import DEFAULT_EFFORT, Prior, PriorTerms, gradient_only
from ldebm.prior.energy import FoldedEnergy, SymbolEnergy, tilt
from ldebm.prior.langevin import Chain, langevin
from ldebm.prior.log_partition import Effort
from ldebm.prior.reference import ReferenceGaussian
from ldebm.prior.schedule import NoiseSchedule
from ldebm.prior.transition import Transition

_LEVELS_PER_TEXT = 2


class _Steer(NamedTuple):
    """Towards a symbol of each row (-1: none): log p(y | z) with a weight. In a context p(y | z) is that of the latent
    as it lies: by the energies without one, moved by what the context had moved it by."""

    symbol_B: Tensor
    guidance: float
    silent: tuple[FoldedEnergy, Tensor] | None  # the offset BD


class DiffusionPrior(Prior):
    """p(y, z_0 | z_1) prod_t p(z_t | z_{t+1}) p(z_{T-1}), every factor a tilt of a Gaussian (paper A.1, methods 2.4).

    Args:
        reference: "recovery" as published, or "gaussian": one density for sampling, objective and encoder.
        steps: Langevin steps a level; they are part of the model, not only of the sampler (methods 2.3).
        condition: the levels at which a given symbol steers the chain: the "last" one, z_0, or "all".
        adjust: Metropolis-adjusted chains, in training too: what is sampled is then the density, up to mixing.
        context: size of the contexts: the energies read them, and the Gaussian's mean moves with them.
    """

    def __init__(
        self,
        latent_size: int,
        symbols: int,
        levels: int,
        width: int,
        blocks: int,
        steps: int,
        step_size: float,
        reference: str,
        free_bits: float = 0.0,
        energy_penalty: float = 0.0,
        condition: str = "last",
        adjust: bool = False,
        context: int = 0,
    ) -> None:
        super().__init__(latent_size, symbols)
        self.tilted = self.has_rate = reference == "gaussian"
        self.schedule = NoiseSchedule(levels, noise_at_zero=not self.tilted)
        self.transition = Transition(self.schedule, reference, step_size)
        self.reference = ReferenceGaussian(latent_size, self.tilted, context)
        self.energy = SymbolEnergy(latent_size, symbols, levels, width, blocks, self.tilted, context)
        self.levels, self.steps = levels, steps
        self.free_bits, self.energy_penalty = free_bits, energy_penalty
        self.condition, self.adjust = condition, adjust

    def terms(
        self,
        z_BD: Tensor,
        posterior: Posterior,
        noise: Noise,
        encoder_share: float = 1.0,
        context_BC: Tensor | None = None,
    ) -> PriorTerms:
        """Algorithm 1, the prior's lines: positives from the forward process, negatives by Langevin, one contrast."""
        if self.training:
            self.reference.update(posterior, context_BC=context_BC)
            self.energy.advance()
        misfit = self.reference.misfit(z_BD, context_BC)
        context_BC = None if context_BC is None else context_BC.detach()  # the energies read it, as published
        context_NC = None if context_BC is None else context_BC.repeat(_LEVELS_PER_TEXT, 1)
        rows, device = z_BD.shape[0], z_BD.device
        level_N = self._levels(rows, noise, device)
        u_ND = self.reference.whiten(z_BD, context_BC).repeat(_LEVELS_PER_TEXT, 1)
        u_t = self.schedule.diffuse(u_ND, level_N, noise.normal(*u_ND.shape, device=device))
        u_next = self.schedule.step(u_t, level_N, noise.normal(*u_ND.shape, device=device))
        folded = FoldedEnergy(self.energy, self.compute_dtype, context_NC)
        chain = self._chain(folded, u_next.detach(), level_N, noise)

        # One pass for positives, negatives and symbols; the encoder's pull goes through frozen weights.
        zero_B = torch.zeros(rows, dtype=torch.long, device=device)
        points, levels = [u_t.detach(), chain.z_BD, self._at_zero(z_BD, context_BC)], [level_N, level_N, zero_B]
        contexts = None
        if context_BC is not None and context_NC is not None:
            # A symbol is of the latent, whatever the context: it is read off latents as they lie, without it.
            points[2] = self._as_it_lies(points[2], zero_B, context_BC)
            reads = [context_NC, context_NC, torch.zeros_like(context_BC)]
            if self.condition == "all":
                points.append(self._as_it_lies(u_t.detach(), level_N, context_NC))
                levels.append(level_N)
                reads.append(torch.zeros_like(context_NC))
            contexts = torch.cat(reads)
        split = self._logits(torch.cat(points), torch.cat(levels), contexts).split([len(each) for each in points])
        positive_NK, negative_NK, symbol_logits_BK = split[:3]
        diffused_NK = positive_NK if contexts is None else split[-1]
        positive_N, negative_N = tilt(positive_NK), tilt(negative_NK)
        weight_N = self.transition.weight[level_N] / (_LEVELS_PER_TEXT if self.tilted else 1)
        contrast = (weight_N * (negative_N - positive_N)).sum() / rows
        penalty = self.energy_penalty * (positive_N.square().mean() + negative_N.square().mean())

        frozen = {name: value.detach() for name, value in self.energy.named_parameters()}
        scaled = self.transition.input[level_N, None] * u_t
        pull_N = weight_N * tilt(torch.func.functional_call(self.energy, frozen, (scaled, level_N, context_NC)))
        if self.tilted:
            # log Z_t depends on the encoder through z_{t+1}: its gradient is that of log r(negative | z_{t+1}).
            pull_N = pull_N - weight_N * self.transition.log_reference(chain.z_BD, u_next, level_N)
            pull_B = pull_N.view(_LEVELS_PER_TEXT, rows).sum(0)
            rate_B = self.reference.rate(posterior, context_BC) - gradient_only(encoder_share * pull_B)
        else:
            rate_B = self._published_rate(posterior, pull_N.view(_LEVELS_PER_TEXT, rows).sum(0), u_t[rows:])
        return PriorTerms(
            rate_B=rate_B,
            contrast=contrast + penalty + misfit,
            symbol_logits_BK=symbol_logits_BK,
            diffused_logits_NK=diffused_NK if self.condition == "all" else None,
            diagnostics={
                "energy_positive": positive_N.detach().mean(),
                "energy_negative": negative_N.detach().mean(),
                "chain_acceptance": chain.acceptance_B.mean(),
                "chain_scale": (chain.z_BD.square().mean() / u_t.detach().square().mean()).sqrt(),
            },
        )

    def refer_to(self, posterior: Posterior, context_BC: Tensor | None = None) -> None:
        self.reference.update(posterior, 1.0, context_BC)

    def whiten(self, z_BD: Tensor) -> Tensor:
        return self.reference.whiten(z_BD)

    def colour(self, u_BD: Tensor) -> Tensor:
        return self.reference.colour(u_BD)

    def rate_to_reference(self, posterior: Posterior, context_BC: Tensor | None = None) -> Tensor:
        return self.reference.rate(posterior, context_BC)

    def sample(
        self,
        n: int,
        symbol: Tensor | None = None,
        generator: torch.Generator | None = None,
        guidance: float = 1.0,
        adjust: bool = False,
        context_nC: Tensor | None = None,
    ) -> Tensor:
        """Algorithm 2: from noise through the levels T-1 .. 0, a Langevin chain at each."""
        *_, u_BD = self._descent(n, symbol, generator, guidance, adjust, context_nC)
        return self.reference.colour(u_BD, context_nC)

    @torch.no_grad()
    def descend(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """What `sample` draws, and the way there: latents [n, T, D] and p(y | z_t) [n, T, K] after each level of n
        chains, from level T-1 down to 0 (the paper's Figure A1)."""
        latents, symbols = [], []
        for level, u_BD in zip(
            reversed(range(self.levels)), self._descent(n, None, generator, 1.0, False), strict=True
        ):
            level_B = torch.full((n,), level, dtype=torch.long, device=u_BD.device)
            latents.append(self.reference.colour(u_BD))
            symbols.append(self._logits(u_BD, level_B).softmax(-1))
        return torch.stack(latents, 1), torch.stack(symbols, 1)

    def symbol_logits(self, z_BD: Tensor, context_BC: Tensor | None = None) -> Tensor:
        """Of the latent itself: a context says which symbols are likely, by F, and not what they are."""
        zero_B = torch.zeros(z_BD.shape[0], dtype=torch.long, device=z_BD.device)
        u_BD = self._at_zero(z_BD, context_BC)
        if context_BC is None:
            return self._logits(u_BD, zero_B)
        return self._logits(self._as_it_lies(u_BD, zero_B, context_BC), zero_B, torch.zeros_like(context_BC))

    @torch.no_grad()
    def gains(
        self, z_BD: Tensor, generator: torch.Generator | None, context_BC: Tensor | None = None
    ) -> dict[str, float]:
        """By annealed importance sampling of each level's normaliser, one path a text: in expectation `gain_t`
        over-states and `gain_low_t` under-states. Only for the tilt form; as published F has no unit.
        """
        if not self.tilted:
            return {}
        return chain_density.gains(self, self.reference.whiten(z_BD, context_BC), Noise(generator), context_BC)

    @torch.no_grad()
    def log_density_bounds(
        self,
        z_BD: Tensor,
        generator: torch.Generator | None = None,
        effort: Effort = DEFAULT_EFFORT,
        context_BC: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """log p(z) = log E_q[N(z; m, C) prod_t exp F_t(z_t) / Z_t(z_{t+1})], q the forward process (methods 2.4).

        Raises ValueError for paths that are not shared out evenly, and for the published form, whose sampler and energy
        are not of one density.
        """
        self._check_density()
        u_BD = self.reference.whiten(z_BD, context_BC)
        lower_B, upper_B = chain_density.bracket(self, u_BD, Noise(generator), effort, context_BC)
        log_normal_B = self.reference.log_density(z_BD, context_BC)
        return log_normal_B + lower_B, log_normal_B + upper_B

    @torch.no_grad()
    def log_density_draws(
        self,
        z_BD: Tensor,
        generator: torch.Generator | None = None,
        particles: int = 8,
        context_BC: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        self._check_density()
        u_BD, noise = self.reference.whiten(z_BD, context_BC), Noise(generator)
        step_noise_TBD = noise.normal(self.levels, *u_BD.shape, device=u_BD.device)
        weights = chain_density.path_weights(self, u_BD, step_noise_TBD, noise, particles, context_BC)
        log_normal_B = self.reference.log_density(z_BD, context_BC)
        return log_normal_B + weights.reverse_TN.sum(0), log_normal_B + weights.forward_TN.sum(0)

    def _check_density(self) -> None:
        if not self.tilted:
            raise ValueError("the published form has no density: its sampler and its energy are of different ones")

    def _descent(
        self,
        n: int,
        symbol: Tensor | None,
        generator: torch.Generator | None,
        guidance: float,
        adjust: bool,
        context_nC: Tensor | None = None,
    ) -> Iterator[Tensor]:
        """Whitened latents [n, D] after the chain of each level, T-1 .. 0."""
        noise, device = Noise(generator), self.schedule.a.device
        folded = FoldedEnergy(self.energy, self.compute_dtype, context_nC)
        steer = None if symbol is None else _Steer(symbol, guidance, self._silent(context_nC))
        u_BD = noise.normal(n, self.latent_size, device=device)
        for level in reversed(range(self.levels)):
            level_B = torch.full((n,), level, dtype=torch.long, device=device)
            steered = steer if self.condition == "all" or level == 0 else None
            u_BD = self._chain(folded, u_BD, level_B, noise, steered, adjust).z_BD
            yield u_BD

    def _silent(self, context_nC: Tensor | None) -> tuple[FoldedEnergy, Tensor] | None:
        """The energies of latents whatever their context, by which symbols steer, and how far contexts move latents."""
        if context_nC is None:
            return None
        energy = FoldedEnergy(self.energy, self.compute_dtype, torch.zeros_like(context_nC))
        return energy, self.reference.offset(context_nC)

    def _levels(self, rows: int, noise: Noise, device: torch.device) -> Tensor:
        """Two levels a text: as published a random one and the top, else two that together cover all levels evenly."""
        if self.tilted:
            order_B = noise.permutation(device) + noise.integer(self.levels)  # the offset: no level is favoured
            return torch.cat([order_B % self.levels, (order_B + self.levels // 2) % self.levels])
        random_B = (noise.uniform(rows, device=device) * (self.levels - 1)).long()
        return torch.cat([random_B, torch.full_like(random_B, self.levels - 1)])

    def _chain(
        self,
        folded: FoldedEnergy,
        u_next_BD: Tensor,
        level_B: Tensor,
        noise: Noise,
        steer: _Steer | None = None,
        adjust: bool = False,
    ) -> Chain:
        """Langevin on log p(z_t | z_{t+1}) for rows of any levels, with the analytic gradient."""
        tables = self.transition
        scale_B1 = tables.input[level_B, None]
        sharpness_B1 = tables.sharpness[level_B, None]
        centre_BD = tables.pull[level_B, None] * u_next_BD
        precision_B1 = 1 / tables.variance[level_B, None]

        def log_density_and_grad(u_BD: Tensor) -> tuple[Tensor, Tensor]:
            tilt_B, grad_BD = self._steered(folded, u_BD, level_B, steer)
            gap_BD = (centre_BD - u_BD) * precision_B1
            log_p_B = sharpness_B1[:, 0] * tilt_B - 0.5 * (gap_BD.square() / precision_B1).sum(-1)
            return log_p_B, torch.addcmul(gap_BD, grad_BD, sharpness_B1 * scale_B1)

        start_BD = tables.start(u_next_BD, level_B, noise.normal(*u_next_BD.shape, device=u_next_BD.device))
        return langevin(
            log_density_and_grad, start_BD, tables.step[level_B, None], self.steps, noise, adjust or self.adjust
        )

    def _steered(
        self, folded: FoldedEnergy, u_BD: Tensor, level_B: Tensor, steer: _Steer | None
    ) -> tuple[Tensor, Tensor]:
        """F + guidance (f_y - F) of whitened latents, and its gradient in what the energies read of them; in a context
        f_y - F is of the latents as they lie."""
        scale_B1 = self.transition.input[level_B, None]
        if steer is None:
            return folded.tilt_and_grad(scale_B1 * u_BD, level_B)
        if steer.silent is None:
            return folded.tilt_and_grad(scale_B1 * u_BD, level_B, steer.symbol_B, steer.guidance)
        energy, offset_BD = steer.silent
        lying_BD = scale_B1 * (u_BD + self.schedule.a_total[level_B, None] * offset_BD)
        tilt_B, by_tilt_BD = folded.tilt_and_grad(scale_B1 * u_BD, level_B)
        guide_B, by_guide_BD = energy.guide_and_grad(lying_BD, level_B, steer.symbol_B, steer.guidance)
        return tilt_B + guide_B, by_tilt_BD + by_guide_BD

    def _logits(self, u_BD: Tensor, level_B: Tensor, context_BC: Tensor | None = None) -> Tensor:
        logits_BK: Tensor = self.energy(self.transition.input[level_B, None] * u_BD, level_B, context_BC)
        return logits_BK

    def _as_it_lies(self, u_BD: Tensor, level_B: Tensor, context_BC: Tensor) -> Tensor:
        """Whitened latents of any levels with what their contexts had moved them by."""
        return u_BD + self.schedule.a_total[level_B, None] * self.reference.offset(context_BC)

    def _at_zero(self, z_BD: Tensor, context_BC: Tensor | None) -> Tensor:
        """z_0 of a latent, without the published process' little noise at level 0."""
        return self.schedule.a_total[0] * self.reference.whiten(z_BD, context_BC)

    def _published_rate(self, posterior: Posterior, pull_B: Tensor, top_BD: Tensor) -> Tensor:
        """The published encoder term (A.4): entropy above a noise floor, energies, and the top level's Gaussian."""
        entropy_BD = -0.5 * (1 + posterior.log_variance_BD)
        acting_BD = entropy_BD > self.free_bits
        gaussian_B = 0.5 * self.transition.weight[-1] * top_BD.square().sum(-1)
        return (entropy_BD * acting_BD).sum(-1) - pull_B + gaussian_B
