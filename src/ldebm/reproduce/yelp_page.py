"""docs/yelp.md: the result files of Yelp as tables, the picture of guidance, and sentences of one run.

No sentence of the corpus stands on the page, which may not be passed on: generated ones do, those left out that are
sentences of the corpus word for word.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ldebm.data.yelp import rewritings
from ldebm.files import write_atomically
from ldebm.observation.sequence import Mode
from ldebm.reproduce import yelp_guidance
from ldebm.reproduce.markdown import Columns, by_size, definitions, lines_of, made_by, settings, table
from ldebm.reproduce.rows import BEST, PAPER
from ldebm.reproduce.yelp import AS_PUBLISHED, BEST_OF, HELD_OUT, MOST_PERPLEXITY, WRONG
from ldebm.reproduce.yelp_setting import (
    COMMON,
    LABELS,
    LAST,
    SHORTENED,
    TAUGHT,
    texts_of,
    trained,
    written,
)

_ACCURACIES = {
    "accuracy": "accuracy",
    **{f"accuracy_{label}": f"accuracy, {label}" for label in reversed(LABELS)},
}
_JUDGED: Columns = {
    **{name: (called, ".1%") for name, called in _ACCURACIES.items()},
    **{f"{name}_second": (f"{called}, second classifier", ".1%") for name, called in _ACCURACIES.items()},
    "label_perplexity": ("perplexity", ".1f"),
    "perplexity_ratio": ("its ratio to real text", ".2f"),
    "distinct_1": ("distinct-1", ".4f"),
    "distinct_2": ("distinct-2", ".3f"),
    "distinct_2_ratio": ("its ratio to real text", ".2f"),
    "self_bleu": ("self-BLEU", ".1f"),
    "copies": ("copies", ".1%"),
    "mean_length": ("mean length", ".1f"),
}
TABLES: dict[str, Columns] = {
    "Greedy sentences": {"guidance": ("guidance", ".1f"), **_JUDGED},
    f"The best of {BEST_OF}, as the row itself reads them": {
        f"{name}_best": column for name, column in _JUDGED.items()
    },
    "Ancestral samples": {f"{name}_sampled": column for name, column in _JUDGED.items()},
    f"The first {AS_PUBLISHED:,} sentences, as many as published": {
        f"{name}_{AS_PUBLISHED}{suffix}": (f"{called}, {way}", ".1%")
        for suffix, way in (("", "greedy"), ("_best", f"best of {BEST_OF}"), ("_sampled", "sampled"))
        for name, called in _ACCURACIES.items()
    },
    "Reading the test sentences": {
        "accuracy_reading": ("accuracy of reading", ".1%"),
        "mutual_information": ("I(x; y), nats", ".3f"),
        "bleu": ("BLEU of reconstructions", ".2f"),
    },
}
GOALS = {
    suffix: {
        f"accuracy{suffix}": "99.3% or more",
        **{f"accuracy_{label}{suffix}": "99% or more" for label in LABELS},
        f"perplexity_ratio{suffix}": f"{1.1:g} or less",
        f"distinct_2_ratio{suffix}": f"{0.8:g} or more",
    }
    for suffix in ("", "_best")
}
POINTS: Columns = {
    "temperature": ("temperature (0: greedy)", ".1f"),
    "best_of": ("best of", ".0f"),
    "guidance": ("guidance", ".0f"),
    "accuracy": ("accuracy", ".1%"),
    "accuracy_second": ("accuracy, second classifier", ".1%"),
    "label_perplexity": ("perplexity", ".1f"),
    "perplexity_ratio": ("its ratio to real text", ".2f"),
    "distinct_2": ("distinct-2", ".3f"),
    "distinct_2_ratio": ("its ratio to real text", ".2f"),
    "self_bleu": ("self-BLEU", ".1f"),
    "copies": ("copies", ".1%"),
}
REWRITING: Columns = {
    "accuracy": ("accuracy", ".1%"),
    **{f"accuracy_{label}": (f"into {label}", ".1%") for label in LABELS},
    "accuracy_second": ("accuracy, second classifier", ".1%"),
    "bleu_source": ("BLEU to the sentence", ".1f"),
    "bleu_human": ("BLEU to people's", ".1f"),
    "label_perplexity": ("perplexity", ".1f"),
    "perplexity_ratio": ("its ratio to real text", ".2f"),
}
SHOWN, _WRITTEN = 6, 40  # sentences of each label that the page shows, and out of how many


_INTRODUCTION = (
    f"Every model is {TAUGHT}, and so are those who judge: the published files could not be had. No substitute is equal"
    " to a sentence of dev or test. At a size every row with a latent has the same encoder and decoder, and all have"
    f" {settings(COMMON)}, those of `small` {settings(SHORTENED['small'])}, of `full` {settings(SHORTENED['full'])},"
    f" beside what makes a row. The label steers `{PAPER}` and `{LAST}` at the last level alone, `{BEST}` at all of"
    " them; a row that ends in `-guided` is the same run, nothing more trained, with another weight of guidance. It was"
    " to be the one of highest accuracy by the first classifier among those that keep greedy sentences within"
    f" {MOST_PERPLEXITY:g} times the perplexity of dev's; where none does, as in every run of docs/log.md, it is"
    " the one of lowest perplexity, and no classifier has a part in it."
    " `gaussian-mixture` is a conditional Gaussian variational autoencoder: a Gaussian a label."
    f" `{WRONG}` are real test sentences judged as if the other label had been asked for, `{HELD_OUT}` training"
    " sentences that the language models who judge were not taught by (some stand among the taught ones word for word)."
    " They are more probable than test's for their lengths: test has no sentence below six words, and short ones are"
    " probable. A ratio to test's perplexity therefore favours who writes short sentences: mind the mean length."
    " `language-model` writes no"
    f" greedy sentences, for a label has one alone; `{PAPER}` of the size `small` writes next to the same sentence each"
    " time, as its distinct-2 tells. In the tables of the best of"
    f" {BEST_OF} each row writes so many sentences for every one that counts and keeps the one with the highest"
    " p(label | text) as it reads it itself; those who judge have no part in that choice. They share neither"
    " architecture nor weights with a model, and neither do they with each other, but its training sentences they"
    " share: the first classifier is taught by the even ones, the second by the odd. Both were read when the way of"
    f" choosing the best of {BEST_OF} was adopted, so that neither is quite untouched. Figures are means over seeds"
    " ± their standard deviation. Published values are recalled and unverified, by a classifier of the encoder's own"
    " family and of models of the whole training set; a DGM-VAE with information term is recalled at 64.7%, 95.3%"
    " positive and 34.0% negative."
)


def write_page(page: Path, out: Path, runs: Path, quick: bool, pictures: Path) -> None:
    """Write `page` from the result files that `ldebm reproduce yelp` leaves in `out` and its largest run of BEST, and
    the figure into `pictures`. What has not been measured yet is left out."""
    suffix = "-quick" if quick else ""
    result = out / f"yelp{suffix}.json"
    found = _read(result)
    parts = [
        "# Yelp: sentences with a sentiment that is asked for",
        _INTRODUCTION,
        made_by(found, [result]),
    ]
    sizes = by_size(found["rows"])
    for size, rows in sizes.items():
        parts.append(f"## Size `{size}`")
        for title, columns in TABLES.items():
            goals = next((of for suffix, of in GOALS.items() if f"accuracy{suffix}" in columns), None)
            parts += [f"### {title}", _caption(size), table(rows, columns, "real text", goals, "")]
    link = os.path.relpath(pictures, page.parent)
    for size in sizes:
        for name, columns, draw, title in (
            ("guidance", POINTS, yelp_guidance.draw, "What guidance buys and costs"),
            ("rewriting", REWRITING, None, "Rewriting the test sentences into the other label"),
        ):
            file = out / f"yelp-{name}{suffix}.json"
            rows = by_size(_read(file)["rows"]).get(size, []) if file.exists() else []
            if not rows:
                continue
            parts += [f"## {title}, `{BEST}` ({size})", _caption(size)]
            if draw is not None:
                draw(pictures / f"{name}-{size}", rows)
                parts.append(f"![{title}]({link}/{name}-{size}.png)")
            parts += [f"The numbers stand in `results/{file.name}`.", table(rows, columns, "real text")]
    of_guided = [row for row in found["rows"] if row["model"] == f"{BEST}-guided"]
    guided = {row["size"]: row["metrics"]["guidance"]["mean"] for row in of_guided}
    for size in [each for each in sizes if each in guided][-1:]:
        parts += [f"## Sentences of `{BEST}` ({size})", _sentences(size, guided[size], runs)]
    parts += ["## What the columns mean", definitions(found["protocol"])]
    if (file := out / f"yelp-rewriting{suffix}.json").exists():
        parts += ["Of rewritten sentences:", definitions(_read(file)["protocol"])]
    write_atomically(page, "\n\n".join(parts) + "\n")


def _caption(size: str) -> str:
    return f"Size `{size}`, {TAUGHT}."


def _sentences(size: str, guided: float, runs: Path) -> str:
    """Some of each label, with the weight 1 of guidance and with the one that the table has."""
    model, known = trained(BEST, size, 0, runs), _known()
    ways: tuple[tuple[str, Mode, int], ...] = (
        ("greedy", "greedy", 1),
        (f"greedy, best of {BEST_OF}", "greedy", BEST_OF),
        ("sampled", "sample", 1),
    )
    lines = []
    for guidance in dict.fromkeys((1.0, guided)):
        for called, mode, best_of in ways:
            texts = written(model, _WRITTEN * len(LABELS), mode, 0, guidance, best_of=best_of)
            for label, those in texts.items():
                new = [text for text in dict.fromkeys(those) if text not in known][:SHOWN]
                lines.append([label, called, f"{guidance:.1f}", " / ".join(new)])
    return f"Sentences that are in the corpus word for word are left out.\n\n{lines_of(_HEADINGS, lines)}"


_HEADINGS = ("label", "words chosen", "guidance", "sentences")


def _known() -> set[str]:
    """Every sentence of the corpus, and people's rewritings."""
    of_corpus = {
        text for part in ("train", "validation", "test") for those in texts_of(part).values() for text in those
    }
    return of_corpus | {pair.rewritten for pair in rewritings()}


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
