"""Texts on their way out of noise: what the decoder makes of each level's latent, and what it may become."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from ldebm.model import LDEBM
from ldebm.prior.diffusion import DiffusionPrior

LEAST = 0.02  # probability of a symbol that is worth telling


@dataclass(frozen=True)
class Stage:
    """A latent after the chain of one level: its text, and the symbols it points to with their p(y | z_t), the most
    probable first."""

    level: int
    text: str
    symbols: tuple[tuple[int, float], ...]


def chains(model: LDEBM, n: int, seed: int = 0) -> list[list[Stage]]:
    """`n` samples of Algorithm 2 with what they were after each level, T-1 .. 0. Empty where the prior has no levels.

    The last stage of each is a text that the model generates; those before show how early it was settled.
    """
    if not isinstance(model.prior, DiffusionPrior):
        return []
    with model.evaluating():
        latents_nTD, symbols_nTK = model.prior.descend(n, torch.Generator(model.device).manual_seed(seed))
    texts = iter(model.decode(latents_nTD.flatten(0, 1).cpu().numpy()))
    levels = range(latents_nTD.shape[1])
    return [
        [Stage(level, next(texts), _probable(row_K)) for level, row_K in zip(reversed(levels), rows_TK, strict=True)]
        for rows_TK in symbols_nTK.tolist()
    ]


def _probable(probabilities_K: list[float]) -> tuple[tuple[int, float], ...]:
    order = sorted(range(len(probabilities_K)), key=lambda k: -probabilities_K[k])
    return tuple((k, probabilities_K[k]) for k in order if probabilities_K[k] >= LEAST)
