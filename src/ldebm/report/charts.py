"""The page's drawings, as SVG that takes the colour of the text around it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import matplotlib
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ldebm.tasks.interpolation import Place

_INK = "#333333"
_BLUE, _ROSE = "#4477aa", "#cc6677"  # are told apart on light and on dark
_PANELS = {  # title: its lines, each a name, the kind of entries in metrics.jsonl and the figure
    "reconstruction, nats a text": (
        ("train", "train", "reconstruction"),
        ("validation", "validation", "reconstruction"),
    ),
    "rate, nats a text": (("train", "train", "rate"), ("validation", "validation", "rate")),
    "gain of the prior, nats a text": (("from above", "validation", "gain"), ("from below", "validation", "gain_low")),
    "I(z; y), nats": (("validation", "validation", "mutual_information"),),
}
_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "svg.fonttype": "none",  # words stay words: they can be searched, read aloud and scaled
    **dict.fromkeys(("text.color", "axes.edgecolor", "axes.labelcolor", "xtick.color", "ytick.color"), _INK),
}


def course(entries: Sequence[dict[str, Any]]) -> Markup:
    """The run's training from `metrics.jsonl`: reconstruction, rate, what the prior saves, and what symbols say."""
    panels = []
    for title, asked in _PANELS.items():
        drawn = [(name, points) for name, kind, key in asked if (points := _points(entries, kind, key))]
        panels += [(title, drawn)] if drawn else []
    with matplotlib.rc_context(_STYLE | {"svg.hashsalt": "course"}):
        figure = Figure(figsize=(8, 2.2 * -(-len(panels) // 2)), layout="constrained")
        for place, (title, lines) in enumerate(panels, 1):
            axes = figure.add_subplot(-(-len(panels) // 2), 2, place)
            for (name, points), colour in zip(lines, (_BLUE, _ROSE), strict=False):
                steps, values = zip(*points, strict=True)
                axes.plot(steps, values, color=colour, label=name, linewidth=1.5, marker="." if len(steps) < 30 else "")
            axes.set_title(title, loc="left")
            axes.set_xlabel("step")
            axes.legend(frameon=False, fontsize=9)
        ends = ", ".join(f"{title} {lines[-1][1][-1][1]:.2f}" for title, lines in panels)
        return _svg(figure, "course", f"Curves of the training over its steps; at the end: {ends}")


def energy(places: Sequence[Place]) -> Markup:
    """The bracket of -log p(z) along the way between two texts; nothing where the prior has no density."""
    if any(place.energy_low is None for place in places):
        return Markup()
    low, high = [place.energy_low or 0.0 for place in places], [place.energy_high or 0.0 for place in places]
    numbers = range(1, len(places) + 1)
    with matplotlib.rc_context(_STYLE | {"svg.hashsalt": "energy"}):
        figure = Figure(figsize=(8, 2.4), layout="constrained")
        axes: Axes = figure.add_subplot()
        axes.fill_between(numbers, low, high, color=_BLUE, alpha=0.35, linewidth=0)
        axes.plot(numbers, [(a + b) / 2 for a, b in zip(low, high, strict=True)], color=_BLUE, marker="o", markersize=4)
        axes.set_xticks(list(numbers))
        axes.set_xlabel("place on the way")
        axes.set_title("energy -log p(z), nats: the band is what is known of it", loc="left")
        told = ", ".join(f"{a:.1f} to {b:.1f}" for a, b in zip(low, high, strict=True))
        return _svg(figure, "energy", f"Energy at the places on the way, in nats: {told}")


def _points(entries: Sequence[dict[str, Any]], kind: str, key: str) -> list[tuple[int, float]]:
    return [(entry["step"], entry[key]) for entry in entries if entry["kind"] == kind and entry.get(key) is not None]


def _svg(figure: Figure, name: str, said: str) -> Markup:
    """The figure as an element for a page, where ids of its parts are not those of another's; `said` is for those who
    do not see it."""
    written = io.StringIO()
    figure.savefig(written, format="svg", transparent=True, metadata={"Date": None})
    drawn = written.getvalue()
    drawn = drawn[drawn.index("<svg") :].replace(_INK, "currentColor")
    drawn = re.sub(r'(\bid="|"#|url\(#)', rf"\1{name}-", drawn)
    return Markup(drawn.replace("<svg ", f'<svg role="img" aria-label="{escape(said)}" ', 1))
