"""From a file to a table of strings on disk: which columns, and their values.

The table is memory-mapped Arrow in the cache of `datasets` (HF_DATASETS_CACHE): memory is bounded by a batch, and a
second reading is free. Empty texts stay in it: who reads decides what they mean.
"""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import datasets
from datasets.exceptions import DatasetGenerationError

from ldebm.data import lines, readers
from ldebm.data.lines import MAX_BYTES
from ldebm.errors import DataError, shorten, suggest


def choose_column(column: str, columns: Sequence[str], source: object, option: str) -> str:
    """`column`, if it is among `columns`; otherwise raises DataError with the columns found and the nearest."""
    if column not in columns:
        raise DataError(
            f"{source} has no column '{shorten(column)}' (asked for with --{option})."
            f" Its columns: {_listed(columns)}.{suggest(column, columns)}"
        )
    return column


def choose_text(text: str | None, columns: Sequence[str], source: object) -> str:
    """The column of the texts: `text` if it is given, else the one named text, else the only one. Raises DataError."""
    if text is not None:
        return choose_column(text, columns, source, "text")
    if "text" in columns:
        return "text"
    if len(columns) == 1:
        return columns[0]
    raise DataError(
        f"{source} has {len(columns)} columns and none is named text. Choose with --text one of: {_listed(columns)}."
    )


def choose_roles(
    columns: Sequence[str],
    source: object,
    text: str | None,
    label: str | None,
    split: str | None,
    label_option: str = "label",
) -> dict[str, str | None]:
    """A corpus' columns: those of "text", "label" (None: no label) and, where asked for, "split". Raises DataError,
    which calls the label's column by the option that named it."""
    roles: dict[str, str | None] = {"text": choose_text(text, columns, source), "label": None}
    for role, option, column in (("label", label_option, label), ("split", "split", split)):
        if column is not None:
            roles[role] = choose_column(column, columns, source, option)
            if column == roles["text"]:
                raise DataError(
                    f"{source}: --{option} and --text both name the column '{shorten(column)}'. Choose two columns."
                )
    return roles


def as_text(value: object, where: str, column: str) -> str:
    """A value of the text column, stripped; a missing one is "". Raises DataError if it is no string or too long."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(
            f"{where}, column '{shorten(column)}': expected a string as the text,"
            f" received {type(value).__name__} {shorten(value, 40)}."
            " Write the value as a string, or choose another column with --text."
        )
    # No character takes more than four bytes, so most texts need not be encoded to be measured.
    if len(value) * 4 > MAX_BYTES and (size := len(value.encode("utf-8"))) > MAX_BYTES:
        raise DataError(
            f"{where}, column '{shorten(column)}': the text has {size:,} bytes, at most {MAX_BYTES:,} are read."
            " Break it up, or leave it out."
        )
    return value.strip()


def as_string(value: Any) -> str | None:
    """A value of any other column as a string, numbers and nested ones as JSON has them; None if missing or blank."""
    if isinstance(value, float) and math.isnan(value):
        return None  # how pandas writes a missing value
    if isinstance(value, bool | int | float | list | dict):
        value = json.dumps(value, ensure_ascii=False, default=str)
    return None if value is None else str(value).strip() or None


def read_table(path: Path, roles: Mapping[str, str | None]) -> datasets.Dataset:
    """The columns `roles` (name in the table: name in the file, or None) as strings, a row for each of the file's.

    `roles` must have "text", whose missing values are "". In other columns they are None. Raises DataError at the first
    row that cannot be used, and where the file has no rows.
    """
    features = datasets.Features({role: datasets.Value("string") for role in roles})
    with quiet():
        try:
            table = datasets.Dataset.from_generator(
                _rows,
                features=features,
                gen_kwargs={"path": str(path), "roles": dict(roles), "content": _content(path)},
            )
        except DatasetGenerationError as error:
            if isinstance(error.__cause__, DataError):
                raise error.__cause__ from None
            raise
        except OSError as error:
            raise DataError(
                f"{path}: what is read from it cannot be kept in {datasets.config.HF_DATASETS_CACHE}"
                f" ({shorten(error)}). Make room there, or set HF_DATASETS_CACHE to another folder."
            ) from None
    return table


def _rows(path: str, roles: dict[str, str | None], content: str) -> Iterator[dict[str, str | None]]:
    del content  # only a part of the cache's key
    others = {role: column for role, column in roles.items() if role != "text"}
    text = roles["text"] or "text"
    empty = True
    for where, record in readers.records(Path(path)):
        empty = False
        yield {
            "text": as_text(record.get(text), where, text),
            **{role: None if column is None else as_string(record.get(column)) for role, column in others.items()},
        }
    if empty:
        raise DataError(f"{path} has no rows, only a header. Check that the file was written to its end.")


def _content(path: Path) -> str:
    """A digest of the file and of the code that reads it: the cache never serves what either would no longer give."""
    digest = hashlib.blake2b(digest_size=16)
    for file in (path, Path(__file__), Path(readers.__file__), Path(lines.__file__)):
        try:
            with file.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise DataError(f"{file} cannot be read: {error.strerror or error}. Check its permissions.") from None
    return digest.hexdigest()


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars of `datasets`: the command line shows its own."""
    were_disabled = datasets.are_progress_bars_disabled()
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        if not were_disabled:
            datasets.enable_progress_bars()


def _listed(columns: Sequence[str]) -> str:
    return shorten(", ".join(f"'{column}'" for column in columns), 300)
