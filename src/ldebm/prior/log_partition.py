"""log Z = log E_r[exp F] of a tilted Gaussian r, from below and from above, by annealed importance sampling.

Legend: N tilts, S particles of each, M = N S, D dimensions. Neal 2001; both ways: Grosse et al. 2015 (methods 5.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ldebm.noise import Noise
from ldebm.prior.langevin import log_acceptance

_STEP = 0.3  # of the Metropolis-adjusted Langevin moves, in variances of the Gaussian
_SETTLE = 16  # moves at the target before the way back
_STARTS = 16  # particles of which one starts the way back
_LEAST_PARTICLES = 8
_PLAIN_VARIANCE = 4.0  # of a tilt, up to which more draws of the Gaussian, without a gradient, beat annealing
_MOST_TEMPERATURES = 64
_PILOT_ROWS, _PILOT_DRAWS = 64, 32
_AT_ONCE = 16_384  # particles: what the caches hold


class Tilt(NamedTuple):
    """F of points [M, D], each of one of the N tilts [M]: its values [M], and its values with their gradient [M, D]."""

    value: Callable[[Tensor, Tensor], Tensor]
    value_and_grad: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Effort(NamedTuple):
    """Of a density's bracket: `paths` of the levels above z for each row, and `particles` for each path's normaliser as
    `log_partition` takes them."""

    paths: int = 512
    particles: int = 256


class LogPartition(NamedTuple):
    """Of exp(forward_N) the expectation is Z, of exp(-reverse_N) it is 1 / Z, as far as the particle that goes back is
    drawn from the tilt: so in expectation forward is below log Z and reverse above.

    `error`: standard error of `forward_N` from its particles' weights, N.
    """

    forward_N: Tensor
    reverse_N: Tensor
    error_N: Tensor


def log_partition(
    tilt: Tilt,
    centre_ND: Tensor,
    variance_N: Tensor,
    generator: torch.Generator | Noise | None,
    particles: int = 128,
    temperatures: int | None = None,
) -> LogPartition:
    """log of E[exp F(x)] over x ~ N(centre, variance I), for N tilts at once.

    Particles go from the Gaussian to exp(F) r through tilts beta F, beta rising evenly to 1, with a Metropolis-adjusted
    Langevin move at each. The way back starts at one particle of the tilt, and its weight takes the place of another's:
    what is left is unbiased for 1 / Z. With F = 0 all three numbers are exactly zero.

    Args:
        particles: of a tilt whose values have a variance of one nat squared under its Gaussian, two at least; in
            proportion for other variances, up to 4.
        temperatures: where none are given one up to a variance of 4, and as many as the variance beyond, at most 64.

    Raises ValueError for fewer than two particles or one temperature.
    """
    if particles < 2 or (temperatures is not None and temperatures < 1):
        raise ValueError(f"needs two particles and a temperature, received {particles} and {temperatures}")
    noise = generator if isinstance(generator, Noise) else Noise(generator)
    variance_of_tilt = _variance(tilt, centre_ND, variance_N, noise)
    if temperatures is None:
        plain = variance_of_tilt <= _PLAIN_VARIANCE
        temperatures = 1 if plain else min(math.ceil(variance_of_tilt), _MOST_TEMPERATURES)
    share = min(variance_of_tilt, _PLAIN_VARIANCE) if temperatures == 1 else min(variance_of_tilt, 1.0)
    particles = max(min(particles, _LEAST_PARTICLES), math.ceil(particles * share))
    row_N = torch.arange(len(centre_ND), device=centre_ND.device)
    parts = [
        _block(tilt, centre_ND[part], variance_N[part], part, noise, particles, temperatures)
        for part in row_N.split(max(1, _AT_ONCE // (particles + _STARTS)))
    ]
    return LogPartition(*(torch.cat(each) for each in zip(*parts, strict=True)))


def _variance(tilt: Tilt, centre_ND: Tensor, variance_N: Tensor, noise: Noise) -> float:
    """Variance of F under the Gaussian, nats squared, mean over some tilts; 1 where it is no number: what comes out
    will then be none either, and a training run says why."""
    rows = min(len(centre_ND), _PILOT_ROWS)
    row_M = torch.arange(rows, device=centre_ND.device).repeat(_PILOT_DRAWS)
    normal_MD = noise.normal(len(row_M), centre_ND.shape[1], device=centre_ND.device)
    x_MD = centre_ND[row_M] + variance_N[row_M, None].sqrt() * normal_MD
    variance = float(tilt.value(x_MD, row_M).view(_PILOT_DRAWS, rows).var(0).mean())
    return variance if math.isfinite(variance) else 1.0


def _block(
    tilt: Tilt,
    centre_ND: Tensor,
    variance_N: Tensor,
    row_N: Tensor,
    noise: Noise,
    particles: int,
    temperatures: int,
) -> LogPartition:
    rows, step = len(row_N), 1 / temperatures
    copies = particles + _STARTS
    walk = _Walk(tilt, centre_ND.repeat(copies, 1), variance_N.repeat(copies)[:, None], row_N.repeat(copies), noise)
    log_weight_M = step * walk.value_M
    for i in range(1, temperatures):
        walk.move(i * step)
        log_weight_M += step * walk.value_M
    log_weight_SN, of_starts_SN = log_weight_M.view(copies, rows).split([particles, _STARTS])
    forward_N = log_mean_exp(log_weight_SN)
    error_N = (log_weight_SN - forward_N).exp().std(0) / math.sqrt(particles)

    chosen_N = particles + _drawn(of_starts_SN, noise)
    walk = walk.at(chosen_N * rows + torch.arange(rows, device=chosen_N.device))
    for _ in range(_SETTLE):
        walk.move(1.0)
    back_N = step * walk.value_M
    for i in range(temperatures - 1, 0, -1):
        walk.move(i * step)
        back_N += step * walk.value_M
    return LogPartition(forward_N, log_mean_exp(torch.cat([log_weight_SN[1:], back_N[None]])), error_N)


class _Walk:
    """Points of tilts beta F + log r with their F, so that a move costs one evaluation; gradients once they move."""

    def __init__(self, tilt: Tilt, centre_MD: Tensor, variance_M1: Tensor, row_M: Tensor, noise: Noise) -> None:
        self.tilt, self.noise = tilt, noise
        self.centre_MD, self.variance_M1, self.row_M = centre_MD, variance_M1, row_M
        self.x_MD = centre_MD + variance_M1.sqrt() * self._normal()
        self.value_M = tilt.value(self.x_MD, row_M)
        self.grad_MD: Tensor | None = None

    def at(self, chosen_M: Tensor) -> _Walk:
        """These points alone."""
        part = _Walk.__new__(_Walk)
        part.tilt, part.noise, part.grad_MD = self.tilt, self.noise, None
        for name in ("centre_MD", "variance_M1", "row_M", "x_MD", "value_M"):
            setattr(part, name, getattr(self, name)[chosen_M])
        return part

    def move(self, beta: float) -> None:
        """A Metropolis-adjusted Langevin step of the tilt beta F."""
        if self.grad_MD is None:
            self.value_M, self.grad_MD = self.tilt.value_and_grad(self.x_MD, self.row_M)
        h = _STEP * self.variance_M1
        log_p_M, slope_MD = self._density(self.x_MD, self.value_M, self.grad_MD, beta)
        new_MD = self.x_MD + h / 2 * slope_MD + h.sqrt() * self._normal()
        new_value_M, new_grad_MD = self.tilt.value_and_grad(new_MD, self.row_M)
        new_log_p_M, new_slope_MD = self._density(new_MD, new_value_M, new_grad_MD, beta)
        log_accept_M = log_acceptance(self.x_MD, log_p_M, slope_MD, new_MD, new_log_p_M, new_slope_MD, h)
        taken_M = self.noise.uniform(len(h), device=h.device).log() < log_accept_M
        self.value_M = torch.where(taken_M, new_value_M, self.value_M)
        self.x_MD = torch.where(taken_M[:, None], new_MD, self.x_MD)
        self.grad_MD = torch.where(taken_M[:, None], new_grad_MD, self.grad_MD)

    def _density(self, x_MD: Tensor, value_M: Tensor, grad_MD: Tensor, beta: float) -> tuple[Tensor, Tensor]:
        gap_MD = (x_MD - self.centre_MD) / self.variance_M1
        return beta * value_M - 0.5 * (gap_MD.square() * self.variance_M1).sum(-1), beta * grad_MD - gap_MD

    def _normal(self) -> Tensor:
        return self.noise.normal(*self.centre_MD.shape, device=self.centre_MD.device)


def log_mean_exp(x_SN: Tensor) -> Tensor:
    """log of the mean of exp over the first dimension."""
    return x_SN.logsumexp(0) - math.log(len(x_SN))


def _drawn(log_weight_SN: Tensor, noise: Noise) -> Tensor:
    """One particle of each column, as probable as its weight says."""
    edges_SN = log_weight_SN.softmax(0).cumsum(0)
    below_SN = edges_SN < noise.uniform(log_weight_SN.shape[1], device=log_weight_SN.device)
    return below_SN.sum(0).clamp(max=len(log_weight_SN) - 1)
