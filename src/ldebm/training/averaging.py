"""Averaged weights: what is validated, kept and used."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from ldebm.model import LDEBM
from ldebm.objective import LatentModel


def averaged_copy(model: LatentModel[Any]) -> LatentModel[Any]:
    """A model to average into, which begins as the other. What words say of labels is large and stays as it was taught:
    both have it in common."""
    common = {id(model.words): model.words} if isinstance(model, LDEBM) else {}
    return copy.deepcopy(model, common).eval().requires_grad_(False)


@torch.no_grad()
def average(averaged: nn.Module, moving: nn.Module, decay: float, steps: int) -> None:
    """Move the averaged weights towards the moving ones after `steps` updates; buffers are copied. Early on the average
    is short, or it would remember the initialisation."""
    ours: list[Tensor] = list(averaged.parameters())
    theirs: list[Tensor] = list(moving.parameters())
    torch._foreach_lerp_(ours, theirs, 1 - min(decay, (1 + steps) / (10 + steps)))
    for mine, other in zip(averaged.buffers(), moving.buffers(), strict=True):
        mine.copy_(other)
