"""`ldebm classify`: the symbol or label of each text of a file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ldebm.cli.inputs import rows_of
from ldebm.cli.options import Run, Table, TextColumn
from ldebm.cli.tables import suffix_among, write_table
from ldebm.errors import DataError, RunError, shorten

if TYPE_CHECKING:
    import numpy as np

    from ldebm import LDEBM
    from ldebm.evaluation.labelling import LabelScores


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
    score: Annotated[
        str | None,
        typer.Option("--score", metavar="COLUMN", help="Compare with the labels of this column.", show_default=False),
    ] = None,
) -> None:
    """Find the symbol or label of each text and the probability of every other, row by row of the file.

    A row without a text gets an empty row. With --score, what the labels are worth is told beside the texts that have a
    true one: right ones, precision and recall by label, and whether the probabilities come true; on standard error
    where the rows go to the terminal.
    """
    from ldebm import LDEBM
    from ldebm.training.progress import warn

    model = LDEBM.from_pretrained(run)
    if score is None:
        texts, _ = rows_of(source, text, None, model.config)
        truth: list[str | None] = []
    else:
        texts, truth = _true_labels(run, source, text, score, model)
    given = [text for text in texts if text]
    if cut := int(model.cut(given).sum()):
        warn(
            f"{cut} of {len(given)} texts are longer than {model.config.data.max_length} tokens and were cut: their "
            "ends were not read; a run trained with a greater data.max_length reads more"
        )
    probabilities_NK = model.symbol_probabilities(given)
    write_table(_columns(texts, probabilities_NK, model.labels), out)
    if score is not None:
        from ldebm.evaluation.labelling import label_scores

        told = [row for row, label in enumerate(truth) if label is not None]
        scores = label_scores(
            probabilities_NK[told], [label for label in truth if label is not None], model.labels or ()
        )
        print_scores(scores, len(truth) - len(told), to_stderr=out is None)


def _true_labels(
    run: Path, source: Path, text: str | None, column: str, model: LDEBM
) -> tuple[list[str], list[str | None]]:
    """Every row's text, "" where it has none, and the true label, or None, of each that has one.

    Raises RunError for a run that knows no labels, DataError for a column without labels or with one that the run does
    not know.
    """
    from ldebm.data.labels import unknown_label
    from ldebm.data.readers import records

    if model.labels is None:
        raise RunError(
            f"{run} was trained without labels, its symbols have no names that a label could be compared with: train"
            f" with --label, or see what its symbols have to do with labels: ldebm discover {run} {source}"
            f" --label {column}"
        )
    texts, labels = rows_of(source, text, column, model.config, "score")
    for row, (each, label) in enumerate(zip(texts, labels, strict=True)):
        if each and label is not None and label not in model.labels:
            [(where, _)] = islice(records(source), row, row + 1)
            raise DataError(
                f"{where}, column '{shorten(column)}': {unknown_label(label, model.labels)} Write one of these, or"
                " leave the cell empty."
            )
    truth = [label for each, label in zip(texts, labels, strict=True) if each]
    if not any(truth):
        raise DataError(
            f"{source}, column '{shorten(column)}': no text has a label, so there is nothing to score with."
        )
    return texts, truth


def print_scores(scores: LabelScores, without: int, to_stderr: bool) -> None:
    """A row a label, and what holds for all texts."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    from ldebm.evaluation.calibration import BINS

    console = Console(stderr=to_stderr, markup=False, highlight=False, emoji=False)
    table = Table("label", box=SIMPLE)
    for name in ("texts", "found", "precision", "recall", "F1"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in scores.by_label:
        shares = ["-" if math.isnan(share) else f"{share:.3f}" for share in (one.precision, one.recall, one.f1)]
        table.add_row(one.label, f"{one.texts:,}", f"{one.found:,}", *shares)
    console.print(table)
    console.print(
        f"accuracy {scores.accuracy:.3f} of {scores.texts:,} texts (always the most frequent label:"
        f" {scores.majority_share:.3f}); expected calibration error {scores.calibration_error:.3f} ({BINS} bins)."
        + (f" Texts without a label to compare with: {without:,}." if without else ""),
        soft_wrap=True,
    )


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
