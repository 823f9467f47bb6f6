"""The texts a verb works on: the rows of a file, or a split of the corpus that a run was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ldebm.errors import DataError

if TYPE_CHECKING:
    from datasets import Dataset

    from ldebm import Corpus
    from ldebm.data import Dialogue, DialogueCorpus
    from ldebm.presets import Config


def rows_of(
    path: Path, text: str | None, label: str | None, run: Config, label_option: str = "label"
) -> tuple[list[str], list[str | None]]:
    """Text and label of every row of a file, in order; "" and None where a row has none. Raises DataError.

    Columns that are not named are those of the run, where the file has them; `label_option` names the label's.
    """
    from ldebm.data.readers import column_names
    from ldebm.data.tables import choose_roles, read_table

    columns = column_names(path)
    text = text or (run.data.text if run.data.text in columns else None)
    label = label or (run.data.label if run.data.label in columns else None)
    texts, labels = columns_of(read_table(path, choose_roles(columns, path, text, label, None, label_option)))
    if not any(texts):
        raise DataError(
            f"{path} has {len(texts):,} rows and no text in any: check the file, or name another column with --text"
        )
    return texts, labels


def filled_rows_of(path: Path, text: str | None, label: str | None, run: Config) -> tuple[list[str], list[str | None]]:
    """As `rows_of`, without the rows that have no text."""
    texts, labels = rows_of(path, text, label, run)
    kept = [(text, label) for text, label in zip(texts, labels, strict=True) if text]
    return [text for text, _ in kept], [label for _, label in kept]


def columns_of(table: Dataset) -> tuple[list[str], list[str | None]]:
    """The texts and labels of a table; None for every label where it has no such column."""
    texts = table["text"][:]  # one slice: a table hands out single values a hundred times slower
    return texts, table["label"][:] if "label" in table.column_names else [None] * len(texts)


def held_out(corpus: Corpus | DialogueCorpus) -> tuple[str, Dataset]:
    """The test split of a corpus, else its validation split: its name, in words, and its rows."""
    part, rows = ("validation", corpus.validation) if corpus.test is None else ("test", corpus.test)
    return f"{corpus.name}, {part} split", rows


def stream(table: Dataset) -> Iterator[str]:
    """The texts of a table, a batch at a time."""
    for batch in table.select_columns("text").iter(10_000):
        yield from batch["text"]


def holds_dialogues(run: Path) -> bool:
    """Whether the run folder's model, or the hub's, is one of responses. False where it is no run folder."""
    from ldebm.presets import config_from_yaml
    from ldebm.run_folder import CONFIG, located

    run = located(run)
    return (run / CONFIG).exists() and config_from_yaml(run / CONFIG).model.observation == "dialogue"


def beside(run: Path, name: str, flag: str) -> Path:
    """The file `name` in the run folder. Raises DataError where the run is on the hub."""
    from ldebm.run_folder import located

    if located(run) != run:
        raise DataError(f"{run} is on the hub and no folder here: say where to write with {flag}")
    return run / name


def no_columns(run: Path, *columns: str | None) -> None:
    """Dialogues have no columns that could be asked for. Raises DataError."""
    if any(columns):
        raise DataError(
            f"{run} is a run of dialogues, which have no columns: give jsonl, a list of turns a line, and leave out "
            "--text and --label"
        )


def dialogues_of_file(source: Path) -> list[Dialogue]:
    """The dialogues of a jsonl file; one turn is enough to be read. Raises DataError."""
    from ldebm.data.dialogues import read_dialogues

    return list(read_dialogues(source, least=1))


def dialogues_of_run(run: Config) -> DialogueCorpus:
    """The dialogues a run was trained on, in the same splits."""
    from ldebm import load_dialogues

    run = _found_again(run)
    return load_dialogues(run.data.source, run.data.validation_share, run.seed)


def _found_again(run: Config) -> Config:
    """The configuration, where it names the texts. Raises DataError."""
    if not run.data.source:
        raise DataError(
            "the run was trained on texts given in memory, which it does not keep: train on a file or a named corpus, "
            "or give SOURCE where the command takes one (discover)"
        )
    return run


def corpus_of(run: Config, label: str | None = None) -> Corpus:
    """The corpus a run was trained on, in the same splits; labelled by another column, to compare with, where one is
    named."""
    from ldebm import load_corpus

    data, named = _found_again(run).data, label or run.data.label
    where = data.source, data.text, named, data.split
    return load_corpus(*where, data.validation_share, run.seed, learned=named == data.label)


def no_text_column(source: Path | None, text: str | None) -> None:
    """Without SOURCE a run reads its own texts. Raises DataError where another column of them is named."""
    if source is None and text is not None:
        raise DataError(f"--text {text} names a column of SOURCE, which is not given: give it, or leave --text out")
