"""What guidance buys and costs: accuracy, perplexity and variety of `ldebm-best` at every weight, and their picture."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from ldebm.model import LDEBM
from ldebm.reproduce.pictures import STYLE, AnyPath, line, means_of, save
from ldebm.reproduce.results import ResultFile
from ldebm.reproduce.rows import BEST, QUICK
from ldebm.reproduce.runs import commits_of, kept_figures
from ldebm.reproduce.yelp import BEST_OF, CHANCE
from ldebm.reproduce.yelp_setting import EFFORTS, LABELS, TAUGHT, folder_of, real_texts, trained, written
from ldebm.tasks import control_figures

GUIDANCES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
WAYS = ((0.0, 1), (0.0, BEST_OF), (0.5, 1), (0.7, 1), (1.0, 1))  # temperature, best of
COLOURS = dict(zip(WAYS, ("#332288", "#88ccee", "#44aa99", "#999933", "#cc6677"), strict=True))
PROTOCOL = {
    "guidance": "weight of log p(label | z) in drawing latents; 0 draws them from the prior, whatever the label",
    "temperature": "of the decoder's softmax in ancestral sampling; 0 stands for greedy texts",
    "best_of": "texts written for each: kept is the one with the highest p(label | text), as the model reads it",
    **{name: f"{what}; {TAUGHT}" for name, what in control_figures.definitions(LABELS).items()},
}


def curve(out: Path, runs: Path, size: str) -> Path:
    """Write `out`/yelp-guidance.json: `ldebm-best` of a size, its first seed, at every weight and temperature."""
    quick = size == QUICK
    command = f"ldebm reproduce yelp{' --quick' if quick else ''}"
    file = ResultFile(out / f"yelp-guidance{'-quick' if quick else ''}.json", command, PROTOCOL)
    model, run = trained(BEST, size, 0, runs), folder_of(BEST, size, 0, runs)
    floor = control_figures.of_real(real_texts(size, runs), EFFORTS[size].points)
    for (temperature, best_of), guidance in itertools.product(WAYS, GUIDANCES):
        kept = folder_of(f"guidance-{guidance:g}-{temperature:g}-{best_of}", size, 0, runs)
        point = partial(_point, model, guidance, temperature, best_of, size, runs)
        found = kept_figures(kept, PROTOCOL, run, point)
        file.add(BEST, size, [found], 0.0, CHANCE, floor, commits=commits_of([kept]))
    return file.path


def _point(model: LDEBM, guidance: float, temperature: float, best_of: int, size: str, runs: Path) -> dict[str, float]:
    how: dict[str, Any] = {"mode": "sample", "temperature": temperature} if temperature else {"mode": "greedy"}
    texts = written(model, EFFORTS[size].points, seed=0, guidance=guidance, best_of=best_of, **how)
    found = control_figures.of_texts(texts, real_texts(size, runs))
    return found | {"guidance": guidance, "temperature": temperature, "best_of": best_of}


def draw(path: AnyPath, rows: Sequence[Mapping[str, Any]]) -> tuple[Path, Path]:
    """Perplexity and variety against accuracy as the weight of guidance rises, a line a way of writing; real texts are
    a cross."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 4.2), layout="constrained")
        floor = {name: each["floor"] for name, each in rows[0]["metrics"].items()}
        panels = (
            ("perplexity_ratio", "perplexity over real text's"),
            ("distinct_2_ratio", "distinct-2 over real text's"),
        )
        both = figure.subplots(1, 2)
        for axes, (name, called) in zip(both, panels, strict=True):
            for temperature, best_of in WAYS:
                points = [
                    each
                    for each in map(means_of, rows)
                    if (each["temperature"], each["best_of"]) == (temperature, best_of)
                ]
                way = f"temperature {temperature:g}" if temperature else "greedy"
                way = way if best_of == 1 else f"best of {best_of}"
                line(axes, points, ("accuracy", name), "{guidance:g}", COLOURS[temperature, best_of], way)
            axes.plot(floor["accuracy"], floor[name], "kx", label="real text")
            axes.set(xlabel="accuracy", ylabel=called)
        both[1].legend(frameon=False, loc="lower left")
        figure.suptitle("What guidance buys and costs, by its weight")
        return save(figure, path)
