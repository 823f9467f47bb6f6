"""Tables as files: csv, jsonl or parquet, after the suffix."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from ldebm.files import atomic_path, write_atomically


def suffix_among(*allowed: str) -> Callable[[Path | None], Path | None]:
    """Check of an output option: a file of an unknown kind is refused before the work and not after it."""

    def check(path: Path | None) -> Path | None:
        if path is not None and path.suffix.lower() not in allowed:
            raise typer.BadParameter(f"the file name must end in {', '.join(allowed)}; received {path}")
        return path

    return check


def write_table(columns: Mapping[str, Sequence[Any]], out: Path | None) -> None:
    """Write columns of equal length to `out`, or as csv to the terminal; None stands for an empty cell."""
    kind = ".csv" if out is None else out.suffix.lower()
    if out is not None and kind == ".parquet":
        import pyarrow
        from pyarrow import parquet

        with atomic_path(out) as temporary:
            parquet.write_table(pyarrow.table(dict(columns)), temporary)
        return
    rows = zip(*columns.values(), strict=True)
    if kind == ".jsonl":
        lines = (json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False) for row in rows)
        document = "".join(f"{line}\n" for line in lines)
    else:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
        document = buffer.getvalue()
    if out is None:
        print(document, end="")
    else:
        write_atomically(out, document)
