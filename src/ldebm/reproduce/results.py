"""Result files: rows of a table, each the mean over seeds, written as they finish: an interruption loses none."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ldebm.files import write_atomically
from ldebm.provenance import commit, machine

Values = Mapping[str, float | None]


class ResultFile:
    """`results/NAME.json`. What the file holds of other models and sizes, by the same definitions, stays behind the new
    rows: a table that is made again is whole all the time.

    Args:
        protocol: each metric's definition, range and floor.
        command: what makes this file anew.
    """

    def __init__(self, path: Path, command: str, protocol: Mapping[str, str]) -> None:
        self.path, self.command, self.protocol = path, command, dict(protocol)
        self.rows: list[dict[str, Any]] = []
        before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.before: list[dict[str, Any]] = before["rows"] if before.get("protocol") == self.protocol else []

    def known(self, model: str, size: str) -> int:
        """Seeds that the file had of a row: a table goes on behind them, also where their run folders are gone."""
        row = self._row_before(model, size)
        return row["seeds"] if row else 0

    def add(
        self,
        model: str,
        size: str,
        seeds: Sequence[Values],
        train_seconds: float,
        chance: Values | None = None,
        floor: Values | None = None,
        published: Values | None = None,
        commits: Sequence[str] = (),
        known: int = 0,
    ) -> None:
        """A row: each metric's mean and standard deviation over `seeds` (one mapping a seed; None: does not apply).

        Args:
            train_seconds: mean over `seeds`.
            commits: of the code that measured, where that was not this process.
            known: seeds of the row of before that stay in it, all that `known` tells or none.
        """
        chance, floor = chance or {}, floor or {}
        before: dict[str, Any] = (self._row_before(model, size) if known else None) or {"metrics": {}}
        metrics = {
            name: summary([seed.get(name) for seed in seeds], before["metrics"].get(name), known)
            | {"chance": chance.get(name), "floor": floor.get(name)}
            for name in self.protocol
        }
        count = known + len(seeds)
        seconds = (known * before.get("train_seconds", 0.0) + len(seeds) * train_seconds) / max(1, count)
        row: dict[str, Any] = {"model": model, "size": size, "seeds": count, "train_seconds": seconds}
        measured = commits or ([commit()] if seeds else [])
        row["commits"] = sorted({*before.get("commits", []), *measured})
        self.rows.append(row | {"metrics": metrics} | ({"published": dict(published)} if published else {}))
        self.write()

    def _row_before(self, model: str, size: str) -> dict[str, Any] | None:
        return next((row for row in self.before if (row["model"], row["size"]) == (model, size)), None)

    def write(self) -> None:
        new = {(row["model"], row["size"]) for row in self.rows}
        old = [row for row in self.before if (row["model"], row["size"]) not in new]
        found = {
            "name": self.path.stem,
            "command": self.command,
            "commit": commit(),
            "machine": machine(),
            "protocol": self.protocol,
            "rows": self.rows + old,
        }
        write_atomically(self.path, json.dumps(found, indent=2) + "\n")


def summary(
    values: Sequence[float | None], before: Mapping[str, float | None] | None = None, seeds_before: int = 0
) -> dict[str, float | None]:
    """Mean and standard deviation of the seeds that have a value; None where none has, and no deviation of one.

    Args:
        before: mean and deviation of `seeds_before` other seeds, which count as well.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    mean, deviation = (before["mean"], before["sd"]) if before else (None, None)
    # Without a deviation one seed alone had a value.
    count = 0 if mean is None else 1 if deviation is None else seeds_before
    if count and not known:
        return {"mean": mean, "sd": deviation}
    total = count + len(known)
    if not total:
        return {"mean": None, "sd": None}
    of_all = (count * (mean or 0.0) + sum(known)) / total
    squares = (count - 1) * (deviation or 0.0) ** 2 if count else 0.0
    squares += count * ((mean or 0.0) - of_all) ** 2 + sum((value - of_all) ** 2 for value in known)
    return {"mean": of_all, "sd": math.sqrt(squares / (total - 1)) if total > 1 else None}
