"""Arguments and flags that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

KINDS = "A txt, csv, tsv, jsonl or parquet file, or a .gz of one"

Run = Annotated[
    Path, typer.Argument(metavar="RUN", help="The run folder that `ldebm train` wrote.", show_default=False)
]
Corpus = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help=f"{KINDS}; a named corpus: reviews, ptb, dailydialog, agnews, yelp, or points (gaussians, pinwheel); "
        "or a hub name.",
        show_default=False,
    ),
]
Table = Annotated[Path, typer.Argument(metavar="SOURCE", help=f"{KINDS}.", show_default=False)]
TextColumn = Annotated[
    str | None, typer.Option("--text", help="Column of the text.", show_default="that of the run, or the only one")
]
LabelColumn = Annotated[
    str | None, typer.Option("--label", help="Column of the label; rows may lack one.", show_default="that of the run")
]
Json = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the result as JSON too.", show_default=False)
]
