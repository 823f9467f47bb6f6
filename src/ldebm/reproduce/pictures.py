"""How every figure looks, a line of a result file's rows, and writing a figure as PNG and SVG."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
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


def line(
    axes: Axes, points: Sequence[Mapping[str, float]], names: tuple[str, str], note: str, colour: str, called: str
) -> None:
    """Points, joined, at two of their figures; beside each stands `note` with its figures filled in."""
    places = [(point[names[0]], point[names[1]]) for point in points]
    axes.plot(*zip(*places, strict=True), "o-", color=colour, label=called, markersize=4)
    for point, place in zip(points, places, strict=True):
        axes.annotate(note.format(**point), place, (4, 4), textcoords="offset points", fontsize=7)


def means_of(row: Mapping[str, Any]) -> dict[str, float]:
    """Each metric's mean, of a row of a result file."""
    return {name: each["mean"] for name, each in row["metrics"].items()}
