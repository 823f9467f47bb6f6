"""`ldebm reproduce`: the tables and figures of the paper, measured anew."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def reproduce(
    what: Annotated[Literal["densities"], typer.Argument(metavar="WHAT", help="Which part of the paper: densities.")],
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="Runs of each model.")] = 3,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Two epochs of each model, into files of their own."),
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Models trained at a time, sharing the cores.")] = 1,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the result files go.")] = Path("results"),
    pictures: Annotated[
        Path,
        typer.Option(
            "--pictures", metavar="FOLDER", help="Where the figures go; the page with the tables lies beside it."
        ),
    ] = Path("docs/densities"),
    runs: Annotated[
        Path, typer.Option("--runs", metavar="FOLDER", help="Where the run folders go; finished ones are used again.")
    ] = Path("runs/densities"),
) -> None:
    """Train and measure the models of a part of the paper; what was trained before is used again."""
    del what  # the only one so far
    from ldebm.reproduce import densities, density_page, density_table

    results = densities.reproduce(out, runs, densities.SETS, seeds, quick, jobs)
    density_page.draw(pictures, runs, densities.SETS, quick)
    page = pictures.with_name(f"{pictures.name}{'-quick' if quick else ''}.md")
    density_table.write_page(page, results, pictures)
