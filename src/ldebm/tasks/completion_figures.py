"""How well blanks are filled: the model, its posterior unrefined, and a language model, on equal terms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ldebm.data.tokenizer import PAD, UNK
from ldebm.evaluation.language_model import LanguageModel
from ldebm.model import LDEBM
from ldebm.tasks.completion import distinct, fillings, padded

BEAMS = 16  # of the language model: as many as a chain of ours has
_TEXTS_AT_ONCE = 16

DEFINITIONS = {
    "accuracy": "share of blanks whose most probable filling is the word that stood there, 1 to 3 blanks a text drawn "
    "among its known words; 0 to 1",
    "log_probability": "log of the share that the true filling has among all fillings considered and itself, nats a "
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


def of_model(model: LDEBM, blanks: Blanks, rounds: int, seed: int = 0) -> dict[str, float]:
    """The figures of DEFINITIONS for `rounds` of refinement; 0 fills from the posterior of the visible words."""
    scored: list[tuple[Tensor, Tensor]] = []
    for start in range(0, len(blanks.whole), _TEXTS_AT_ONCE):
        part = slice(start, start + _TEXTS_AT_ONCE)
        scored += fillings(model, blanks.blanked[part], seed + start, rounds, blanks.whole[part])
    return _figures(blanks, scored)


@torch.no_grad()
def of_language_model(model: LanguageModel, blanks: Blanks) -> dict[str, float]:
    """The same of a language model, whose beam search sees the words behind a blank as ours does. Its vocabulary is to
    be the one that the ids are of."""
    model.eval()
    model.compute_dtype = torch.float32
    scored: list[tuple[Tensor, Tensor]] = []
    for whole, blanked in zip(*blanks, strict=True):
        found_BWL, score_BW = model.fill(padded([blanked], model.device), BEAMS)
        rows_NL = distinct(found_BWL, score_BW, len(blanked), whole)
        scored.append((rows_NL, model.log_likelihood(padded(rows_NL.tolist(), model.device))))
    return _figures(blanks, scored)


def _figures(blanks: Blanks, scored: Sequence[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """Of each text's fillings [N, L] and their scores N, the true one last."""
    right, total, log_probability = 0, 0, 0.0
    for (whole, blanked), (rows_NL, score_N) in zip(zip(*blanks, strict=True), scored, strict=True):
        hidden = [place for place, token in enumerate(blanked) if token == PAD]
        best_L = rows_NL[score_N.argmax()].tolist()
        right += sum(best_L[place] == whole[place] for place in hidden)
        total += len(hidden)
        log_probability += float(score_N.log_softmax(0)[-1])
    return {"accuracy": right / total, "log_probability": log_probability / total}
