"""log p(x) of held-out examples from below, by importance weighting (Burda et al. 2016; methods 5.2); of responses, log
p(x | c).

Legend: B examples, S posterior samples of each, D latent dimensions, C size of a context.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from ldebm.data.batches import Batch
from ldebm.noise import Noise
from ldebm.objective import LatentModel
from ldebm.prior.log_partition import log_mean_exp


@torch.no_grad()
def log_weights(
    model: LatentModel[Any], batch: Batch, samples: int, generator: torch.Generator | None, particles: int = 8
) -> tuple[Tensor, Tensor]:
    """log p(x | z) + log p(z) - log q(z | x) of `samples` draws z from q(z | x), nats, [S, B].

    Twice: with log p(z) estimated from below and from above (`Prior.log_density_draws`). The mean over S is the ELBO
    (of the path through the levels as well), the log of the mean of the exponentials (`importance_bound`) a tighter
    bound. In fp32; the model is put in evaluation mode. Raises ValueError where the prior has no density.

    Args:
        particles: of each normaliser.
    """
    batch, found = batch.to(model.device), []
    with model.evaluating(torch.float32):
        context_BC = model.context_of(batch)
        posterior = model.infer(batch, context_BC)
        for _ in range(samples):
            noise_BD = Noise(generator).normal(*posterior.mean_BD.shape, device=model.device)
            z_BD = posterior.sample(noise_BD)
            log_q_B = -0.5 * (noise_BD.square() + posterior.log_variance_BD + math.log(2 * math.pi)).sum(-1)
            rest_B = model.log_likelihood(z_BD, batch, context_BC=context_BC) - log_q_B
            ends = model.prior.log_density_draws(z_BD, generator, particles, context_BC)
            found.append(torch.stack([rest_B + end_B for end_B in ends]))
    lower_SB, upper_SB = torch.stack(found, 1)
    return lower_SB, upper_SB


def importance_bound(log_weight_SB: Tensor) -> Tensor:
    """log of the mean weight, B: in expectation at most log p(x) with the lower end of log p(z), closer with more S.

    In log space, one example at a time, none left out. Raises ValueError without samples.
    """
    if log_weight_SB.ndim != 2 or not len(log_weight_SB):
        raise ValueError(f"needs weights [samples, examples], got shape {tuple(log_weight_SB.shape)}")
    return log_mean_exp(log_weight_SB)
