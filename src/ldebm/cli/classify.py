"""`ldebm classify`: the symbol or label of each text of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ldebm.cli.inputs import rows_of
from ldebm.cli.options import Run, Table, TextColumn
from ldebm.cli.tables import suffix_among, write_table

if TYPE_CHECKING:
    import numpy as np


def classify(
    run: Run,
    source: Table,
    text: TextColumn = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write to this .csv, .jsonl or .parquet file.",
            show_default="csv to the terminal",
            callback=suffix_among(".csv", ".jsonl", ".parquet"),
        ),
    ] = None,
) -> None:
    """Find the symbol or label of each text and the probability of every other, row by row of the file.

    A row without a text gets an empty row.
    """
    from ldebm import LDEBM

    model = LDEBM.from_pretrained(run)
    texts, _ = rows_of(source, text, None, model.config)
    probabilities_NK = model.symbol_probabilities([text for text in texts if text])
    write_table(_columns(texts, probabilities_NK, model.labels), out)


def _columns(
    texts: Sequence[str], probabilities_NK: np.ndarray, labels: tuple[str, ...] | None
) -> dict[str, list[Any]]:
    """Columns with a row for each of `texts`; the probabilities are those of the texts that are not empty."""
    rows = iter(probabilities_NK)
    found = [next(rows) if text else None for text in texts]
    symbols = [None if row is None else int(row.argmax()) for row in found]
    names = dict(enumerate(labels or ()))  # there may be more symbols than labels
    columns: dict[str, list[Any]] = {"symbol": symbols}
    if labels is not None:
        columns["label"] = [None if symbol is None else names.get(symbol) for symbol in symbols]
    columns["probability"] = [None if row is None else round(float(row.max()), 6) for row in found]
    for k in range(probabilities_NK.shape[1]):
        columns[f"probability_{names.get(k, k)}"] = [None if row is None else round(float(row[k]), 6) for row in found]
    return columns
