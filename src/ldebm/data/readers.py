"""The formats: a file as a stream of records, checked row by row.

    kind of file      a record                                           its line
    txt               a line, in the one column `text`                    the line
    csv, tsv          a row under the header, every value a string        where the row starts
    jsonl             an object a line, values as JSON has them           the line
    parquet           a row, values as Arrow has them                     the row

A name may end in .gz. Memory is bounded by a record (for parquet: by `PARQUET_ROWS` of them).
"""

import csv
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet

from ldebm.data.lines import MAX_BYTES, check_file, lines, open_binary, place
from ldebm.errors import DataError, shorten

EXTENSIONS = (".txt", ".csv", ".tsv", ".jsonl", ".parquet")
PARQUET_ROWS = 1000

Record = tuple[str, dict[str, Any]]  # its place, for messages; value by column


def extension(path: Path) -> str:
    """The extension, in small letters and without .gz. Raises DataError where it is none of `EXTENSIONS`."""
    found = Path(path.name.lower().removesuffix(".gz")).suffix
    if found not in EXTENSIONS:
        raise DataError(
            f"{path}: cannot tell the format from the extension '{found}'."
            f" Rename or convert the file to one of {', '.join(EXTENSIONS)} (each may be followed by .gz)."
        )
    return found


def column_names(path: Path) -> list[str]:
    """The columns of a file, in order. Reads a jsonl file to its end, of the others the start.

    Raises DataError where `path` is no file that can be read, is empty, or names a column twice.
    """
    check_file(path)
    match extension(path):
        case ".txt":
            names = ["text"]
        case ".csv" | ".tsv":
            names = next(_rows(path), ("", []))[1]
        case ".jsonl":
            names = list(dict.fromkeys(name for _, record in _jsonl(path) for name in record))
        case _:
            names = _parquet_names(path)
    if not names:
        raise DataError(f"{path} is empty: there is no row in it. Check that it was written to its end.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{place(path, 1)}: more than one column is named '{shorten(twice[0])}'. Rename all but one.")
    return names


def records(path: Path) -> Iterator[Record]:
    """The rows of a file, each with its place. Raises DataError at the first that is not well formed."""
    match extension(path):
        case ".txt":
            return ((place(path, number), {"text": line}) for number, line in enumerate(lines(path), start=1))
        case ".csv" | ".tsv":
            return _table(path)
        case ".jsonl":
            return _jsonl(path)
        case _:
            return _parquet(path)


def _rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The rows of a csv or tsv file as lists, each with its place, the header first, blank lines as empty lists."""
    # The limit belongs to the process; it is only ever raised, so that nobody else's reading breaks.
    csv.field_size_limit(max(csv.field_size_limit(), MAX_BYTES))
    # `strict` turns a lost quote, which would swallow rows in silence, into an error.
    delimiter = "\t" if extension(path) == ".tsv" else ","
    reader = csv.reader((line + "\n" for line in lines(path)), delimiter=delimiter, strict=True)
    while True:
        where = place(path, reader.line_num + 1)
        try:
            yield where, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{where}: the row is not well formed ({shorten(error)})."
                " Close every quote on it, and write a quote inside a quoted field twice."
            ) from None


def _table(path: Path) -> Iterator[Record]:
    rows = _rows(path)
    header = next(rows, ("", []))[1]
    for where, row in rows:
        if not row:
            if len(header) > 1:
                continue
            row = [""]  # in a table of one column, a blank line is an empty value
        if len(row) != len(header):
            raise DataError(
                f"{where}: expected {len(header)} fields as in the header, received {len(row)}."
                " Quote the fields that hold the delimiter or a line end."
            )
        yield where, dict(zip(header, row, strict=True))


def _jsonl(path: Path) -> Iterator[Record]:
    for number, line in enumerate(lines(path), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
            if "\\ud" in line.lower():  # half a surrogate pair, escaped, is JSON but no text
                json.dumps(record, ensure_ascii=False).encode("utf-8")
        except json.JSONDecodeError as error:
            raise DataError(
                f"{place(path, number)}, character {error.colno}: not JSON ({error.msg}). Write one JSON object a line."
            ) from None
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{place(path, number)}: the JSON cannot be used ({shorten(error, 120)}). Mend or leave out the line."
            ) from None
        if not isinstance(record, dict):
            raise DataError(
                f'{place(path, number)}: expected a JSON object such as {{"text": "..."}},'
                f" received {type(record).__name__} {shorten(line, 40)}."
                + (" Where lines are dialogues, train with --task dialogue." if isinstance(record, list) else "")
            )
        yield place(path, number), record


def _parquet_names(path: Path) -> list[str]:
    try:
        with open_binary(path) as stream, pyarrow.parquet.ParquetFile(stream) as file:
            return list(file.schema_arrow.names)
    except _BROKEN_PARQUET as error:
        raise _broken_parquet(path, error) from None


def _parquet(path: Path) -> Iterator[Record]:
    number = 0
    try:
        with open_binary(path) as stream, pyarrow.parquet.ParquetFile(stream) as file:
            for batch in file.iter_batches(batch_size=PARQUET_ROWS):
                for record in batch.to_pylist():
                    number += 1
                    yield place(path, number, unit="row"), record
    except _BROKEN_PARQUET as error:
        raise _broken_parquet(path, error) from None


# What pyarrow raises on damaged files; values that Python cannot hold are a ValueError.
_BROKEN_PARQUET = (pyarrow.ArrowException, OSError, EOFError, ValueError, zlib.error)


def _broken_parquet(path: Path, error: Exception) -> DataError:
    return DataError(f"{path} cannot be read as parquet ({shorten(error, 120)}). Check that it was written to its end.")
