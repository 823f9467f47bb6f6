"""Corpora: texts to train on and texts to validate with, from a file, by the name of a corpus, or from the hub."""

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pyarrow.compute

from ldebm.data import agnews, dailydialog, yelp
from ldebm.data.batches import PointCorpus
from ldebm.data.hub import is_hub_name, load_hub
from ldebm.data.labels import labels_of
from ldebm.data.library import corpus_files
from ldebm.data.readers import column_names
from ldebm.data.splits import hashed_split, named_split
from ldebm.data.synthetic import DENSITIES, Density
from ldebm.data.tables import choose_roles, choose_text, read_table
from ldebm.errors import DataError, shorten

log = logging.getLogger("ldebm")

POINTS_TRAIN, POINTS_VALIDATION = 100_000, 10_000
TOKENISED = ("ptb", "yelp")  # with spaces between the tokens
PTB_FILES = {"train": "ptb.train.txt.gz", "validation": "ptb.valid.txt.gz", "test": "ptb.test.txt.gz"}


@dataclass(frozen=True)
class Corpus:
    """Texts in their splits. Columns: text (str, never empty), label (str, or None where a text has none).

    `labels` are the sorted distinct labels of `train`; None where no label column was asked for. `tokenised`: the
    texts are cut into tokens already, with spaces between them. `origin`: source and columns as `load_corpus` was asked
    for them, so that a run finds its texts again; empty for texts given in memory.
    """

    name: str
    train: datasets.Dataset
    validation: datasets.Dataset
    test: datasets.Dataset | None
    labels: tuple[str, ...] | None
    tokenised: bool = False
    origin: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Points:
    """A synthetic density's points in their splits, and the density that they were drawn from."""

    name: str
    train: PointCorpus
    validation: PointCorpus
    density: Density


def load_points(name: str, seed: int = 0) -> Points:
    """The points of "gaussians" or "pinwheel" (paper C): 100,000 to train on and 10,000 to validate with.

    Raises DataError for another name.
    """
    if name not in DENSITIES:
        raise DataError(f"unknown set of points {shorten(name)}; there are {', '.join(DENSITIES)}")
    density = DENSITIES[name]
    points_N2, _ = density.sample(POINTS_TRAIN + POINTS_VALIDATION, np.random.default_rng((seed, 1)))
    train, validation = PointCorpus(points_N2[:POINTS_TRAIN]), PointCorpus(points_N2[POINTS_TRAIN:])
    return Points(name, train, validation, density)


def load_corpus(
    source: str,
    text: str | None = None,
    label: str | None = None,
    split: str | None = None,
    validation_share: float = 0.1,
    seed: int = 0,
    *,
    learned: bool = True,
) -> Corpus:
    """The corpus `source`: a file (txt, csv, tsv, jsonl, parquet, or .gz of these), "reviews", "ptb", "dailydialog"
    (its utterances, labelled by act, emotion or topic), "agnews" (by category), "yelp" (by sentiment),
    or a hub name.

    `text`, `label` and `split` name columns. Without a validation split, the texts for validation are chosen by a hash
    of (seed, text). Rows with an empty text are left out, with a warning. Labels that are not to be `learned`, only
    compared with, may be any, and the corpus' `labels` are None. Raises DataError where the data cannot be used,
    ConfigError where `validation_share` is not between 0 and 1.
    """
    if is_points(source):
        raise DataError(f"{source} holds points, not texts: load_points reads it, or choose a corpus of texts")
    if source == "smd" and not Path(source).is_file():
        raise DataError("smd holds dialogues, not texts: train it with --task dialogue (load_dialogues reads it)")
    tables = _tables(source, text, label, split)
    chosen = {part: (table, _filled(table, source)) for part, table in tables.items()}
    if split is not None:
        table, filled = chosen.pop("train")
        named = named_split(_stream(table, "split"), source, split)
        chosen |= {part: (table, rows[np.isin(rows, filled)]) for part, rows in named.items()}
    if not len(chosen.get("train", (None, ()))[1]):
        raise DataError(
            f"{source} has no texts to train on: its train split has no row, or all its texts are empty."
            " Check the columns of the texts and of the split."
        )
    train, rows = chosen["train"]
    if not len(chosen.get("validation", (None, ()))[1]):
        validates = hashed_split(_stream(train.select(rows), "text"), validation_share, seed, source)
        chosen["train"], chosen["validation"] = (train, rows[~validates]), (train, rows[validates])
    parts = {part: _select(table, rows) for part, (table, rows) in chosen.items() if len(rows)}
    return Corpus(
        name=_name(source),
        train=parts["train"],
        validation=parts["validation"],
        test=parts.get("test"),
        labels=_labels(parts, source, label) if learned and label is not None else None,
        tokenised=source in TOKENISED,
        origin={"source": source, "text": text, "label": label, "split": split},
    )


