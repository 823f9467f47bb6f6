"""The labels of a corpus, and a warning where its column is hardly what somebody wanted to learn.

Labels are names: a column of numbers gives a class a number, as it is written. A class may have a single text.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence

import pyarrow
import pyarrow.compute

from ldebm.errors import DataError, shorten, suggest

log = logging.getLogger("ldebm")

MOST_LABELS = 1_000  # each label is a symbol with a head of its own
_FEW = 20  # so many labels with a text each may be all there is to learn from
_SHOWN = 5
_NOTHING = frozenset(("na", "n/a", "nan", "none", "null"))  # what programs write where nothing is


def labels_of(train: pyarrow.ChunkedArray, validation: pyarrow.ChunkedArray, where: str) -> tuple[str, ...]:
    """The sorted distinct labels of the texts to train on; None is no label.

    Warns of labels that only validate, that are the same number or called as nothing is, and where most stand at one
    text.

    Args:
        train, validation: the label of each text, a string or None.
        where: source and column, for messages.

    Raises DataError where there are fewer than two, or more than `MOST_LABELS`.
    """
    counts = _counts(train)
    labels = sorted(counts)
    if len(labels) < 2:
        found = f"only '{shorten(labels[0])}'" if labels else "none at all"
        raise DataError(
            f"{where}: at least two different labels are needed to learn from,"
            f" the texts to train on have {found}. Choose another column with --label, or leave it out."
        )
    if len(labels) > MOST_LABELS:
        raise DataError(
            f"{where}: {len(labels):,} different labels, at most {MOST_LABELS:,} can be"
            " learned. Choose a column that groups the texts with --label, or leave it out."
        )
    single = sum(count == 1 for count in counts.values())
    if len(labels) > _FEW and 2 * single > len(labels):
        log.warning(
            "%s: %s of %s labels stand at a single text. Each label becomes a symbol: choose a column that groups the"
            " texts with --label if this one does not",
            where,
            f"{single:,}",
            f"{len(labels):,}",
        )
    if unseen := sorted(_counts(validation).keys() - counts.keys()):
        log.warning(
            "%s: no text to train on has the label %s, so it is not learned: it stands only where texts validate. Give"
            " it more texts",
            where,
            _listed(unseen),
        )
    if nothing := [label for label in labels if label.casefold() in _NOTHING]:
        log.warning(
            "%s: %s is learned as a label like any other. Where it stands for none, leave the cell empty",
            where,
            _listed(nothing),
        )
    for alike in _same_numbers(labels):
        log.warning("%s: %s are one number and several labels. Write it alike in every row", where, _listed(alike))
    return tuple(labels)


def unknown_label(label: object, known: Sequence[str]) -> str:
    """What is wrong with a label that is none of those a run knows."""
    listed = shorten(", ".join(known), 300)
    return f"unknown label '{shorten(label)}'; the run's labels are {listed}.{suggest(str(label), known)}"


def _counts(column: pyarrow.ChunkedArray) -> dict[str, int]:
    counted = pyarrow.compute.value_counts(column).to_pylist()
    return {each["values"]: each["counts"] for each in counted if each["values"] is not None}


def _same_numbers(labels: list[str]) -> list[list[str]]:
    """Labels that differ as strings and not as numbers, as 1 and 1.0."""
    spellings: dict[float, list[str]] = defaultdict(list)
    for label in labels:
        try:
            spellings[float(label)].append(label)
        except ValueError:
            continue
    return [alike for alike in spellings.values() if len(alike) > 1]


def _listed(labels: list[str]) -> str:
    more = f" and {len(labels) - _SHOWN:,} more" if len(labels) > _SHOWN else ""
    return ", ".join(f"'{shorten(label)}'" for label in labels[:_SHOWN]) + more
