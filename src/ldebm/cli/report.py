"""`ldebm report`: a run as one offline HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ldebm.cli.discover import discover_in
from ldebm.cli.evaluate import measure
from ldebm.cli.inputs import beside, columns_of, corpus_of, dialogues_of_run, holds_dialogues
from ldebm.cli.options import Run
from ldebm.cli.tables import suffix_among

if TYPE_CHECKING:
    from ldebm.tasks.discovery import Discovery

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


def write(run: Path, path: Path, label: str | None = None, found: Discovery | None = None) -> Path:
    """Read the run's own corpus with it and write the page; returns its path. Raises UserError.

    Args:
        found: what its symbols stand for there, where that is known already.
    """
    from ldebm.report import gather, write_report

    found = found or discover_in(run, label=label)
    measured_on, measured = measure(run, label=label)
    if holds_dialogues(run):
        from ldebm import DialogueModel
        from ldebm.data.dialogues import dialogues_of
        from ldebm.tasks.responses import ResponseModel, responses_of

        dialogues = DialogueModel.from_pretrained(run)
        responses, labels = responses_of(dialogues, dialogues_of(dialogues_of_run(dialogues.config).train))
        shown = gather(ResponseModel(dialogues, responses), run, responses, labels, found, measured)
        return write_report(shown, dialogues.config, measured_on, path)

    from ldebm import LDEBM

    model = LDEBM.from_pretrained(run)
    texts, labels = columns_of(corpus_of(model.config, label).train)
    return write_report(gather(model, run, texts, labels, found, measured), model.config, measured_on, path)
