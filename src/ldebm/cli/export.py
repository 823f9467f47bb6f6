"""`ldebm export`: what reads texts, for programs without PyTorch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ldebm.cli.inputs import beside
from ldebm.cli.options import Run
from ldebm.cli.tables import suffix_among


def export(
    run: Run,
    onnx: Annotated[
        Path | None,
        typer.Option(
            "--onnx", metavar="FILE", help="The file.", show_default="RUN/reader.onnx", callback=suffix_among(".onnx")
        ),
    ] = None,
) -> None:
    """Write encoder and symbol head as an ONNX file, checked against PyTorch."""
    from ldebm import LDEBM
    from ldebm.onnx_export import INPUTS, OUTPUTS, export_reader

    path = onnx or beside(run, "reader.onnx", "--onnx")
    export_reader(LDEBM.from_pretrained(run, "cpu"), path)
    print(f"{path}: {', '.join(INPUTS)} in, {', '.join(OUTPUTS)} out; the run's tokenizer.json cuts texts into tokens.")
