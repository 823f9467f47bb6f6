"""Rewriting: a text said anew with another symbol, its latent moved under that symbol's energy as little as it takes.

A latent climbs weight * log odds(y | z) - |u - u(x)|^2 / 2, some steps at each weight of a ladder that begins with
none, until what the decoder makes of it reads as the asked symbol. u are the coordinates in which the prior's Gaussian
is N(0, I): there a step towards a symbol goes where texts differ, and the decoder follows.
Legend: N texts, n those among them not yet done, D latent dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ldebm.errors import UserError
from ldebm.model import LDEBM
from ldebm.objective import WRITE_ROWS

WEIGHTS = (0.0, *(2.0**k for k in range(-5, 6)))
ENOUGH = 0.5  # probability with which a text reads as the asked symbol
_STEPS, _STEP_SIZE = 40, 0.1  # of Adam at each weight


@dataclass(frozen=True)
class Rewriting:
    """A text said anew, p(asked symbol | it) as the model reads it, and the weight that it took."""

    text: str
    probability: float
    weight: float


def rewrite(
    model: LDEBM, texts: Sequence[str], symbol: int | None = None, label: str | None = None, weight: float | None = None
) -> list[Rewriting]:
    """Each text as the model would say it with one symbol; `label` names it.

    The same every time. Where no weight makes a text read as asked, that of the weight which came nearest.

    Args:
        weight: of the asked symbol against the distance from the text, where the ladder ends, 0 to the last of WEIGHTS;
            None: for each text where it first reads as asked.

    Raises UserError for an unknown symbol or label, for none or both, for another weight, for an empty text, for a
    prior that has learned no symbols, and for a model of bags of words.
    """
    if model.config.model.observation == "bag_of_words":
        raise UserError(
            "this run writes bags of words, of which no sentence can be made: train with the preset"
            " best-small, say, which reads and writes sentences"
        )
    chosen = model.chosen_symbol(symbol, label)
    if chosen is None:
        raise UserError("a text is rewritten towards a symbol or a label: choose one")
    if weight is not None and not 0 <= weight <= WEIGHTS[-1]:
        raise UserError(f"a weight is 0 to {WEIGHTS[-1]:g}, received {weight}")
    for row, text in enumerate(texts, start=1):
        if not text.strip():
            raise UserError(f"text {row} is empty: there is nothing to rewrite")
    return [
        found
        for start in range(0, len(texts), WRITE_ROWS)
        for found in _rewritten(model, texts[start : start + WRITE_ROWS], chosen, weight)
    ]


def _rewritten(model: LDEBM, texts: Sequence[str], chosen: int, weight: float | None) -> list[Rewriting]:
    found: list[Rewriting | None] = [None] * len(texts)
    means_ND = torch.from_numpy(model.encode(texts)).to(model.device)
    start_ND = model.prior.whiten(means_ND)
    moved_ND, open_n = start_ND.clone(), np.arange(len(texts))
    ladder = WEIGHTS if weight is None else (*(each for each in WEIGHTS if each < weight), weight)
    for each in ladder:
        moved_ND[open_n] = _climbed(model, moved_ND[open_n], start_ND[open_n], chosen, each)
        if weight is not None and each < weight:
            continue
        written = model.decode(model.prior.colour(moved_ND[open_n]).cpu().numpy())
        read_n = model.symbol_probabilities(written)[:, chosen]
        for row, text, probability in zip(open_n, written, read_n.tolist(), strict=True):
            before = found[row]
            if before is None or probability > before.probability:
                found[row] = Rewriting(text, probability, each)
        open_n = open_n[read_n < ENOUGH]
        if not len(open_n):
            break
    return [each for each in found if each is not None]


def _climbed(model: LDEBM, from_nD: Tensor, start_nD: Tensor, symbol: int, weight: float) -> Tensor:
    """Steps from `from_nD` towards where weight * log odds(symbol | z) - |u - start|^2 / 2 is highest, nD."""
    u_nD = from_nD.clone().requires_grad_()
    climb = torch.optim.Adam([u_nD], lr=_STEP_SIZE)
    with model.evaluating(torch.float32):
        for _ in range(_STEPS):
            log_odds_n = _log_odds(model.prior.symbol_logits(model.prior.colour(u_nD)), symbol)
            cost = 0.5 * (u_nD - start_nD).square().sum() - weight * log_odds_n.sum()
            (u_nD.grad,) = torch.autograd.grad(cost, u_nD)
            climb.step()
    return u_nD.detach()


def _log_odds(logits_nK: Tensor, symbol: int) -> Tensor:
    """log p(symbol) - log p(any other), n: unlike the probability it goes on growing until the decoder follows."""
    others = [k for k in range(logits_nK.shape[-1]) if k != symbol]
    return logits_nK[:, symbol] - logits_nK[:, others].logsumexp(-1)
