"""From one text to another through the latent space: the texts on the way, and what each place costs there.

Legend: N places on the way, D latent dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ldebm.errors import DataError
from ldebm.model import LDEBM
from ldebm.prior.log_partition import Effort

EFFORT = Effort(paths=32, particles=16)  # for a curve to look at
_STRAIGHT = 1e-3  # radians from 0 or pi, where no great circle is told apart from a line


@dataclass(frozen=True)
class Place:
    """A place on the way: its text, its most probable symbol, and the ends of a bracket of its energy -log p(z) in
    nats, None where the prior has no density."""

    text: str
    symbol: int
    energy_low: float | None
    energy_high: float | None


def interpolate(model: LDEBM, first: str, second: str, places: int = 9, seed: int = 0) -> list[Place]:
    """The way from the posterior mean of one text to that of another, both included.

    Along the great circle through them, with evenly changing length: a straight line would pass nearer the origin than
    texts lie. Raises DataError for fewer than two places.
    """
    if places < 2:
        raise DataError(f"a way has two ends, received {places} places; ask for 2 or more")
    first_D, second_D = model.encode([first, second])
    way_ND = great_circle(first_D, second_D, places)
    z_ND = torch.from_numpy(way_ND).to(model.device)
    energies: list[tuple[float | None, float | None]] = [(None, None)] * places
    with model.evaluating(torch.float32), torch.no_grad():
        symbols = model.prior.symbol_logits(z_ND).argmax(-1).tolist()
        try:
            bounds = model.prior.log_density_bounds(z_ND, torch.Generator(model.device).manual_seed(seed), EFFORT)
            energies = [(-high, -low) for low, high in zip(*(end.tolist() for end in bounds), strict=True)]
        except ValueError:
            pass  # a prior without a density: samples and symbols are all it has
    return [
        Place(text, symbol, *energy)
        for text, symbol, energy in zip(model.decode(way_ND), symbols, energies, strict=True)
    ]


def great_circle(first_D: npt.NDArray[np.floating], second_D: npt.NDArray[np.floating], places: int) -> np.ndarray:
    """`places` points from one to the other, [N, D] float32, with directions and lengths that change evenly."""
    share_N1 = np.linspace(0, 1, places)[:, None]
    lengths = np.linalg.norm(first_D), np.linalg.norm(second_D)
    way_ND = (1 - share_N1) * first_D + share_N1 * second_D
    if min(lengths) > 0:
        one_D, other_D = first_D / lengths[0], second_D / lengths[1]
        angle = np.arccos(np.clip(one_D @ other_D, -1, 1))
        if _STRAIGHT < angle < np.pi - _STRAIGHT:
            turned_ND = np.sin((1 - share_N1) * angle) * one_D + np.sin(share_N1 * angle) * other_D
            way_ND = ((1 - share_N1) * lengths[0] + share_N1 * lengths[1]) * turned_ND / np.sin(angle)
    return way_ND.astype(np.float32)
