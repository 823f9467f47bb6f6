"""How near a response is to the true one in meaning, by vectors of their words (Liu et al. 2016). X dimensions."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Vectors = Mapping[str, npt.NDArray[np.float32]]
Array = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Similarity:
    """Means over the pairs, -1 to 1; a floor is the score against the responses to other contexts.

    average: cosine of the mean vectors.
    extrema: cosine of the vectors that hold, in each dimension, the value that is farthest from zero.
    greedy: each word's best cosine with a word of the other text, averaged, in both directions.
    """

    average: float
    extrema: float
    greedy: float


def read_vectors(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Word vectors of a gzipped text file, `word v1 ... vX` a line."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = (line.rstrip("\n").split(" ") for line in lines)
        return {word: np.array(values, np.float32) for word, *values in rows}


def similarity(
    hypotheses: Sequence[Sequence[str]], references: Sequence[Sequence[str]], vectors: Vectors
) -> Similarity:
    """The similarity of each hypothesis with its reference, averaged.

    Words without a vector are left out. A pair whose reference is left without a word does not count; a hypothesis that
    is left without one scores 0. Raises ValueError where no pair counts.
    """
    pairs = zip(hypotheses, references, strict=True)
    found = [(_matrix(hypothesis, vectors), _matrix(reference, vectors)) for hypothesis, reference in pairs]
    scores = [_of_pair(h, r) if len(h) else (0.0, 0.0, 0.0) for h, r in found if len(r)]
    if not scores:
        raise ValueError("no reference has a word with a vector")
    return Similarity(*np.mean(scores, axis=0).tolist())


def _matrix(words: Sequence[str], vectors: Vectors) -> Array:
    known = [vectors[word] for word in words if word in vectors]
    return np.stack(known) if known else np.empty((0, 0), np.float32)


def _of_pair(h_MX: Array, r_NX: Array) -> tuple[float, float, float]:
    cosines_MN = _unit(h_MX) @ _unit(r_NX).T
    greedy = (cosines_MN.max(1).mean() + cosines_MN.max(0).mean()) / 2
    return _cosine(h_MX.mean(0), r_NX.mean(0)), _cosine(_extrema(h_MX), _extrema(r_NX)), float(greedy)


def _extrema(words_MX: Array) -> Array:
    farthest = np.abs(words_MX).argmax(0)
    return words_MX[farthest, np.arange(words_MX.shape[1])]


def _unit(rows_MX: Array) -> Array:
    return rows_MX / np.maximum(np.linalg.norm(rows_MX, axis=-1, keepdims=True), 1e-12)


def _cosine(a_X: Array, b_X: Array) -> float:
    return float(_unit(a_X) @ _unit(b_X))
