"""docs/agnews.md: the result file as tables. No document of the corpus stands on the page."""

from __future__ import annotations

import json
from pathlib import Path

from ldebm.files import write_atomically
from ldebm.reproduce.agnews import COUNTS, SEQUENCE, SIZE, TAUGHT, UNTAUGHT
from ldebm.reproduce.markdown import Columns, definitions, made_by, table
from ldebm.reproduce.rows import BEST, PAPER

_TITLES = {
    "accuracy": ("Share of right classes, test", "{} labels", ".4f"),
    "accuracy_dev": ("The same on dev, which chose temperatures, settings and epochs", "{} labels", ".4f"),
    "calibration_error": ("Expected calibration error, test, after the temperature", "{} labels", ".3f"),
    "calibration_error_before": ("The same without a temperature", "{} labels", ".3f"),
    "accuracy_published_way": ("The published protocol, one run a row: dev, and its best epoch", "{} labels", ".4f"),
}
TABLES: dict[str, Columns] = {
    title: {f"{name}_{count}": (heading.format(f"{count:,}"), form) for count in COUNTS}
    for name, (title, heading, form) in _TITLES.items()
}
GOALS = {f"accuracy_{count}": goal for count, goal in zip(COUNTS, ("0.880", "0.887", "0.895", "0.905"), strict=True)}


def write_page(page: Path, result: Path) -> None:
    """Write `page` from the result file that `ldebm reproduce agnews` leaves."""
    found = json.loads(result.read_text(encoding="utf-8"))
    measured = any(row["model"] == SEQUENCE for row in found["rows"])
    in_order = (
        f"; `{SEQUENCE}` reads words in their order with a GRU instead, and writes them with another, which takes "
        "several times as long: a table may have fewer draws of it, and none in the published way"
    )
    parts = [
        "# AG News: classes from few labels",
        "The documents without a label are those of the 21,314 training documents that could be had; the published "
        "runs had 115,000. Headline and description are read throughout, as their words among the 30,000 of the "
        f"published vocabulary. Every model is of the size `{SIZE}` and reads bags of words"
        f"{in_order if measured else ''}. Background frequencies are those of these documents, not the vocabulary's "
        "own. Figures are means over random class-balanced draws of the labels ± their standard deviation. "
        "Published values are recalled and unverified: they are of dev, of the best epoch there, "
        "and of five times as many documents without a label.",
        f"`words-alone`, naive Bayes by EM and a logistic regression, is what teaches `{BEST}` the classes of "
        "documents without a label, and what stays with it as a second witness: the difference between these two rows "
        f"is what the latent model adds. `{TAUGHT}` has the same teacher and witness, and the difference between it "
        f"and `{BEST}` is what diffusion adds. `gaussian-mixture`, `svebm-ib`, `{PAPER}` and `{UNTAUGHT}`, which is "
        f"`{BEST}` without words, learn classes from the labelled documents alone and read them off the latent.",
        made_by(found, [result]),
    ]
    for title, columns in TABLES.items():
        parts += [f"## {title}", table(found["rows"], columns, "", GOALS)]
    parts += ["## What the columns mean", definitions(found["protocol"])]
    write_atomically(page, "\n\n".join(parts) + "\n")
