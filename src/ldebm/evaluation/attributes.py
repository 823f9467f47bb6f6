"""How symbols and labels agree, always beside what chance gives. Every score is taken once, over all texts."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import adjusted_mutual_info_score, homogeneity_completeness_v_measure, homogeneity_score


@dataclass(frozen=True)
class Agreement:
    """Agreement of symbols with labels.

    homogeneity: 1 - H(label | symbol) / H(label), range 0 to 1, rising with the number of symbols by chance alone.
    completeness: 1 - H(symbol | label) / H(symbol), range 0 to 1.
    v_measure: the harmonic mean of the two, range 0 to 1. Source of the three: Rosenberg & Hirschberg 2007.
    ami: mutual information adjusted for chance, 0 at chance on average, at most 1. Source: Vinh et al. 2010.
    """

    homogeneity: float
    completeness: float
    v_measure: float
    ami: float


def agreement(symbols: Sequence[int] | npt.NDArray[np.integer], labels: Sequence[str]) -> Agreement:
    """The agreement of each text's symbol with its label, over all texts at once."""
    if len(symbols) != len(labels) or not len(labels):
        raise ValueError(f"needs one symbol a label, got {len(symbols)} and {len(labels)}")
    scores = homogeneity_completeness_v_measure(labels, symbols)
    return Agreement(*(float(score) for score in (*scores, adjusted_mutual_info_score(labels, symbols))))


def chance_agreement(
    symbols: Sequence[int] | npt.NDArray[np.integer], labels: Sequence[str], permutations: int = 10, seed: int = 0
) -> Agreement:
    """What the same cluster sizes agree by chance: the mean over random permutations of the symbols."""
    generator = np.random.default_rng(seed)
    runs = [astuple(agreement(generator.permutation(symbols), labels)) for _ in range(permutations)]
    return Agreement(*np.mean(runs, axis=0).tolist())


def batched_homogeneity(
    symbols: Sequence[int] | npt.NDArray[np.integer], labels: Sequence[str], size: int = 128
) -> float:
    """The published procedure: the mean of the homogeneity of each stretch of `size` texts; what is left over is left
    out.

    Range 0 to 1. With about as many symbols as texts in a stretch it is mostly chance: read it beside that of permuted
    symbols only. Source: the code that was released with the paper.
    """
    whole = len(labels) // size * size
    if len(symbols) != len(labels) or not whole:
        raise ValueError(f"needs a symbol a label and {size} of them, got {len(symbols)} and {len(labels)}")
    starts = range(0, whole, size)
    return float(np.mean([homogeneity_score(labels[i : i + size], symbols[i : i + size]) for i in starts]))


def accuracy(predicted: Sequence[str | None], labels: Sequence[str]) -> float:
    """Share of texts whose predicted label is theirs; None is wrong. Range 0 to 1; the floor is `majority_share`."""
    if len(predicted) != len(labels) or not labels:
        raise ValueError(f"needs one prediction a label, got {len(predicted)} and {len(labels)}")
    return sum(guess == label for guess, label in zip(predicted, labels, strict=True)) / len(labels)


def majority_share(labels: Sequence[str]) -> float:
    """Share of the most frequent label: the accuracy of always guessing it. Range above 0 to 1."""
    if not labels:
        raise ValueError("needs at least one label, got none")
    return Counter(labels).most_common(1)[0][1] / len(labels)


def symbol_shares(probabilities_NK: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Share of the texts whose most probable symbol is k, for each k. Sums to 1."""
    symbols_N = np.argmax(probabilities_NK, axis=1)
    return np.bincount(symbols_N, minlength=probabilities_NK.shape[1]) / len(symbols_N)
