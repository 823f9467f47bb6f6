"""docs/ptb.md: the result file of the Penn Treebank as tables, with the definitions of what they hold."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ldebm.files import write_atomically
from ldebm.reproduce.markdown import Columns, by_size, definitions, made_by, settings, table
from ldebm.reproduce.ptb_curves import draw_frontier, draw_temperatures
from ldebm.reproduce.ptb_setting import CHOSEN, COMMON
from ldebm.reproduce.rows import LENGTHS, PAPER

# Result name -> heading and format.
TABLES: dict[str, Columns] = {
    "Greedy texts, as published figures are of them": {
        "bleu": ("BLEU of reconstructions", ".2f"),
        "reverse_perplexity": ("reverse perplexity", ".1f"),
        "reverse_perplexity_ratio": ("its ratio to real text", ".2f"),
        "unigram_kl": ("wKL", ".3f"),
        "nll_bound": ("NLL bound, nats", ".2f"),
        "perplexity": ("perplexity", ".4g"),
        "bits_per_word": ("bits a word", ".3f"),
    },
    "Quality and variety of greedy texts": {
        "forward_perplexity": ("forward perplexity", ".1f"),
        "smoothed_kl": ("smoothed wKL", ".3f"),
        "distinct_1": ("distinct-1", ".4f"),
        "distinct_2": ("distinct-2", ".3f"),
        "distinct_share": ("distinct texts", ".1%"),
        "self_bleu": ("self-BLEU", ".1f"),
        "copies": ("copies", ".2%"),
        "length_distance": ("distance of lengths", ".2f"),
        "mean_length": ("mean length", ".1f"),
    },
    "The same of ancestral samples": {
        "reverse_perplexity_sampled": ("reverse perplexity (first seed)", ".1f"),
        "reverse_perplexity_ratio_sampled": ("its ratio to real text", ".2f"),
        "forward_perplexity_sampled": ("forward perplexity", ".1f"),
        "unigram_kl_sampled": ("wKL", ".3f"),
        "smoothed_kl_sampled": ("smoothed wKL", ".3f"),
        "distinct_2_sampled": ("distinct-2", ".3f"),
        "self_bleu_sampled": ("self-BLEU", ".1f"),
        "copies_sampled": ("copies", ".2%"),
        "mean_length_sampled": ("mean length", ".1f"),
    },
    "Latent space": {
        "reconstruction": ("reconstruction, nats", ".1f"),
        "rate": ("rate, nats", ".1f"),
        "rate_to_reference": ("rate to the prior's Gaussian", ".1f"),
        "gain_low": ("gain of the energy, at least", ".2f"),
        "gain": ("at most", ".2f"),
        "latent_mutual_information": ("I(x; z)", ".2f"),
        "mutual_information": ("I(x; y)", ".2f"),
        "active_units": ("active units", ".0f"),
        "prior_distance": ("prior's distance", ".3f"),
        "prior_distance_floor": ("its floor", ".3f"),
        "token_accuracy": ("token accuracy", ".1%"),
    },
    "Gain of each level, nats": {f"gain_{level}": (f"level {level}", ".2f") for level in range(6)},
}
CURVES = {
    "frontier": (draw_frontier, "What a nat of rate buys"),
    "temperatures": (draw_temperatures, "Quality and variety"),
}
GOALS = {
    "bleu": "16 or more",
    "reverse_perplexity_ratio": "1.5 or less",
    "unigram_kl": "0.06 or less",
    "nll_bound": "below the language model's",
}


POINTS: dict[str, Columns] = {
    "frontier": {
        "rate_weight": ("weight", ".2f"),
        "free_nats": ("free nats", ".0f"),
        "reconstruction": ("reconstruction", ".1f"),
        "rate": ("rate", ".1f"),
        "gain_low": ("gain, at least", ".2f"),
        "gain": ("at most", ".2f"),
        "bleu": ("BLEU", ".1f"),
    },
    "temperatures": {
        "temperature": ("temperature", ".2f"),
        "forward_perplexity": ("forward perplexity", ".1f"),
        "self_bleu": ("self-BLEU", ".1f"),
        "distinct_2": ("distinct-2", ".3f"),
        "smoothed_kl": ("smoothed wKL", ".3f"),
    },
}
COMPLETION: Columns = {
    f"{what}_{name}": (f"{heading}, {called}", form)
    for name, called in (("ptb", "Penn Treebank"), ("reviews", "reviews"))
    for what, heading, form in (("accuracy", "right words", ".1%"), ("log_probability", "log-probability", ".2f"))
}


def write_page(page: Path, out: Path, quick: bool, pictures: Path) -> None:
    """Write `page` from the result files that `ldebm reproduce ptb` leaves in `out`, and its two figures into
    `pictures`. What has not been measured yet is left out."""
    suffix = "-quick" if quick else ""
    result = out / f"ptb{suffix}.json"
    found = _read(result)
    parts = [
        "# Penn Treebank: generation, measured honestly",
        "Every row has the same encoder and decoder at a size; figures are means over seeds ± their standard deviation."
        f" All are trained with {settings(COMMON)}, all but `{PAPER}` with {settings(CHOSEN)}, those of size "
        f"`small` with {settings(LENGTHS['small'])}, beside what makes a row."
        " Published values are recalled and unverified, and of other evaluators: only the ratio to real text compares.",
        made_by(found, [result]),
    ]
    for size, rows in by_size(found["rows"]).items():
        parts.append(f"## Size `{size}`")
        for title, columns in TABLES.items():
            first = title.startswith("Greedy")
            parts += [
                f"### {title}",
                table(rows, columns, "real text", GOALS if first else None, "" if first else None),
            ]
    link = os.path.relpath(pictures, page.parent)
    for curve, (draw, title) in CURVES.items():
        if (file := out / f"ptb-{curve}{suffix}.json").exists():
            name = f"quick-{curve}" if quick else curve
            draw(pictures / name, _read(file)["rows"])
            parts += [f"## {title}", f"![{title}]({link}/{name}.png)", f"The numbers stand in `results/{file.name}`."]
            parts.append(table(_read(file)["rows"], POINTS[curve], "real text"))
    if (file := out / f"ptb-completion{suffix}.json").exists():
        filled = _read(file)
        parts += ["## Completion", table(filled["rows"], COMPLETION, "real text"), definitions(filled["protocol"])]
    parts += ["## What the columns mean", definitions(found["protocol"])]
    write_atomically(page, "\n\n".join(parts) + "\n")


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
