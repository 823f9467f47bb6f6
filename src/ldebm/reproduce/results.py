"""Result files: rows of a table, each the mean over seeds, written as they finish: an interruption loses none."""

from __future__ import annotations

import json
import math
import statistics
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
    ) -> None:
        """A row: each metric's mean and standard deviation over `seeds` (one mapping a seed; None: does not apply).

        Args:
            commits: of the code that measured, where that was not this process.
        """
        chance, floor = chance or {}, floor or {}
        metrics = {
            name: summary([seed.get(name) for seed in seeds]) | {"chance": chance.get(name), "floor": floor.get(name)}
            for name in self.protocol
        }
        row: dict[str, Any] = {"model": model, "size": size, "seeds": len(seeds), "train_seconds": train_seconds}
        row["commits"] = list(commits or [commit()])
        self.rows.append(row | {"metrics": metrics} | ({"published": dict(published)} if published else {}))
        self.write()

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


def summary(values: Sequence[float | None]) -> dict[str, float | None]:
    """Mean and standard deviation of the seeds that have a value; None where none has, and no deviation of one."""
    known = [value for value in values if value is not None and math.isfinite(value)]
    return {
        "mean": statistics.fmean(known) if known else None,
        "sd": statistics.stdev(known) if len(known) > 1 else None,
    }