def load_texts(source: str, text: str | None = None) -> datasets.Dataset:
    """The rows of a file, none left out: column `text` (stripped, "" where missing) and the other columns as strings.

    Row i is the file's row i, so that what a model says of the texts can stand beside them. Raises DataError.
    """
    path = Path(source)
    columns = column_names(path)
    chosen = choose_text(text, columns, source)
    return read_table(path, {"text": chosen} | {name: name for name in columns if name not in (chosen, "text")})


def is_points(source: str) -> bool:
    """Whether `source` names a synthetic set of points, and no file of that name is there."""
    return source in DENSITIES and not Path(source).is_file()


def _tables(source: str, text: str | None, label: str | None, split: str | None) -> dict[str, datasets.Dataset]:
    """Tables with columns `text`, `label` and, where asked for, `split`; under "train" what is not split yet."""
    if source == "ptb":
        files = corpus_files(source, "ptb", tuple(PTB_FILES.values()))
        return {part: _read(path, text, label, split) for part, path in zip(PTB_FILES, files, strict=True)}
    if source == "dailydialog":
        return {part: _chosen(dailydialog.utterances(part), source, text, label, split) for part in dailydialog.PARTS}
    if source == "agnews":
        return {part: _chosen(agnews.documents(part), source, text, label, split) for part in agnews.FILES}
    if source == "yelp":
        return {part: _chosen(yelp.sentences(part), source, text, label, split) for part in yelp.PARTS}
    if source == "reviews":
        with resources.as_file(resources.files("ldebm.data") / "bundled" / "reviews.csv.gz") as path:
            return {"train": _read(path, text, label, split)}
    if os.path.exists(source) or not is_hub_name(source):
        return {"train": _read(Path(source), text, label, split)}
    if split is not None:
        raise DataError(
            f"{source} is a hub data set, which brings its own splits; received --split {shorten(split)}. Leave it out."
        )
    return load_hub(source, text, label)


def _read(path: Path, text: str | None, label: str | None, split: str | None) -> datasets.Dataset:
    return read_table(path, choose_roles(column_names(path), path, text, label, split))


def _chosen(
    columns: dict[str, list[str]], source: str, text: str | None, label: str | None, split: str | None
) -> datasets.Dataset:
    """The columns of a corpus that is read whole, as a table."""
    roles = choose_roles(list(columns), source, text, label, split)
    rows = len(columns["text"])
    return datasets.Dataset.from_dict(
        {role: [None] * rows if column is None else columns[column] for role, column in roles.items()},
        features=datasets.Features({role: datasets.Value("string") for role in roles}),
    )


def _filled(table: datasets.Dataset, source: str) -> np.ndarray:
    """The rows [N] int64 of the texts that are not empty; how many are goes to the log."""
    filled = np.flatnonzero(pyarrow.compute.not_equal(table.data.column("text"), "").to_numpy())
    if skipped := len(table) - len(filled):
        log.warning("%s: skipped %s of %s rows, their text is empty", source, f"{skipped:,}", f"{len(table):,}")
    return filled


def _stream(table: datasets.Dataset, column: str) -> Iterator[Any]:
    """A column's values, a stretch at a time, so that they are never all in memory."""
    for stretch in table.select_columns([column]).iter(batch_size=1000):
        yield from stretch[column]


def _select(table: datasets.Dataset, rows: np.ndarray) -> datasets.Dataset:
    return table.select(rows).select_columns(["text", "label"])


def _labels(parts: Mapping[str, datasets.Dataset], source: str, column: str) -> tuple[str, ...]:
    train, validation = (
        parts[part].select_columns("label").with_format("arrow")[:]["label"] for part in ("train", "validation")
    )
    return labels_of(train, validation, f"{source}, column '{shorten(column)}'")


def _name(source: str) -> str:
    """`reviews` for data/reviews.csv.gz, `name` for the hub's owner/name."""
    name = Path(source).name.removesuffix(".gz")
    return Path(name).stem if os.path.exists(source) else name
