"""Which rows train, which validate, which test."""

import hashlib
from collections.abc import Iterable

import numpy as np

from ldebm.errors import ConfigError, DataError, shorten

PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
}


def named_split(values: Iterable[str | None], source: object, column: str) -> dict[str, np.ndarray]:
    """The rows [N_part] int64 of each part that a split column names. Raises DataError at a value that names none."""
    rows: dict[str, list[int]] = {}
    for row, value in enumerate(values):
        part = PARTS.get((value or "").lower())
        if part is None:
            raise DataError(
                f"{source}, column '{shorten(column)}': "
                + (f"'{shorten(value)}' names no split" if value else f"the value of data row {row + 1} is missing")
                + ". Write train, validation (or valid, val, dev) or test in every row."
            )
        rows.setdefault(part, []).append(row)
    return {part: np.asarray(indices, dtype=np.int64) for part, indices in rows.items()}


def hashed_split(texts: Iterable[str], share: float, seed: int, source: object) -> np.ndarray:
    """Which of the texts validate: a mask [N] bool with about `share` of them, at least one, at most all but one.

    A text's place depends on the text and the seed alone. So equal texts stay together, and neither another order of
    the rows nor further rows move it. Raises ConfigError unless 0 < share < 1, DataError where all texts are equal.
    """
    if not 0 < share < 1:
        raise ConfigError(
            f"the share of texts for validation must lie between 0 and 1, received {share}. Set it to 0.1, say."
        )
    key = str(seed).encode()
    points = np.fromiter((_point(text, key) for text in texts), dtype=np.uint64)
    if not len(points) or points.min() == points.max():
        raise DataError(
            f"{source} has {len(points):,} rows to train on and no two different texts,"
            " so none can be set apart for validation. Give more texts."
        )
    # A few texts may all fall on one side. The threshold then moves to the nearest text.
    threshold = np.clip(np.uint64(share * 2.0**64), points.min(), points.max() - np.uint64(1))
    return points <= threshold


def _point(text: str, key: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8"), digest_size=8, key=key).digest(), "little")
