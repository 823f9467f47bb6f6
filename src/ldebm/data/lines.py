"""From the bytes of a file to checked lines of text.

Every text format is read through here, so that one file answers for encodings, compression, line ends and lines
without an end. A place in a file is named by its line, counted from 1 as an editor shows it (a header is line 1).
"""

import gzip
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

from ldebm.errors import DataError, shorten, suggest

# One text or one line of a file, in bytes. Longer ones are not texts of the kind that this library models: they come
# from a lost line end or a lost quote, and would make memory depend on the file.
MAX_BYTES = 1_000_000


def place(path: object, line: int, column: str | None = None, unit: str = "line") -> str:
    """`path, line 17, column 'text'`, the start of every message about a place in a file."""
    return f"{path}, {unit} {line}" + (f", column '{shorten(column)}'" if column is not None else "")


def check_file(path: Path) -> None:
    """Raises DataError, with the nearest names in the folder, unless `path` is a file."""
    if os.path.isdir(path):
        raise DataError(
            f"{path} is a folder, not a file: give one file in it (txt, csv, tsv, jsonl or parquet, or .gz of these)."
        )
    if not os.path.exists(path):
        folder = path.parent
        names = [entry.name for entry in folder.iterdir()] if os.path.isdir(folder) else []
        hint = suggest(path.name, names)
        if not os.path.isdir(folder):
            hint = f" There is no folder {folder} either."
        raise DataError(f"{shorten(path, 200)}: no such file.{hint or ' Check the path.'}")


def open_binary(path: Path) -> BinaryIO:
    """The bytes of `path`, decompressed where its name ends in .gz. Raises DataError where it cannot be opened."""
    try:
        return cast(BinaryIO, gzip.open(path, "rb")) if path.suffix.lower() == ".gz" else path.open("rb")
    except OSError as error:
        raise DataError(
            f"{path} cannot be opened: {error.strerror or error}. Check the path and its permissions."
        ) from None


def lines(path: Path) -> Iterator[str]:
    """The lines of a UTF-8 file, each without its line end (LF or CRLF) and the first without a byte order mark.

    Memory is bounded by one line. Raises DataError at a line with a NUL byte, with bytes that are not UTF-8 or of more
    than `MAX_BYTES` bytes, and where the compressed data is damaged.
    """
    number = 0
    with open_binary(path) as stream:
        try:
            while raw := stream.readline(MAX_BYTES + 1):
                number += 1
                yield _decoded(raw, path, number, stream)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(
                f"{place(path, number + 1)}: the file is damaged or cut short ({shorten(error)})."
                " Fetch or compress it again."
            ) from None


def _decoded(raw: bytes, path: Path, number: int, stream: BinaryIO) -> str:
    if number == 1:
        if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise DataError(
                f"{place(path, 1)}: the text is UTF-16. Convert it: iconv -f utf-16 -t utf8 {path} > NEW_FILE"
            )
        raw = raw.removeprefix(b"\xef\xbb\xbf")
    if len(raw) > MAX_BYTES:
        length = len(raw)
        while not raw.endswith(b"\n") and (raw := stream.readline(MAX_BYTES)):
            length += len(raw)
        raise DataError(
            f"{place(path, number)}: the line has {length:,} bytes, at most {MAX_BYTES:,} are read."
            " Break it into one text a line, or leave it out."
        )
    if b"\0" in raw:
        raise DataError(
            f"{place(path, number)}: NUL byte at byte {raw.index(0) + 1}. This is not a text file, or it is damaged;"
            f" if only stray bytes are, remove them: tr -d '\\0' < {path} > NEW_FILE"
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{place(path, number)}: byte {error.start + 1} (0x{raw[error.start]:02x}) is not UTF-8."
            f" If the text is latin-1, convert it: iconv -f latin1 -t utf8 {path} > NEW_FILE"
        ) from None
    return text.removesuffix("\n").removesuffix("\r")
