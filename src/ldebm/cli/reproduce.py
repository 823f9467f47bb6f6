"""`ldebm reproduce`: the tables and figures of the paper, measured anew."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer


def reproduce(
    what: Annotated[
        Literal["densities", "ptb", "dailydialog", "smd", "agnews", "yelp"],
        typer.Argument(
            metavar="WHAT",
            help="Which part of the paper: densities (synthetic sets), ptb (Table 1), dailydialog (attributes), smd "
            "(dialogues), agnews (few labels), yelp (control).",
        ),
    ],
    seeds: Annotated[
        int | None,
        typer.Option("--seeds", min=1, help="Runs of each model.", show_default="3, of agnews 5"),
    ] = None,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="An epoch or two of each model, into files of their own."),
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Models trained at a time, sharing the cores.")] = 1,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the result files go.")] = Path("results"),
    pictures: Annotated[
        Path | None,
        typer.Option(
            "--pictures",
            metavar="FOLDER",
            help="Where the figures go; the page with the tables lies beside it.",
            show_default="docs/WHAT",
        ),
    ] = None,
    runs: Annotated[
        Path | None,
        typer.Option(
            "--runs",
            metavar="FOLDER",
            help="Where the run folders go; finished ones are used again.",
            show_default="runs/reproduce/WHAT",
        ),
    ] = None,
) -> None:
    """Train and measure the models of a part of the paper.

    What the result file has already, by the same definitions, is kept, and a table goes on behind its seeds; what was
    trained before is used again. Remove the result file and the run folders to measure anew.
    """
    seeds = seeds or (5 if what == "agnews" else 3)
    pictures, runs = pictures or Path("docs", what), runs or Path("runs", "reproduce", what)
    page = pictures.with_name(f"{pictures.name}{'-quick' if quick else ''}.md")
    if what == "ptb":
        from ldebm.reproduce import completion, ptb, ptb_curves, ptb_page

        parts = [
            partial(ptb.reproduce, out, runs, seeds, quick, jobs, full=False),
            partial(ptb_curves.temperatures, out, runs, quick),
            partial(ptb_curves.frontier, out, runs, quick, jobs),
            partial(completion.reproduce, out, runs, quick),
            partial(ptb.reproduce, out, runs, seeds, quick, jobs),
        ]
        for part in parts[:-1] if quick else parts:
            part()
            ptb_page.write_page(page, out, quick, pictures)  # of what there is: the rows of `full` take many hours
        return
    if what == "agnews":
        from ldebm.reproduce import agnews, agnews_page

        agnews_page.write_page(page, agnews.reproduce(out, runs, seeds, quick, jobs))
        return
    if what == "yelp":
        from ldebm.reproduce import yelp, yelp_guidance, yelp_page, yelp_rewriting
        from ldebm.reproduce.rows import QUICK

        for size in (QUICK,) if quick else ("small", "full"):
            for part in (
                partial(yelp.reproduce, out, runs, seeds, quick, jobs, full=size == "full"),
                partial(yelp_guidance.curve, out, runs, size),
                partial(yelp_rewriting.reproduce, out, runs, size),
            ):
                part()
                yelp_page.write_page(page, out, runs, quick, pictures)
        return
    if what == "dailydialog":
        from ldebm.reproduce import dailydialog, dailydialog_page, dailydialog_rewriting
        from ldebm.reproduce.rows import QUICK

        result = dailydialog.reproduce(out, runs, seeds, quick, jobs)
        rewriting = dailydialog_rewriting.reproduce(out, runs, QUICK if quick else "full")
        dailydialog_page.write_page(page, result, rewriting, runs)
        return
    if what == "smd":
        from ldebm.reproduce import smd, smd_page

        smd_page.write_page(page, smd.reproduce(out, runs, seeds, quick, jobs), runs)
        return
    from ldebm.reproduce import densities, density_page, density_table

    results = densities.reproduce(out, runs, densities.SETS, seeds, quick, jobs)
    density_page.draw(pictures, runs, densities.SETS, quick)
    density_table.write_page(page, results, pictures)
