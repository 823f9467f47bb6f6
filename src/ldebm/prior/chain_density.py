"""The density of a chain of tilted Gaussians, from below and from above (methods 2.4, 5.2).

With q the forward process from u_0 and every level a tilt exp(F_t) r_t(u_t | u_{t+1}) / Z_t(u_{t+1}) of one Gaussian
chain, p(u_0) = N(u_0) E_q[prod_t w_t], log w_t = F_t(u_t) - log Z_t(u_{t+1}).

Legend: B latents, P paths of each, N rows, D latent dimensions, T levels, R sets of paths, C size of a context.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from ldebm.noise import Noise
from ldebm.prior.energy import FoldedEnergy, tilt
from ldebm.prior.log_partition import Effort, Tilt, log_mean_exp, log_partition

if TYPE_CHECKING:
    from ldebm.prior.diffusion import DiffusionPrior

SETS = 16  # of paths, each shifted at random: how their means spread says how far to trust them
_LATENTS_AT_ONCE = 8
_TOP_PARTICLES = 16_384
_GAIN_PARTICLES = 32


class PathWeights(NamedTuple):
    """log w_t of one forward path a row with log Z_t estimated from below and from above, [T, N] each, and the standard
    error of the top level's, which all rows share."""

    forward_TN: Tensor
    reverse_TN: Tensor
    top_error: Tensor


class Estimates(NamedTuple):
    """log p(u) - log N(u) in nats, B each. exp of `reverse_B` is unbiased, exp of `forward_B` too high in expectation;
    `error_B`: standard error of both."""

    forward_B: Tensor
    reverse_B: Tensor
    error_B: Tensor


