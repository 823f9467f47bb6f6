"""`ldebm discover`: what the symbols of a run stand for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ldebm.cli.inputs import (
    columns_of,
    corpus_of,
    dialogues_of_file,
    dialogues_of_run,
    filled_rows_of,
    holds_dialogues,
    no_columns,
    no_text_column,
)
from ldebm.cli.options import KINDS, Json, LabelColumn, Run, TextColumn
from ldebm.files import write_atomically

if TYPE_CHECKING:
    from ldebm.tasks.discovery import Discovery


def discover(
    run: Run,
    source: Annotated[
        Path | None,
        typer.Argument(
            metavar="SOURCE",
            help=f"{KINDS}; for a run of dialogues jsonl, a list of turns a line.",
            show_default="the texts that the run was trained on",
        ),
    ] = None,
    text: TextColumn = None,
    label: LabelColumn = None,
    result: Json = None,
) -> None:
    """Show each symbol: its share of the texts, its words, its closest texts and texts generated with it."""
    found = _of_dialogues(run, source, text, label) if holds_dialogues(run) else _of_texts(run, source, text, label)
    print_discovery(found)
    if result is not None:
        write_atomically(result, json.dumps(found.to_dict(), ensure_ascii=False, indent=2) + "\n")


def _of_texts(run: Path, source: Path | None, text: str | None, label: str | None) -> Discovery:
    from ldebm import LDEBM
    from ldebm.tasks import discovery

    no_text_column(source, text)
    model = LDEBM.from_pretrained(run)
    if source is None:
        texts, labels = columns_of(corpus_of(model.config, label).train)
    else:
        texts, labels = filled_rows_of(source, text, label, model.config)
    return discovery.discover(model, texts, labels)


def _of_dialogues(run: Path, source: Path | None, text: str | None, label: str | None) -> Discovery:
    from ldebm import DialogueModel
    from ldebm.data.dialogues import dialogues_of
    from ldebm.tasks import discovery
    from ldebm.tasks.responses import ResponseModel, responses_of

    no_columns(run, text, label)
    model = DialogueModel.from_pretrained(run)
    given = dialogues_of(dialogues_of_run(model.config).train) if source is None else dialogues_of_file(source)
    responses, labels = responses_of(model, given)
    return discovery.discover(ResponseModel(model, responses), responses, labels)


def print_discovery(found: Discovery) -> None:
    """The symbols that texts have as a table, most frequent first, and what to know about the others."""
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, highlight=False, emoji=False)  # a text may hold [brackets] or :colons:
    table = Table("symbol", "share", "words", "closest texts", "generated", show_lines=True)
    if found.labels:
        table.add_column("labels")
    for one in found.symbols:
        if one.share:
            labels = [", ".join(f"{name} {share:.0%}" for name, share in one.labels)] if found.labels else []
            table.add_row(
                str(one.symbol),
                f"{one.share:.1%}",
                ", ".join(each.word for each in one.words),
                "\n".join(one.nearest),
                "\n".join(one.prototypes),
                *labels,
            )
    console.print(table)
    console.print(
        f"Read {found.texts_read:,} of {found.texts_given:,} texts. Words are ordered by p(w|k) log(p(w|k) / p(w))."
    )
    if unused := [str(one.symbol) for one in found.symbols if not one.share]:
        console.print(f"Symbols that no text has: {', '.join(unused)}.")
    for pair in found.near_duplicates:
        console.print(
            f"Symbols {pair.first} and {pair.second} have nearly the same words ({pair.divergence:.3f} nats apart)."
        )
