"""An encoder's two heads as the posterior q(z | x). Legend: B texts, D latent dimensions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ldebm.observation.mean_norm import MeanNorm
from ldebm.posterior import Posterior


def posterior_of(mean_BD: Tensor, raw_BD: Tensor, norm: MeanNorm | None, bound: float = 0.0) -> Posterior:
    """With a `norm`, normalised means and variances below one; else with a `bound` means within +- it; else both as the
    heads say."""
    if norm is not None:
        return Posterior(norm(mean_BD), -F.softplus(-raw_BD))
    return Posterior(bound * torch.tanh(mean_BD / bound) if bound else mean_BD, raw_BD)
