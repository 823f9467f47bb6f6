"""`ldebm encode`: the latent of each text of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldebm.cli.inputs import rows_of
from ldebm.cli.options import Run, Table, TextColumn
from ldebm.cli.tables import suffix_among, write_table
from ldebm.files import atomic_path


def encode(
    run: Run,
    source: Table,
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FILE",
            help="A .npy file of shape [rows, dimensions], or a .parquet file with the column latent.",
            show_default=False,
            callback=suffix_among(".npy", ".parquet"),
        ),
    ],
    text: TextColumn = None,
) -> None:
    """Write the posterior mean of each text, row by row of the file.

    A row without a text gets an empty cell in parquet, and NaN in npy.
    """
    import numpy as np

    from ldebm import LDEBM

    model = LDEBM.from_pretrained(run)
    texts, _ = rows_of(source, text, None, model.config)
    there = np.array([bool(text) for text in texts])
    means_ND = model.encode([text for text in texts if text])
    latents_ND = np.full((len(there), means_ND.shape[1]), np.nan, dtype=np.float32)
    latents_ND[there] = means_ND
    if out.suffix.lower() == ".npy":
        with atomic_path(out) as temporary:
            np.save(temporary, latents_ND)
    else:
        write_table({"latent": [row if full else None for row, full in zip(latents_ND, there, strict=True)]}, out)
