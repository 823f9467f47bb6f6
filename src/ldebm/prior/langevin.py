"""Langevin dynamics, plain or Metropolis-adjusted: a free function over a callable.

Legend: B chains, D dimensions. One step of size h is z <- z + h/2 grad log p(z) + sqrt(h) noise; for a Gaussian of
variance v the chain without adjustment settles at the variance v / (1 - h / (4 v)), exactly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from ldebm.noise import Noise

LogDensityAndGrad = Callable[[Tensor], tuple[Tensor, Tensor]]


class Chain(NamedTuple):
    """Where the chains ended, and how a Metropolis test judges (or would have judged) their steps."""

    z_BD: Tensor
    acceptance_B: (
        Tensor  # mean probability of acceptance: of all steps if adjusted, else of the last but one; nan if unknown
    )


def langevin(
    log_density_and_grad: LogDensityAndGrad,
    z_BD: Tensor,
    step_size: float | Tensor,
    steps: int,
    generator: torch.Generator | Noise | None,
    adjust: bool = False,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Chain:
    """Run `steps` Langevin steps from `z_BD` (paper A.3, Algorithms 1 and 2).

    Args:
        log_density_and_grad: maps z_BD to (log p up to a constant, B; its gradient, BD).
        step_size: h, a number or one a chain as [B, 1], in units of variance.
        generator: source of the noise, drawn for the whole chain at once: the chain is a function of start and noise.
        adjust: accept or reject each step (MALA), so that p is exactly invariant; costs one more evaluation.
        callback: called as callback(step, z_BD) after each step.

    Raises ValueError for fewer than one step.
    """
    if steps < 1:
        raise ValueError(f"a chain needs at least one step, received {steps}")
    noise = generator if isinstance(generator, Noise) else Noise(generator)
    rows, device = z_BD.shape[0], z_BD.device
    h = torch.as_tensor(step_size, dtype=z_BD.dtype, device=device)
    kicks_SBD = noise.normal(steps, *z_BD.shape, device=device, axis=1).to(z_BD.dtype) * h.sqrt()
    if adjust:
        log_uniform_SB = noise.uniform(steps, rows, device=device, axis=1).to(z_BD.dtype).log()
    total_B = z_BD.new_zeros(rows)
    judged = 0
    z, (log_p, grad) = z_BD, log_density_and_grad(z_BD)
    for step in range(steps):
        proposal = (z + kicks_SBD[step]).addcmul_(grad, h / 2)
        if not adjust and step == steps - 1:
            z = proposal  # nobody asks for the density where the chain ends
        else:
            new_log_p, new_grad = log_density_and_grad(proposal)
            if adjust or step == steps - 2:
                log_accept = log_acceptance(z, log_p, grad, proposal, new_log_p, new_grad, h)
                total_B += log_accept.clamp(max=0.0).exp()
                judged += 1
            if adjust:
                taken = log_uniform_SB[step] < log_accept
                z = torch.where(taken[:, None], proposal, z)
                log_p = torch.where(taken, new_log_p, log_p)
                grad = torch.where(taken[:, None], new_grad, grad)
            else:
                z, log_p, grad = proposal, new_log_p, new_grad
        if callback is not None:
            callback(step, z)
    return Chain(z, total_B / judged if judged else torch.full_like(total_B, torch.nan))


def log_acceptance(
    z: Tensor, log_p: Tensor, grad: Tensor, new: Tensor, new_log_p: Tensor, new_grad: Tensor, h: Tensor
) -> Tensor:
    """log of p(new) q(z | new) / (p(z) q(new | z)) for each chain."""
    forward = (new - z - h / 2 * grad).square() / (2 * h)
    backward = (z - new - h / 2 * new_grad).square() / (2 * h)
    return new_log_p - log_p + (forward - backward).sum(-1)
