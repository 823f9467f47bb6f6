"""`ldebm report`: a run as one offline HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ldebm.cli.inputs import (
    beside,
    columns_of,
    corpus_of,
    dialogues_of_run,
    held_out,
    holds_dialogues,
    no_columns,
)
from ldebm.cli.options import Run
from ldebm.cli.tables import suffix_among

if TYPE_CHECKING:
    from ldebm.tasks.discovery import Discovery
    from ldebm.tasks.reading import InferredTexts

NAME = "report.html"


def report(
    run: Run,
    label: Annotated[
        str | None,
        typer.Option(
            "--label", help="Column of a label that symbols are compared with.", show_default="that of the run"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="The page.", show_default=f"RUN/{NAME}", callback=suffix_among(".html")
        ),
    ] = None,
) -> None:
    """Write one HTML page: map, symbols, texts on their way out of noise, figures. It opens without a network."""
    print(f"The report is {write(run, out or beside(run, NAME, '--out'), label)}: open it in a browser.")


def write(
    run: Path, path: Path, label: str | None = None, known: tuple[InferredTexts[str], Discovery] | None = None
) -> Path:
    """Read the run's own corpus with it and write the page; returns its path. Raises UserError.

    Args:
        known: its training texts as they were read already, of a run of texts, and what the symbols stand for there.
    """
    return _of_dialogues(run, path, label) if holds_dialogues(run) else _of_texts(run, path, label, known)


def _of_texts(run: Path, path: Path, label: str | None, known: tuple[InferredTexts[str], Discovery] | None) -> Path:
    from ldebm import LDEBM
    from ldebm.report import gather, write_report
    from ldebm.tasks.discovery import describe
    from ldebm.tasks.evaluation_of_runs import evaluate
    from ldebm.tasks.reading import infer

    model = LDEBM.from_pretrained(run)
    corpus = corpus_of(model.config, label)
    (texts, labels), (name, rows) = columns_of(corpus.train), held_out(corpus)
    if known is None:
        reading = infer(model, texts, labels)
        known = reading, describe(model, reading)
    held, labels_held = columns_of(rows)
    measured = evaluate(model, held, texts, labels=labels_held)
    return write_report(gather(model, run, *known, measured), model.config, name, path)


def _of_dialogues(run: Path, path: Path, label: str | None) -> Path:
    from ldebm import DialogueModel
    from ldebm.data.dialogues import dialogues_of
    from ldebm.report import gather, write_report
    from ldebm.tasks.discovery import describe
    from ldebm.tasks.evaluation_of_responses import evaluate_responses
    from ldebm.tasks.reading import infer
    from ldebm.tasks.responses import ResponseModel, responses_of

    no_columns(run, label)
    model = DialogueModel.from_pretrained(run)
    corpus = dialogues_of_run(model.config)
    texts, labels = responses_of(model, dialogues_of(corpus.train))
    as_texts, (name, rows) = ResponseModel(model, texts), held_out(corpus)
    held, labels_held = responses_of(model, dialogues_of(rows))
    measured = evaluate_responses(model, held, texts, labels=labels_held)
    reading: InferredTexts[str] = infer(as_texts, texts, labels)
    found = describe(as_texts, reading)
    return write_report(gather(as_texts, run, reading, found, measured), model.config, name, path)
