"""How a long phase is shown: a bar with the time left on a terminal, a line an epoch elsewhere."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterable, Iterator
from typing import TypeVar

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
