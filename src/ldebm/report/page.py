"""The report as HTML: one file that needs no network, no server and no other file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2.utils import htmlsafe_json_dumps

from ldebm import __version__
from ldebm.files import write_atomically
from ldebm.presets import Config
from ldebm.report import charts
from ldebm.report.contents import Contents
from ldebm.report.frame import environment, part
from ldebm.tasks.discovery import symbol_names
from ldebm.tasks.reading import SHOWN_TEMPERATURE

_ROOM = "ldebm.report"
_MAP_BYTES = 420  # of a text on the map as it stands in the page: 10,000 of them stay below 6 MB in any script
_TEXT_BYTES = 2_000  # of a text elsewhere
_GOLDEN_ANGLE = 137.508  # degrees between the hues of symbols that follow each other: neighbours never look alike
_SAID_ELSEWHERE = ("_real", "_chance")  # rows of `evaluate` that stand in another's last column too


def write_report(shown: Contents, config: Config, measured_on: str, path: Path) -> Path:
    """Write the page and return its path; long texts are cut.

    Args:
        measured_on: the held-out texts that `shown.measured` is of, in words.

    Raises UserError where the file cannot be written.
    """
    pages = environment(_ROOM)
    pages.filters["cut"] = _cut
    write_atomically(path, pages.get_template("page.html").render(**_words(shown, config, measured_on)) + "\n")
    return path


def _words(shown: Contents, config: Config, measured_on: str) -> dict[str, Any]:
    used = [one for one in shown.discovery.symbols if one.share]
    hue = {one.symbol: round(rank * _GOLDEN_ANGLE % 360) for rank, one in enumerate(shown.discovery.symbols)}
    name = symbol_names(shown.discovery, config.data.labels)
    alike: dict[int, list[str]] = {one.symbol: [] for one in used}
    for pair in shown.discovery.near_duplicates:
        alike[pair.first].append(f"symbol {pair.second}")
        alike[pair.second].append(f"symbol {pair.first}")
    title = Path(config.data.source).name or "texts"
    return {
        "title": title,
        "lead": f"What a model found in {shown.discovery.texts_given:,} texts: {len(used)} kinds of them, "
        "what each is about, and what it writes itself.",
        "sections": [
            ("map", "Map"),
            ("symbols", "Symbols"),
            ("samples", "Written texts"),
            *([("chains", "From noise to text")] if shown.chains else []),
            *([("way", "Between two texts")] if shown.way else []),
            ("figures", "Figures"),
            ("training", "Training"),
        ],
        "shown": shown,
        "used": used,
        "unused": [one.symbol for one in shown.discovery.symbols if not one.share],
        "taught": config.data.labels is not None,
        "hue": hue,
        "name": name,
        "alike": alike,
        "percent": _percent,
        "figures": [each for each in shown.measured if not each.name.endswith(_SAID_ELSEWHERE)],
        "measured_on": measured_on,
        "temperature": SHOWN_TEMPERATURE,
        "responses": config.model.observation == "dialogue",
        "facts": _facts(shown, config, title),
        "energy": charts.energy(shown.way),
        "course": charts.course(shown.course) if shown.course else "",
        "points": _points(shown, hue, name),
        "style": part(_ROOM, "style.css"),
        "script": part(_ROOM, "map.js"),
        "version": __version__,
    }


def _points(shown: Contents, hue: dict[int, int], name: dict[int, str]) -> dict[str, Any]:
    """What the map's script reads: places in ten-thousandths of the map's sides, and texts, long ones cut."""
    labels = sorted({label for label in shown.map.labels if label is not None})
    row_of = {label: row for row, label in enumerate(labels)}
    x_N, y_N = (shown.map.places_N2 * 9999).round().astype(int).T.tolist()
    return {
        "x": x_N,
        "y": y_N,
        "symbol": shown.map.symbols_N.tolist(),
        "text": [_cut(text, _MAP_BYTES) for text in shown.map.texts],
        "labels": [_cut(label, _MAP_BYTES) for label in labels],
        "label": [-1 if label is None else row_of[label] for label in shown.map.labels],
        "hue": hue,
        "name": name,
        "order": [one.symbol for one in shown.discovery.symbols if one.share],
    }


def _facts(shown: Contents, config: Config, title: str) -> list[tuple[str, str]]:
    model, training = config.model, config.training
    facts = [
        ("texts", f"{shown.discovery.texts_given:,} of {title}"),
        ("preset", config.preset or "none"),
        ("prior", model.prior.kind.replace("_", " ")),
        ("latent dimensions", str(model.latent_size)),
        ("symbols", str(model.symbols)),
        ("seed", str(config.seed)),
    ]
    if shown.course:
        last = shown.course[-1]
        facts += [("steps", f"{last['step']:,}"), ("minutes", f"{last['seconds'] / 60:.1f}")]
    return [*facts, ("epochs at most", str(training.epochs)), ("ldebm", __version__)]


def _cut(text: str, most: int = _TEXT_BYTES) -> str:
    """The text, or its beginning, in at most `most` bytes of the page, where < and its like take six."""
    kept = text
    while (size := len(htmlsafe_json_dumps(kept, ensure_ascii=False).encode("utf-8", "surrogatepass"))) > most:
        kept = kept[: min(len(kept) - 1, len(kept) * most // size)]
    return kept if kept == text else f"{kept}…"


def _percent(share: float) -> str:
    return f"{share:.0%}" if share >= 0.0995 else f"{share:.1%}"
