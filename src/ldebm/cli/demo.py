"""`ldebm demo`: the whole walk on the bundled corpus, in minutes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def demo(
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="The run folder.")] = Path("runs/demo"),
    minutes: Annotated[
        float | None,
        typer.Option("--minutes", min=0, help="Train no longer than this.", show_default="the demo's own limit"),
    ] = None,
) -> None:
    """Train on the bundled reviews; print samples and the discovered symbols, and write the report."""
    from ldebm.cli.discover import print_discovery
    from ldebm.cli.report import NAME, write
    from ldebm.tasks.demo import run_demo

    done = run_demo(out, minutes)
    print_discovery(done.discovery)
    print("\nWritten from the prior, sampled at temperature 0.7:")
    for text in done.samples:
        print(f"  {text}")
    page = write(out, out / NAME, "domain", (done.reading, done.discovery))
    print(f"\nThe report is {page}: open it in a browser.")
    print(f"The run folder is {out}. Go on with: ldebm generate {out} --symbol 3, ldebm evaluate {out}")
