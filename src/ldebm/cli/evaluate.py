"""`ldebm evaluate`: every figure that applies to a run, with its definition and the value to read it against."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ldebm.cli.inputs import (
    columns_of,
    corpus_of,
    dialogues_of_file,
    dialogues_of_run,
    filled_rows_of,
    held_out,
    holds_dialogues,
    no_columns,
    no_text_column,
    stream,
)
from ldebm.cli.options import KINDS, Json, LabelColumn, Run, TextColumn
from ldebm.errors import DataError
from ldebm.files import write_atomically

if TYPE_CHECKING:
    from ldebm.tasks.evaluation_of_runs import Measurement


def evaluate(
    run: Run,
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="SOURCE",
            help=f"Held-out texts. {KINDS}; for a run of dialogues jsonl, a list of turns a line.",
            show_default="the run's own test split, else its validation split",
        ),
    ] = None,
    text: TextColumn = None,
    label: LabelColumn = None,
    samples: Annotated[int, typer.Option("--samples", min=1, help="Texts to generate, at most.")] = 1000,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Also what takes minutes: reverse and forward perplexity under language models, likelihood bounds, "
            "the prior's distance from the posterior.",
        ),
    ] = False,
    result: Json = None,
) -> None:
    """Measure a run on texts, or dialogues, it was not trained on."""
    if holds_dialogues(run):
        if thorough:
            raise DataError(f"{run} is a run of dialogues, --thorough is for runs of texts: leave it out")
        no_columns(run, text, label)
        name, measured = _of_dialogues(run, source, samples)
    else:
        name, measured = _of_texts(run, source, text, label, samples, thorough)
    print_measurements(measured, name)
    if result is not None:
        metrics = {each.name: _as_json(each) for each in measured}
        document = {"run": str(run), "texts": name, "metrics": metrics}
        write_atomically(result, json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n")


def _of_texts(
    run: Path, source: Path | None, text: str | None, label: str | None, samples: int, thorough: bool
) -> tuple[str, list[Measurement]]:
    from ldebm import LDEBM
    from ldebm.tasks import evaluation_of_runs, thorough_evaluation

    no_text_column(source, text)
    model = LDEBM.from_pretrained(run)
    corpus = corpus_of(model.config, label if source is None else None)
    if source is None:
        name, rows = held_out(corpus)
        texts, labels = columns_of(rows)
    else:
        name, (texts, labels) = str(source), filled_rows_of(source, text, label, model.config)
    measured = evaluation_of_runs.evaluate(model, texts, stream(corpus.train), samples=samples, labels=labels)
    if thorough:
        most = min(len(corpus.train), thorough_evaluation.TAUGHT)  # a large corpus is not read whole
        training = corpus.train.shuffle(seed=0).select(range(most))["text"][:]
        measured += thorough_evaluation.evaluate_thoroughly(model, texts, training, stream(corpus.validation))
    return name, measured


def _of_dialogues(run: Path, source: Path | None, samples: int) -> tuple[str, list[Measurement]]:
    from ldebm import DialogueModel
    from ldebm.data.dialogues import dialogues_of
    from ldebm.tasks.evaluation_of_responses import evaluate_responses
    from ldebm.tasks.responses import responses_of

    model = DialogueModel.from_pretrained(run)
    corpus = dialogues_of_run(model.config)
    if source is None:
        name, turns = held_out(corpus)
        given = dialogues_of(turns)
    else:
        name, given = str(source), dialogues_of_file(source)
    responses, labels = responses_of(model, given)
    return name, evaluate_responses(model, responses, stream(corpus.train), samples, labels=labels)


def print_measurements(measured: Sequence[Measurement], title: str) -> None:
    """One row a figure: its value and unit, its definition and what to read it against."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, box=SIMPLE)
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("definition, and what to read it against")
    for each in measured:
        # A figure that is only there for others to be read against is named beside them already.
        if each.floor_or_bound is not None:
            table.add_row(each.name, f"{each.value:.4g}\n{each.unit}", f"{each.definition}\n{each.floor_or_bound}")
    Console(markup=False, highlight=False, emoji=False).print(table)


def _as_json(each: Measurement) -> dict[str, object]:
    fields = dataclasses.asdict(each)
    del fields["name"]
    return {**fields, "value": each.value if math.isfinite(each.value) else None}  # JSON has no NaN
