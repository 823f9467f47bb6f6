"""docs/dailydialog.md: the result file as tables, and what the symbols of one run stand for.

No utterance of the corpus stands on the page, which may not be passed on: words, generated texts and shares do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ldebm.files import write_atomically
from ldebm.reproduce.dailydialog import (
    ATTRIBUTES,
    COMMON,
    PUBLISHED_WAY,
    columns_of,
    test_symbols,
    trained,
)
from ldebm.reproduce.markdown import Columns, by_size, definitions, lines_of, made_by, settings, table
from ldebm.reproduce.rows import BEST, LENGTHS
from ldebm.tasks.discovery import discover

_WAYS = {"": "", "_chance": ", chance"}
TABLES: dict[str, Columns] = {
    "Symbols and what they agree with": {
        "mutual_information": ("I(x; y), nats", ".2f"),
        "bleu": ("BLEU", ".2f"),
        **{
            f"homogeneity_{attribute}{suffix}": (f"homogeneity, {attribute}{way}", ".3f")
            for attribute in ATTRIBUTES
            for suffix, way in _WAYS.items()
        },
        "stability": ("seeds agree", ".2f"),
        "symbols_in_use": ("symbols in use", ".0f"),
    },
    **{
        title: {
            f"{score}_{attribute}{suffix}": (f"{attribute}{way}", ".3f")
            for attribute in ATTRIBUTES
            for suffix, way in _WAYS.items()
        }
        for title, score in (
            ("Adjusted mutual information", "ami"),
            ("Completeness", "completeness"),
            ("V-measure", "v_measure"),
        )
    },
    "The published procedure: homogeneity of stretches of 128 utterances": {
        f"homogeneity_batched_{attribute}{suffix}": (f"{attribute}{way}", ".3f")
        for attribute in PUBLISHED_WAY
        for suffix, way in _WAYS.items()
    },
}
REWRITING: Columns = {
    "read_as_asked": ("read as asked", ".1%"),
    "bleu_source": ("BLEU to the utterance", ".1f"),
}
GOALS = {
    "mutual_information": "3.9 or more",
    "bleu": "29 or more",
    "homogeneity_act": "0.35 or more",
    "homogeneity_emotion": "0.22 or more",
    "stability": "0.5 or more",
    "ami_act": "the best row",
    "ami_emotion": "the best row",
}
SHOWN, GENERATED = 25, 2  # symbols; texts of each


def write_page(page: Path, result: Path, rewriting: Path, runs: Path) -> None:
    """Write `page` from the result files that `ldebm reproduce dailydialog` leaves and its largest run of BEST."""
    found, rewritten = (json.loads(file.read_text(encoding="utf-8")) for file in (result, rewriting))
    parts = [
        "# DailyDialog: what the symbols of utterances mean",
        "Trained on utterances alone; act, emotion and topic are looked at afterwards. Every model has the same"
        f" encoder and decoder at a size and {settings(COMMON)}, those of size `small` "
        f"{settings(LENGTHS['small'])}. Figures are of the test utterances, means over seeds ± their standard "
        "deviation. Published values are recalled and unverified: of stretches of utterances, the names of act and "
        "emotion exchanged, which the published code has the wrong way round. On the whole set those of a DGM-VAE with "
        "an information term are recalled at 0.23 and 0.16. No utterance stands here, the nearest to a symbol neither, "
        "for the corpus may not be passed on: `ldebm discover RUN` shows them.",
        made_by(found, [result, rewriting], rewritten),
    ]
    sizes = by_size(found["rows"])
    for size, rows in sizes.items():
        parts.append(f"## Size `{size}`")
        for title, columns in TABLES.items():
            parts += [f"### {title}", table(rows, columns, "real text", GOALS, "")]
    largest = [*sizes][-1]
    parts += [f"## Symbols of `{BEST}` ({largest})", _symbols(largest, runs)]
    for size, rows in by_size(rewritten["rows"]).items():
        parts += [
            f"## Rewriting the test utterances into another symbol, `{BEST}` ({size})",
            table(rows, REWRITING, "real text"),
        ]
    parts += ["## What the columns mean", definitions(found["protocol"])]
    parts += ["Of rewritten utterances:", definitions(rewritten["protocol"])]
    write_atomically(page, "\n\n".join(parts) + "\n")


def _symbols(size: str, runs: Path) -> str:
    """The most frequent symbols of the test utterances as a table, and the pairs that say nearly the same. What is
    generated and stands in the corpus word for word is left out: that may not be passed on."""
    model, test = trained(BEST, size, 0, runs), columns_of("test")
    symbols = test_symbols(BEST, size, 0, runs)
    words_of = model.tokenizer.words
    said = {tuple(words_of(text)) for part in ("train", "validation", "test") for text in columns_of(part)["text"]}
    discovery = discover(model, test["text"], words=6, nearest=0, prototypes=3 * GENERATED)
    rows = []
    for record in [each for each in discovery.symbols if each.share][:SHOWN]:
        its = np.flatnonzero(symbols == record.symbol)
        words = ", ".join(word.word for word in record.words)
        new = [text for text in record.prototypes if tuple(words_of(text)) not in said]
        generated = " / ".join(new[:GENERATED])
        make_ups = [_make_up([test[attribute][row] for row in its], test[attribute]) for attribute in ATTRIBUTES]
        rows.append([str(record.symbol), f"{record.share:.1%}", words, generated, *make_ups])
    cards = lines_of(["symbol", "share", "words", "generated", *ATTRIBUTES], rows)
    pairs = ", ".join(f"{pair.first} and {pair.second}" for pair in discovery.near_duplicates) or "none"
    return (
        f"The {SHOWN} most frequent; beside each attribute's most frequent value its share in the symbol and, in "
        f"brackets, over all utterances.\n\n{cards}\n\nNearly the same words: {pairs}."
    )


def _make_up(of_symbol: Sequence[str], of_all: Sequence[str]) -> str:
    label, count = Counter(of_symbol).most_common(1)[0]
    return f"{label} {count / len(of_symbol):.0%} ({of_all.count(label) / len(of_all):.0%})"