def bracket(
    prior: DiffusionPrior, u_BD: Tensor, noise: Noise, effort: Effort, context_BC: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Lower and upper end of log p(u) - log N(u), B each, in nats: two standard errors outside both estimates."""
    found = estimates(prior, u_BD, noise, effort, context_BC)
    lowest_B = torch.minimum(found.forward_B, found.reverse_B)
    highest_B = torch.maximum(found.forward_B, found.reverse_B)
    return lowest_B - 2 * found.error_B, highest_B + 2 * found.error_B


def estimates(
    prior: DiffusionPrior, u_BD: Tensor, noise: Noise, effort: Effort, context_BC: Tensor | None = None
) -> Estimates:
    """By paths whose noise is a Sobol sequence, which covers its space more evenly than chance, shifted at random in
    each of 16 sets. Raises ValueError where the paths are not to be shared out evenly.
    """
    if effort.paths < SETS or effort.paths % SETS:
        raise ValueError(f"the paths come in {SETS} equal sets, received {effort.paths}")
    parts = [
        _of_some(prior, u_BD[some], noise, effort, None if context_BC is None else context_BC[some])
        for some in torch.arange(len(u_BD), device=u_BD.device).split(_LATENTS_AT_ONCE)
    ]
    forward, reverse, error = zip(*parts, strict=True)
    return Estimates(torch.cat(forward), torch.cat(reverse), torch.cat(error))


def _of_some(prior: DiffusionPrior, u_BD: Tensor, noise: Noise, effort: Effort, context_BC: Tensor | None) -> Estimates:
    rows, paths = len(u_BD), effort.paths
    step_noise_TND = _even_noise(prior.levels, paths, rows, u_BD.shape[1], noise, u_BD.device)
    context_NC = None if context_BC is None else context_BC.repeat(paths, 1)
    found = path_weights(prior, u_BD.repeat(paths, 1), step_noise_TND, noise, effort.particles, context_NC)
    log_weight_2N = torch.stack([found.forward_TN.sum(0), found.reverse_TN.sum(0)])
    set_R2B = log_mean_exp(log_weight_2N.view(2, SETS, -1, rows).permute(2, 1, 0, 3))
    mean_2B = log_mean_exp(set_R2B)
    spread_2B = (set_R2B - mean_2B).exp().std(0) / math.sqrt(SETS)
    error_B = (spread_2B.amax(0).square() + found.top_error.square()).sqrt()
    return Estimates(mean_2B[0], mean_2B[1], error_B)


def gains(prior: DiffusionPrior, u_ND: Tensor, noise: Noise, context_NC: Tensor | None = None) -> dict[str, float]:
    """E[log w_t]: nats a text that each level's energy saves over the Gaussian, in expectation from above and below."""
    step_noise_TND = noise.normal(prior.levels, *u_ND.shape, device=u_ND.device)
    weights = path_weights(prior, u_ND, step_noise_TND, noise, _GAIN_PARTICLES, context_NC)
    above_T, below_T = weights.forward_TN.mean(1).tolist(), weights.reverse_TN.mean(1).tolist()
    found = {"gain": sum(above_T), "gain_low": sum(below_T)}
    for level, (above, below) in enumerate(zip(above_T, below_T, strict=True)):
        found |= {f"gain_{level}": above, f"gain_low_{level}": below}
    return found


def path_weights(
    prior: DiffusionPrior,
    u_ND: Tensor,
    step_noise_TND: Tensor,
    noise: Noise,
    particles: int,
    context_NC: Tensor | None = None,
) -> PathWeights:
    """Up the levels from u_0, each step with the noise given; log Z_t by annealed importance sampling for each row."""
    folded, tables = FoldedEnergy(prior.energy, torch.float32, context_NC), prior.transition
    forward, reverse, top_error = [], [], u_ND.new_zeros(())
    for level in range(prior.levels):
        level_N = torch.full((len(u_ND),), level, dtype=torch.long, device=u_ND.device)
        next_ND = prior.schedule.step(u_ND, level_N, step_noise_TND[level])
        # Nothing above pulls on the top level: without a context there is one normaliser for all.
        top = level == prior.levels - 1 and context_NC is None
        above_ND = next_ND[:1] if top else next_ND
        centre_ND, variance_N = tables.pull[level] * above_ND, tables.variance[level].expand(len(above_ND))
        count = _TOP_PARTICLES if top else particles
        found = log_partition(_tilt_of(prior, folded, level, context_NC), centre_ND, variance_N, noise, count)
        positive_N = tilt(prior.energy(u_ND, level_N, context_NC))
        forward.append(positive_N - found.forward_N)
        reverse.append(positive_N - found.reverse_N)
        if top:
            top_error = found.error_N[0]
        u_ND = next_ND
    return PathWeights(torch.stack(forward), torch.stack(reverse), top_error)


def _tilt_of(prior: DiffusionPrior, folded: FoldedEnergy, level: int, context_NC: Tensor | None) -> Tilt:
    def value(x_MD: Tensor, row_M: Tensor) -> Tensor:
        context_MC = None if context_NC is None else context_NC[row_M]
        return tilt(prior.energy(x_MD, torch.full_like(row_M, level), context_MC))

    def value_and_grad(x_MD: Tensor, row_M: Tensor) -> tuple[Tensor, Tensor]:
        return folded.tilt_and_grad(x_MD, torch.full_like(row_M, level), row_B=row_M)

    return Tilt(value, value_and_grad)


def _even_noise(levels: int, paths: int, rows: int, size: int, noise: Noise, device: torch.device) -> Tensor:
    """Standard normal [T, P B, D]: a Sobol sequence with a random shift of its own for each set and latent."""
    sobol_SE = torch.quasirandom.SobolEngine(levels * size).draw(paths // SETS, dtype=torch.float64).to(device)
    shift_RBE = noise.uniform(SETS, rows, levels * size, device=device).double()
    place = (sobol_SE[:, None] + shift_RBE[:, None]).remainder(1.0).clamp(1e-7, 1 - 1e-7)
    normal = math.sqrt(2) * torch.erfinv(2 * place - 1)
    return normal.float().view(paths * rows, levels, size).transpose(0, 1)
