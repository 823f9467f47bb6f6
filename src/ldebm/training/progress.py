"""How a long phase is shown: a bar with the time left on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

_Item = TypeVar("_Item")
_console = Console(stderr=True)


def track(items: Iterable[_Item], description: str, total: int, done: int = 0) -> Iterator[_Item]:
    """Yield `items` behind a progress bar, on a terminal; without a word elsewhere."""
    if not sys.stderr.isatty():
        yield from items
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=_console, transient=True) as progress:
        task = progress.add_task(description, total=total, completed=done)
        for item in items:
            yield item
            progress.advance(task)


def say(text: str) -> None:
    """One line for a person, on standard error: standard output is for results."""
    _console.print(text, markup=False, highlight=False, soft_wrap=True)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Nothing of this is shown for the length of a `with`."""
    before, _console.quiet = _console.quiet, True
    try:
        yield
    finally:
        _console.quiet = before


def warn(text: str) -> None:
    """A line that should not be overlooked."""
    _console.print(f"warning: {text}", style="yellow", markup=False, highlight=False, soft_wrap=True)


def epoch_line(
    epoch: int, epochs: int, seconds: float, longest: float, train: dict[str, float], found: dict[str, Any]
) -> str:
    """An epoch in one line; nats a text unless a unit is given."""
    parts = [
        f"epoch {epoch + 1}/{epochs}",
        f"{seconds / 60:.1f} of at most {longest / 60:.1f} min",
        f"reconstruction {train.get('reconstruction', math.nan):.1f} train {found['reconstruction']:.1f} validation",
        f"rate {found['rate_to_reference']:.1f}",
    ]
    if "gain_low" in found:
        parts.append(f"gain {found['gain_low']:.1f} to {found['gain']:.1f}")
    parts += [
        f"BLEU {found['bleu']:.2f}" if "bleu" in found else f"squared error {found['squared_error']:.4f}",
        f"I(z;y) {found['mutual_information']:.2f}",
        f"active {found['active_units']}",
    ]
    if "accuracy" in found:
        parts.append(f"accuracy {found['accuracy']:.1%}")
    if "chain_acceptance" in train:
        parts.append(f"acceptance {train['chain_acceptance']:.2f}")
    if math.isfinite(found["changed_labels"]):
        parts.append(f"labels changed {found['changed_labels']:.0%}")
    return "  ".join(parts)
