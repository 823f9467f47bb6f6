"""log Z = log E_r[exp F] of a tilted Gaussian r, from below and from above, by annealed importance sampling.

Legend: N tilts, S particles of each, M = N S, D dimensions. Neal 2001; both directions: Grosse et al. 2015 (methods 5.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ldebm.noise import Noise
from ldebm.prior.langevin import log_acceptance

# (points MD, which of the N tilts each is of) -> (F, M; its gradient, MD)
TiltAndGrad = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
_STEP = 0.3  # of the Metropolis-adjusted Langevin moves, in variances of the Gaussian
_SETTLE = 8  # moves at the target before the way back
_AT_ONCE = 8192  # particles: what the caches hold


class Effort(NamedTuple):
    """Of a density's bracket: `paths` of the levels above z for each row; `particles` and `temperatures` of annealed
    importance sampling for each normaliser. A tilt whose spread is less than a nat has fewer temperatures."""

    paths: int = 1024
    particles: int = 16
    temperatures: int = 16


class LogPartition(NamedTuple):
    """`forward_N`: in expectation below log Z. `reverse_N`: above it, as far as its particles are drawn from the tilt.

    `error`: standard error of `forward_N` from its particles' weights, N.
    """

    forward_N: Tensor
    reverse_N: Tensor
    error_N: Tensor


class _Particles:
    """Points of tilts beta F + log r, each with its F and its gradient, so that a move costs one evaluation."""

    def __init__(
        self, tilt_and_grad: TiltAndGrad, centre_MD: Tensor, variance_M1: Tensor, row_M: Tensor, noise: Noise
    ) -> None:
        self.centre_MD, self.variance_M1, self.row_M, self.noise = centre_MD, variance_M1, row_M, noise
        self.tilt_and_grad = tilt_and_grad
        self.x_MD = centre_MD + variance_M1.sqrt() * self._normal()
        self.tilt_M, self.grad_MD = tilt_and_grad(self.x_MD, row_M)

    def move(self, beta: float) -> None:
        """A Metropolis-adjusted Langevin step of the tilt beta F."""
        h = _STEP * self.variance_M1
        log_p_M, slope_MD = self._density(self.x_MD, self.tilt_M, self.grad_MD, beta)
        new_MD = self.x_MD + h / 2 * slope_MD + h.sqrt() * self._normal()
        new_tilt_M, new_grad_MD = self.tilt_and_grad(new_MD, self.row_M)
        new_log_p_M, new_slope_MD = self._density(new_MD, new_tilt_M, new_grad_MD, beta)
        log_accept_M = log_acceptance(self.x_MD, log_p_M, slope_MD, new_MD, new_log_p_M, new_slope_MD, h)
        taken_M = self.noise.uniform(len(h), device=h.device).log() < log_accept_M
        self.tilt_M = torch.where(taken_M, new_tilt_M, self.tilt_M)
        self.x_MD = torch.where(taken_M[:, None], new_MD, self.x_MD)
        self.grad_MD = torch.where(taken_M[:, None], new_grad_MD, self.grad_MD)

    def take(self, chosen_M: Tensor) -> None:
        """Go on from these particles."""
        self.x_MD, self.tilt_M, self.grad_MD = self.x_MD[chosen_M], self.tilt_M[chosen_M], self.grad_MD[chosen_M]

    def _density(self, x_MD: Tensor, tilt_M: Tensor, grad_MD: Tensor, beta: float) -> tuple[Tensor, Tensor]:
        gap_MD = (x_MD - self.centre_MD) / self.variance_M1
        return beta * tilt_M - 0.5 * (gap_MD.square() * self.variance_M1).sum(-1), beta * grad_MD - gap_MD

    def _normal(self) -> Tensor:
        return self.noise.normal(*self.centre_MD.shape, device=self.centre_MD.device)


def log_partition(
    tilt_and_grad: TiltAndGrad,
    centre_ND: Tensor,
    variance_N: Tensor,
    generator: torch.Generator | Noise | None,
    particles: int = 16,
    temperatures: int = 16,
) -> LogPartition:
    """log of E[exp F(x)] over x ~ N(centre, variance I), for N tilts at once.

    Particles go from the Gaussian to exp(F) r through `temperatures` tilts beta F, beta rising evenly to 1, with a
    Metropolis-adjusted Langevin move at each; then, resampled by their weights and settled at the target, back again.
    With F = 0 all three numbers are exactly zero. The way back can only be trusted as far as the particles found all
    of the tilt. Raises ValueError for fewer than two particles or one temperature.
    """
    if particles < 2 or temperatures < 1:
        raise ValueError(f"needs two particles and a temperature, received {particles} and {temperatures}")
    noise = generator if isinstance(generator, Noise) else Noise(generator)
    row_N = torch.arange(len(centre_ND), device=centre_ND.device)
    parts = [
        _block(tilt_and_grad, centre_ND[part], variance_N[part], part, noise, particles, temperatures)
        for part in row_N.split(max(1, _AT_ONCE // particles))
    ]
    return LogPartition(*(torch.cat(each) for each in zip(*parts, strict=True)))


def _block(
    tilt_and_grad: TiltAndGrad,
    centre_ND: Tensor,
    variance_N: Tensor,
    row_N: Tensor,
    noise: Noise,
    particles: int,
    temperatures: int,
) -> LogPartition:
    rows, step = len(row_N), 1 / temperatures
    walk = _Particles(
        tilt_and_grad,
        centre_ND.repeat(particles, 1),
        variance_N.repeat(particles)[:, None],
        row_N.repeat(particles),
        noise,
    )
    log_weight_M = torch.zeros_like(walk.tilt_M)
    for i in range(1, temperatures + 1):
        log_weight_M += step * walk.tilt_M
        walk.move(i * step)
    log_weight_SN = log_weight_M.view(particles, rows)
    forward_N = log_mean_exp(log_weight_SN)
    error_N = (log_weight_SN - forward_N).exp().std(0) / math.sqrt(particles)

    chosen_SN = _resampled(log_weight_SN.softmax(0), noise)
    walk.take((chosen_SN * rows + torch.arange(rows, device=chosen_SN.device)).flatten())
    for _ in range(_SETTLE):
        walk.move(1.0)
    log_weight_M = torch.zeros_like(walk.tilt_M)
    for i in range(temperatures, 0, -1):
        walk.move(i * step)
        log_weight_M -= step * walk.tilt_M
    return LogPartition(forward_N, -log_mean_exp(log_weight_M.view(particles, rows)), error_N)


def log_mean_exp(x_SN: Tensor) -> Tensor:
    """log of the mean of exp over the first dimension."""
    return x_SN.logsumexp(0) - math.log(len(x_SN))


def _resampled(weight_SN: Tensor, noise: Noise) -> Tensor:
    """Systematic resampling: which particle each place takes, as often as its weight says to within one."""
    particles, rows = weight_SN.shape
    offset_N = noise.uniform(rows, device=weight_SN.device)
    place_SN = (torch.arange(particles, device=weight_SN.device)[:, None] + offset_N) / particles
    edges_NS = weight_SN.T.cumsum(-1).contiguous()
    return torch.searchsorted(edges_NS, place_SN.T.contiguous()).clamp(max=particles - 1).T
