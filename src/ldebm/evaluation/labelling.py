"""How well labels are found: right ones, by label, and whether their probabilities come true.

Legend: N texts, K symbols.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_fscore_support

from ldebm.evaluation.attributes import accuracy, majority_share
from ldebm.evaluation.calibration import expected_calibration_error


@dataclass(frozen=True)
class LabelScore:
    """One label: how many texts have it and get it, and precision, recall and F1, 0 to 1; nan where nothing says so."""

    label: str
    texts: int
    found: int
    precision: float
    recall: float
    f1: float


@dataclass(frozen=True)
class LabelScores:
    """All labels: the share of right ones, that of always guessing the most frequent one, and the expected calibration
    error; 0 to 1 each."""

    texts: int
    accuracy: float
    majority_share: float
    calibration_error: float
    by_label: tuple[LabelScore, ...]


def label_scores(
    probabilities_NK: npt.NDArray[np.floating], labels: Sequence[str], names: Sequence[str]
) -> LabelScores:
    """What p(y | x) of each text is worth beside its label. Symbol k is `names`[k]; symbols without a name are wrong.

    Raises ValueError where there are not as many labels as texts, none, or one that is no name.
    """
    place = {name: symbol for symbol, name in enumerate(names)}
    if unknown := set(labels) - place.keys():
        raise ValueError(f"every label needs a name, got {sorted(unknown)[0]!r}; the names are {', '.join(names)}")
    calibration_error = expected_calibration_error(probabilities_NK, np.array([place[label] for label in labels]))
    found_N = probabilities_NK.argmax(1)
    guesses = [names[symbol] if symbol < len(names) else None for symbol in found_N.tolist()]
    columns = precision_recall_fscore_support(
        [place[label] for label in labels], found_N, labels=range(len(names)), zero_division=np.nan
    )
    rows = zip(names, *(column.tolist() for column in columns), strict=True)
    return LabelScores(
        len(labels),
        accuracy(guesses, labels),
        majority_share(labels),
        calibration_error,
        tuple(
            LabelScore(name, texts, guesses.count(name), precision, recall, f1)
            for name, precision, recall, f1, texts in rows
        ),
    )
