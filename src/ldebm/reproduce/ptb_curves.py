"""Two pictures of the Penn Treebank: what a nat of rate buys under each prior, and quality against variety.

The frontier's models are validated, never tested: it is what the presets' weight of the rate is chosen by.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from ldebm import metrics_log
from ldebm.model import LDEBM
from ldebm.reproduce import ptb, ptb_language_model
from ldebm.reproduce.pictures import STYLE, AnyPath, line, means_of, save
from ldebm.reproduce.ptb_setting import EFFORTS, config_of, corpus, folder_of, real_texts
from ldebm.reproduce.results import ResultFile
from ldebm.reproduce.rows import BEST, QUICK
from ldebm.reproduce.runs import commits_of, in_parallel, kept_figures, train_once
from ldebm.run_folder import METRICS
from ldebm.tasks import generation_figures

Row = Mapping[str, Any]  # of a result file

FRONTIER = (BEST, "gaussian", "svebm-ib")
POINTS = ((0.03, 0.0), (1.0, 0.0), (0.3, 0.0), (1.0, 60.0))  # weight of the rate, free nats
QUICK_POINT = (1.0, 0.0)
TEMPERATURES = (0.5, 0.7, 0.85, 1.0, 1.15)
NAMES = {
    "gaussian": "Gaussian prior",
    "svebm-ib": "SVEBM-IB",
    BEST: "LDEBM",
    ptb_language_model.ROW: "language model",
}
COLOURS = {"gaussian": "#999933", "svebm-ib": "#cc6677", BEST: "#332288", ptb_language_model.ROW: "#44aa99"}
_KEPT = ("reconstruction", "rate", "rate_to_reference", "gain", "gain_low", "bleu", "active_units")

FRONTIER_PROTOCOL = {
    "rate_weight": "weight of the rate in the objective",
    "free_nats": "nats a sentence up to which the rate costs nothing",
    "reconstruction": "-log p(x | z), nats a validation sentence, z from the posterior",
    "rate": "KL of posterior and learned prior, nats a validation sentence",
    "rate_to_reference": "KL of the posterior and the prior's Gaussian, nats a validation sentence",
    "gain": "what the energy saves over that Gaussian, from above, nats",
    "gain_low": "the same from below",
    "bleu": "BLEU of greedy reconstructions of 500 validation sentences, 0 to 100",
    "active_units": "latent dimensions whose posterior mean varies by more than 0.01",
}
TEMPERATURE_PROTOCOL = {
    "temperature": "of the decoder's softmax, in ancestral sampling",
    **{
        name: generation_figures.DEFINITIONS[name]
        for name in ("forward_perplexity", "self_bleu", "distinct_1", "distinct_2", "smoothed_kl", "length_distance")
    },
}


def frontier(out: Path, runs: Path, quick: bool, jobs: int = 1) -> Path:
    """Train every prior of FRONTIER at every point and write `out`/ptb-frontier.json: what the epoch that was kept
    scored in validation. Returns the file."""
    points = (QUICK_POINT,) if quick else POINTS
    wanted = [(row, *point, quick, runs) for row in FRONTIER for point in points]
    command = f"ldebm reproduce ptb{' --quick' if quick else ''}"
    file = ResultFile(out / f"ptb-frontier{'-quick' if quick else ''}.json", command, FRONTIER_PROTOCOL)
    for (row, weight, free, _, _), folder in zip(wanted, in_parallel(train_point, wanted, jobs), strict=True):
        log = metrics_log.read(folder / METRICS)
        best = min((entry for entry in log if entry["kind"] == "validation"), key=lambda entry: entry["objective"])
        found = {name: best.get(name) for name in _KEPT} | {"rate_weight": weight, "free_nats": free}
        file.add(row, QUICK if quick else "small", [found], log[-1]["seconds"])
    return file.path


def train_point(row: str, weight: float, free: float, quick: bool, runs: Path) -> Path:
    """The run folder of one point of the frontier, trained where it has not been."""
    size = QUICK if quick else "small"
    config = config_of(row, size, 0, (f"training.rate_weight={weight}", f"training.free_nats={free}"))
    # The point that the table has is trained once.
    name = row if config == config_of(row, size, 0) else f"frontier-{row}-{weight}-{free:g}"
    folder = folder_of(name, size, 0, runs)
    return train_once(config, corpus(), folder)


def temperatures(out: Path, runs: Path, quick: bool) -> Path:
    """Ancestral samples of `ldebm-best` and of the language model at every temperature: `out`/ptb-temperatures.json."""
    size = QUICK if quick else "small"
    command = f"ldebm reproduce ptb{' --quick' if quick else ''}"
    file = ResultFile(out / f"ptb-temperatures{'-quick' if quick else ''}.json", command, TEMPERATURE_PROTOCOL)
    model = ptb.trained(config_of(BEST, size, 0), folder_of(BEST, size, 0, runs))
    language_model, _ = ptb_language_model.trained(size, runs)
    real, texts = real_texts(size, runs), min(generation_figures.VARIETY, EFFORTS[size].texts)
    floor = generation_figures.floors(real)
    write: dict[str, Callable[[float], list[list[str]]]] = {
        BEST: lambda temperature: _written(model, texts, temperature),
        ptb_language_model.ROW: lambda temperature: ptb_language_model.written(
            language_model, real.tokenizer, texts, temperature
        ),
    }
    for temperature, (row, written) in itertools.product(TEMPERATURES, write.items()):
        kept = folder_of(f"temperature-{row}-{temperature}", size, 0, runs)
        found = kept_figures(
            kept,
            TEMPERATURE_PROTOCOL,
            folder_of(row, size, 0, runs),
            lambda: generation_figures.of_texts(written(temperature), real, judged=False),  # noqa: B023 (called at once)
        )
        file.add(row, size, [found | {"temperature": temperature}], 0.0, floor=floor, commits=commits_of([kept]))
    return file.path


def _written(model: LDEBM, texts: int, temperature: float) -> list[list[str]]:
    return [text.split() for text in model.generate(texts, mode="sample", temperature=temperature, seed=0)]


def draw_frontier(path: AnyPath, rows: Sequence[Row]) -> tuple[Path, Path]:
    """Rate against reconstruction, a line a prior; every point with its weight of the rate and its free nats."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(6.2, 4.4), layout="constrained")
        axes = figure.subplots()
        for row in dict.fromkeys(each["model"] for each in rows):
            points = sorted((means_of(each) for each in rows if each["model"] == row), key=lambda point: point["rate"])
            names = ("rate", "reconstruction")
            line(axes, points, names, "{rate_weight:g}/{free_nats:g}", COLOURS[row], NAMES[row])
        axes.set(xlabel="rate, nats a sentence", ylabel="reconstruction, nats a sentence")
        axes.margins(x=0.12)
        axes.set_title("What a nat of rate buys (weight of the rate / free nats); validation")
        axes.legend(frameon=False)
        return save(figure, path)


def draw_temperatures(path: AnyPath, rows: Sequence[Row]) -> tuple[Path, Path]:
    """Variety against quality of ancestral samples as the temperature rises; real texts are a cross."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(9.5, 4.2), layout="constrained")
        panels = figure.subplots(1, 2)
        floor = {name: each["floor"] for name, each in rows[0]["metrics"].items()}
        for axes, (variety, label) in zip(
            panels, (("self_bleu", "self-BLEU"), ("distinct_2", "distinct-2")), strict=True
        ):
            for row in dict.fromkeys(each["model"] for each in rows):
                points = [means_of(each) for each in rows if each["model"] == row]
                names = (variety, "forward_perplexity")
                line(axes, points, names, "{temperature:g}", COLOURS[row], NAMES[row])
            axes.plot(floor[variety], floor["forward_perplexity"], "kx", label="real text")
            axes.set(xlabel=label, ylabel="forward perplexity", yscale="log")
        panels[0].legend(frameon=False)
        figure.suptitle("Quality and variety of ancestral samples, by temperature")
        return save(figure, path)
