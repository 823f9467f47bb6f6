"""How well blanks are filled: the model, its posterior unrefined, and a language model, on equal terms.

Every row searches with equally many beams, never fills in the unknown word, and ranks the same fillings: the best that
any row found. Legend: N fillings, L tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ldebm.data.tokenizer import PAD, UNK
from ldebm.evaluation.language_model import LanguageModel
from ldebm.model import LDEBM
from ldebm.tasks.completion import BEAMS, CHAINS, ROUNDS, distinct, fillings, padded, shares

ROWS = ("ldebm-best", "posterior", "language-model")
_TEXTS_AT_ONCE = 16

DEFINITIONS = {
    "accuracy": "share of blanks whose word is right in the most probable filling that was found, 1 to 3 blanks a text "
    "drawn among its known words; 0 to 1",
    "log_probability": "log of the share that the true filling has among all that any row found and itself, nats a "
    "blank; 0 at best",
}


class Blanks(NamedTuple):
    """Ids of whole texts, and the same with PAD in the place of some words."""

    whole: list[list[int]]
    blanked: list[list[int]]


def with_blanks(texts: Sequence[Sequence[int]], seed: int = 0) -> Blanks:
    """Texts of ids with marks, 1 to 3 known words of each hidden; texts without a known word are left out."""
    generator, found = np.random.default_rng(seed), Blanks([], [])
    for ids in texts:
        places = [place for place in range(1, len(ids) - 1) if ids[place] > UNK]
        if not places:
            continue
        number = min(int(generator.integers(1, 4)), len(places))
        hidden = set(generator.choice(places, size=number, replace=False).tolist())
        found.whole.append(list(ids))
        found.blanked.append([PAD if place in hidden else token for place, token in enumerate(ids)])
    return found


@torch.no_grad()
def compare(
    model: LDEBM, language_model: LanguageModel, blanks: Blanks, rounds: int = ROUNDS, seed: int = 0
) -> dict[str, dict[str, float]]:
    """The figures of DEFINITIONS for each of ROWS. The language model's vocabulary is to be the model's."""
    language_model.eval()
    language_model.compute_dtype = torch.float32
    totals = {row: _Total() for row in ROWS}
    for start in range(0, len(blanks.whole), _TEXTS_AT_ONCE):
        part = slice(start, start + _TEXTS_AT_ONCE)
        refined = fillings(model, blanks.blanked[part], seed + start, rounds)
        plain = fillings(model, blanks.blanked[part], seed + start, 0)
        for place, (whole, blanked) in enumerate(zip(blanks.whole[part], blanks.blanked[part], strict=True)):
            by_words = language_model.fill(padded([blanked], model.device), CHAINS * BEAMS, (UNK,))
            found_NL = torch.cat([refined[place][0], plain[place][0], distinct(*by_words, len(blanked))]).unique(dim=0)
            all_NL = _with(found_NL, whole)
            scores = (
                shares(model, refined[place][1], all_NL),
                shares(model, plain[place][1], all_NL),
                language_model.log_likelihood(padded(all_NL.tolist(), model.device)),
            )
            for row, score_N in zip(ROWS, scores, strict=True):
                totals[row].add(found_NL, score_N, whole, blanked)
    return {row: total.figures() for row, total in totals.items()}


class _Total:
    """Right words, blanks and log-probability so far."""

    def __init__(self) -> None:
        self.right, self.blanks, self.log_probability = 0, 0, 0.0

    def add(self, found_NL: Tensor, score_N: Tensor, whole: Sequence[int], blanked: Sequence[int]) -> None:
        """Of one text: the scores are of the fillings found and, last, of the true one where it was not found."""
        hidden = [place for place, token in enumerate(blanked) if token == PAD]
        best_L = found_NL[score_N[: len(found_NL)].argmax()].tolist()
        true = int((_with(found_NL, whole) == found_NL.new_tensor(list(whole))).all(1).nonzero()[0])
        self.right += sum(best_L[place] == whole[place] for place in hidden)
        self.blanks += len(hidden)
        self.log_probability += float(score_N.log_softmax(0)[true])

    def figures(self) -> dict[str, float]:
        return {"accuracy": self.right / self.blanks, "log_probability": self.log_probability / self.blanks}


def _with(found_NL: Tensor, whole: Sequence[int]) -> Tensor:
    """The fillings found and, where it is none of them, the true one behind them."""
    true_L = found_NL.new_tensor(list(whole))
    return found_NL if bool((found_NL == true_L).all(1).any()) else torch.cat([found_NL, true_L[None]])
