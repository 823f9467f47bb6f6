"""`metrics.jsonl`: the course of a run, a JSON object a line."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from ldebm.files import write_atomically


def append(path: Path, entry: dict[str, Any]) -> None:
    """Add one entry; a number that is not finite becomes null, which JSON has."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({key: _plain(value) for key, value in entry.items()}) + "\n")


def read(path: Path) -> list[dict[str, Any]]:
    """The entries; a line that a kill or a full disk tore is left out."""
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        try:
            entries.append(json.loads(line))
        except ValueError:
            continue
    return entries


def rewind(path: Path, step: int) -> None:
    """Forget what came after `step`: a run that goes on from there writes it again."""
    kept = [entry for entry in read(path) if entry["step"] <= step]
    write_atomically(path, "".join(json.dumps(entry) + "\n" for entry in kept))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 5) if math.isfinite(value) else None
    return value
