"""Timing side by side, this machine's matrix-product rate, and the table and JSON object every benchmark ends with."""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from ldebm.files import write_atomically
from ldebm.observation import fastest_dtype
from ldebm.provenance import commit, machine

Product = tuple[int, int, int]  # rows, inputs, outputs


@dataclass(frozen=True)
class Timing:
    """Seconds of each repeat."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def interquartile_range(self) -> float:
        if len(self.seconds) < 2:
            return 0.0
        lower, _, upper = statistics.quantiles(self.seconds, n=4, method="inclusive")
        return upper - lower


def interleaved(runs: Mapping[str, Callable[[], object]], repeats: int, warmup: int = 1) -> dict[str, Timing]:
    """Time every run `repeats` times, taking turns, so that whatever else the machine does hits all of them alike."""
    for run in runs.values():
        for _ in range(warmup):
            run()
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(repeats):
        for name, run in runs.items():
            seconds[name].append(_seconds(run))
    return {name: Timing(tuple(values)) for name, values in seconds.items()}


def has_bf16() -> bool:
    """Whether this CPU multiplies bf16 matrices in hardware, as the engine sees it."""
    return fastest_dtype(torch.device("cpu")) is torch.bfloat16


def matrix_rate(products: Sequence[Product], bf16: bool, repeats: int = 7) -> float:
    """Floating-point operations a second: the median over these matrix products of each one's median."""
    dtype = torch.bfloat16 if bf16 else torch.float32
    return statistics.median(_product_rate(product, dtype, repeats) for product in products)


@dataclass(frozen=True)
class Comparison:
    """Plain against fast, and against the least time the arithmetic alone could take at the measured rate."""

    name: str
    plain: Timing
    fast: Timing
    flops: float
    rate: float

    @property
    def ratio(self) -> float:
        return self.plain.median / self.fast.median

    @property
    def floor_seconds(self) -> float:
        return self.flops / self.rate

    @property
    def floor_ratio(self) -> float:
        return self.fast.median / self.floor_seconds

    def as_json(self) -> dict[str, object]:
        return {
            "plain_seconds": self.plain.median,
            "fast_seconds": self.fast.median,
            "ratio": self.ratio,
            "floor_seconds": self.floor_seconds,
            "floor_ratio": self.floor_ratio,
            "plain_interquartile_range": self.plain.interquartile_range,
            "fast_interquartile_range": self.fast.interquartile_range,
            "repeats": len(self.fast.seconds),
            "flops": self.flops,
            "flops_per_second": self.rate,
        }


def report(title: str, comparisons: Sequence[Comparison], goal: str) -> None:
    table = Table(title=title, caption=f"{goal}. {_describe(machine())}")
    for heading in ("", "plain", "fast", "plain / fast", "floor", "fast / floor", "GFLOP", "GFLOP/s", "repeats"):
        table.add_column(heading, justify="left" if not heading else "right")
    for each in comparisons:
        table.add_row(
            each.name,
            _with_range(each.plain),
            _with_range(each.fast),
            f"{each.ratio:.2f}",
            f"{each.floor_seconds:.3f} s",
            f"{each.floor_ratio:.2f}",
            f"{each.flops / 1e9:.1f}",
            f"{each.rate / 1e9:.0f}",
            str(len(each.fast.seconds)),
        )
    Console(width=None if os.isatty(1) else 140).print(table)


def write_json(path: Path | None, values: Mapping[str, object]) -> None:
    """One object, with command, commit and machine; nothing where no path was asked for."""
    if path is not None:
        command = " ".join([f"python -m benchmarks.{Path(sys.argv[0]).stem}", *sys.argv[1:]])
        whole = {"command": command, **values, "commit": commit(), "machine": machine()}
        write_atomically(path, json.dumps(whole, indent=2) + "\n")


def arguments(description: str | None, repeats: int = 5) -> argparse.ArgumentParser:
    """The options every timing program has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as one JSON object")
    parser.add_argument("--repeats", type=int, default=repeats, help="how often each side is timed (%(default)s)")
    return parser


def _seconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def _product_rate(product: Product, dtype: torch.dtype, repeats: int) -> float:
    rows, inputs, outputs = product
    left, right = torch.randn(rows, inputs).to(dtype), torch.randn(inputs, outputs).to(dtype)
    flops = 2 * rows * inputs * outputs
    inner = min(1000, 1 + int(1e9 / flops))  # long enough for the clock
    left @ right
    timings = [_seconds(lambda: [left @ right for _ in range(inner)]) for _ in range(repeats)]
    return flops * inner / statistics.median(timings)


def _describe(facts: Mapping[str, object]) -> str:
    bf16 = "with bf16" if facts["bf16"] else "without bf16"
    return f"{facts['cpu']}, {facts['cores']} cores, torch {facts['torch']}, {bf16}"


def _with_range(timing: Timing) -> str:
    return f"{timing.median:.3f} s ± {timing.interquartile_range / 2:.3f}"
