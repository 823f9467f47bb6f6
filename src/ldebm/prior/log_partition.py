"""log Z = log E_r[exp F] of a tilted Gaussian r, from below and from above, by annealed importance sampling.

Legend: N tilts, S particles of each, D dimensions. Neal 2001; both directions: Grosse et al. 2015 (methods 5.2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ldebm.noise import Noise
from ldebm.prior.langevin import langevin

# (points MD, which of the N tilts each is of) -> (F, M; its gradient, MD)
TiltAndGrad = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
_STEP = 0.3  # of the Metropolis-adjusted Langevin moves, in variances of the Gaussian
_MOVES = 2  # at each temperature
_SETTLE = 10  # moves at the target before the way back


class Effort(NamedTuple):
    """Of a density's bracket: `paths` of the levels above z for each row; `particles` and `temperatures` of annealed
    importance sampling for each normaliser."""

    paths: int = 256
    particles: int = 16
    temperatures: int = 8


class LogPartition(NamedTuple):
    """`forward_N`: in expectation below log Z. `reverse_N`: above it, as far as its particles are drawn from the tilt.

    `error`: standard error of `forward_N` from its particles' weights, N.
    """

    forward_N: Tensor
    reverse_N: Tensor
    error_N: Tensor


def log_partition(
    tilt_and_grad: TiltAndGrad,
    centre_ND: Tensor,
    variance_N: Tensor,
    generator: torch.Generator | Noise | None,
    particles: int = 16,
    temperatures: int = 8,
) -> LogPartition:
    """log of E[exp F(x)] over x ~ N(centre, variance I), for N tilts at once.

    Particles go from the Gaussian to exp(F) r through `temperatures` tilts beta F, beta rising evenly to 1, with
    Metropolis-adjusted Langevin moves at each; then, resampled by their weights and settled at the target, back again.
    With F = 0 all three numbers are exactly zero. The way back can only be trusted as far as the particles found all
    of the tilt. Raises ValueError for fewer than two particles or one temperature.
    """
    if particles < 2 or temperatures < 1:
        raise ValueError(f"needs two particles and a temperature, received {particles} and {temperatures}")
    noise = generator if isinstance(generator, Noise) else Noise(generator)
    rows = len(centre_ND)
    row_M = torch.arange(rows, device=centre_ND.device).repeat(particles)
    centre_MD, variance_M1 = centre_ND[row_M], variance_N[row_M, None]
    step = 1 / temperatures

    def moved(x_MD: Tensor, beta: float, steps: int) -> Tensor:
        def log_density_and_grad(x: Tensor) -> tuple[Tensor, Tensor]:
            tilt_M, grad_MD = tilt_and_grad(x, row_M)
            gap_MD = (x - centre_MD) / variance_M1
            return beta * tilt_M - 0.5 * (gap_MD.square() * variance_M1).sum(-1), beta * grad_MD - gap_MD

        return langevin(log_density_and_grad, x_MD, _STEP * variance_M1, steps, noise, adjust=True).z_BD

    x_MD = centre_MD + variance_M1.sqrt() * noise.normal(*centre_MD.shape, device=centre_MD.device)
    log_weight_M = x_MD.new_zeros(len(x_MD))
    for i in range(1, temperatures + 1):
        log_weight_M += step * tilt_and_grad(x_MD, row_M)[0]
        x_MD = moved(x_MD, i * step, _MOVES)
    log_weight_SN = log_weight_M.view(particles, rows)
    forward_N = log_mean_exp(log_weight_SN)
    error_N = (log_weight_SN - forward_N).exp().std(0) / math.sqrt(particles)

    chosen_SN = _resampled(log_weight_SN.softmax(0), noise)
    x_MD = x_MD.view(particles, rows, -1).gather(0, chosen_SN[:, :, None].expand(-1, -1, x_MD.shape[-1]))
    x_MD = moved(x_MD.reshape(centre_MD.shape), 1.0, _SETTLE)
    log_weight_M = x_MD.new_zeros(len(x_MD))
    for i in range(temperatures, 0, -1):
        x_MD = moved(x_MD, i * step, _MOVES)
        log_weight_M -= step * tilt_and_grad(x_MD, row_M)[0]
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
