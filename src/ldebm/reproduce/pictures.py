"""How every figure looks, and writing one as PNG and SVG."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from ldebm.files import atomic_path

AnyPath = str | os.PathLike[str]

STYLE: dict[Any, Any] = {  # the type of the keys differs between versions of matplotlib
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.edgecolor": "#bbbbbb",
    "axes.linewidth": 0.6,
    "svg.hashsalt": "ldebm",  # the same figure is the same file
    **dict.fromkeys(("text.color", "axes.labelcolor", "xtick.color", "ytick.color"), "#333333"),
}
DOTS_PER_INCH = {".png": 150, ".svg": 100, ".webp": 120}  # in the SVG, of the densities and clouds alone


def save(figure: Figure, path: AnyPath) -> tuple[Path, Path]:
    """Write `path`.png and `path`.svg and return their paths."""
    png, svg = Path(f"{path}.png"), Path(f"{path}.svg")
    for target, metadata in ((png, {}), (svg, {"Date": None})):  # no date, for the same figure is the same file
        with atomic_path(target) as temporary:
            figure.savefig(temporary, dpi=DOTS_PER_INCH[target.suffix], metadata=metadata)
    return png, svg
