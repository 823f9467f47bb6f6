"""docs/smd.md: the result files as tables, and what the symbols of one run stand for.

No turn of the corpora stands on the page, which may not be passed on: words, generated responses and shares do.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ldebm.files import write_atomically
from ldebm.reproduce.dialogue_setting import (
    BASELINE,
    BASELINE_EPOCHS,
    COMMON,
    CORPORA,
    EFFORTS,
    LENGTHS,
    PENALTY,
    STEPS,
    corpus,
    test_dialogues,
)
from ldebm.reproduce.markdown import Columns, by_size, definitions, lines_of, made_by, settings, table
from ldebm.reproduce.response_figures import STEERINGS
from ldebm.reproduce.rows import BEST
from ldebm.reproduce.smd import trained
from ldebm.tasks.discovery import discover
from ldebm.tasks.evaluation_of_runs import IN_USE
from ldebm.tasks.responses import SHOWN_GUIDANCE, ResponseModel, responses_of

TABLES: dict[str, Columns] = {
    "One response, from a latent of the conditional prior": {
        "bleu": ("BLEU", ".2f"),
        "bleu_with_speaker": ("BLEU, speaker's mark counted", ".2f"),
        "average": ("average", ".2f"),
        "extrema": ("extrema", ".2f"),
        "greedy": ("greedy", ".2f"),
        "distinct_1": ("distinct-1", ".3f"),
        "distinct_2": ("distinct-2", ".3f"),
        "mean_length": ("words", ".1f"),
    },
    "The best of several, chosen by the model itself": {
        "bleu_best": ("BLEU", ".2f"),
        "average_best": ("average", ".2f"),
        "extrema_best": ("extrema", ".2f"),
        "greedy_best": ("greedy", ".2f"),
    },
    "Likelihood": {
        "nll_bound": ("NLL bound", ".2f"),
        "nll_bound_low": ("with Z unbiased", ".2f"),
        "reconstruction": ("reconstruction", ".2f"),
        "rate": ("rate", ".2f"),
        "gain": ("gain of the energy", ".2f"),
    },
    "Symbols": {
        "mutual_information": ("I(x; y), nats", ".2f"),
        "ami_intent": ("adjusted, intent", ".3f"),
        "ami_intent_alone": ("adjusted, intent, turns read alone", ".3f"),
        "ami_speaker": ("adjusted, speaker", ".3f"),
        "homogeneity_intent": ("homogeneity, intent", ".3f"),
        "homogeneity_intent_chance": ("by chance", ".3f"),
        "symbols_in_use": ("symbols in use", ".0f"),
    },
    **{
        f"Responses to every symbol{way.heading}": {
            f"{name}{way.suffix}": (called, shown)
            for name, called, shown in (
                ("recovered", "recovered", ".2f"),
                ("distinct_2_across", "distinct-2 across symbols", ".2f"),
                ("different_across", "different responses", ".2f"),
                ("known_triples", "known triples", ".2f"),
                ("bleu_asked", "BLEU, true symbol asked for", ".1f"),
            )
        }
        | {"recovered_chance": ("recovered by chance", ".2f")}
        for way in STEERINGS
    },
}
_NEAR_GOALS = {"bleu": "13 or more"} | dict.fromkeys(("average", "extrema", "greedy"), "the best row")
GOALS = {
    **_NEAR_GOALS,
    **{f"{name}_best": goal for name, goal in _NEAR_GOALS.items()},
    "ami_intent": "0.5 or more",
    "recovered_guided": "0.80 or more",
}
TITLES = {"smd": "SMD", "dailydialog": "DailyDialog (the intent is the topic)"}
WORDS, RESPONSES, _ASKED = 6, 2, 12


def write_page(page: Path, results: Sequence[Path], runs: Path) -> None:
    """Write `page` from the result files that `ldebm reproduce smd` leaves, the first of SMD, and its largest run of
    BEST there. What has not been measured yet is left out."""
    files = {name: result for name, result in zip(CORPORA, results, strict=True) if result.exists()}
    found = {name: json.loads(result.read_text(encoding="utf-8")) for name, result in files.items()}
    first = found["smd"]
    parts = [
        "# Responses in dialogues: SMD and DailyDialog",
        "Trained on every turn as the response to the turns before it, five at most. Every model has the same context "
        f"encoder and decoder at a size and {settings(COMMON)}, on SMD {settings(PENALTY)}, those of size `small` "
        f"{settings(LENGTHS['small'])}, on DailyDialog {settings(STEPS)} too; every "
        "decoder looks at the words of the turns before, which the published one does not. "
        f"`{BASELINE}` is trained as the tables' language models are: at most {BASELINE_EPOCHS['smd']} epochs of "
        f"batches of 64, on DailyDialog {BASELINE_EPOCHS['dailydialog']}, ended where validation no longer gains; "
        "having no latent to draw, its several responses are ancestral samples. The best of several is of "
        f"{EFFORTS['smd'].drawn} on SMD, of {EFFORTS['dailydialog'].drawn} on DailyDialog. A turn's symbol is read "
        "with its context, from which agreement with the intent may come as well, but for the column that says so. "
        "Figures are of all turns of the test dialogues, means over seeds ± their standard deviation. Word vectors are "
        "not the published ones, so that average, extrema and greedy compare among these rows only. Published values "
        "are recalled and unverified.",
        made_by(first, list(files.values()), *found.values()),
    ]
    for name, file in found.items():
        for size, rows in by_size(file["rows"]).items():
            parts.append(f"## {TITLES[name]}, size `{size}`")
            goals = GOALS if name == "smd" else None
            for title, columns in TABLES.items():
                parts += [f"### {title}", table(rows, columns, "responses to other contexts", goals, "")]
    largest = [*by_size(first["rows"])][-1]
    parts += [
        f"## Actions that `{BEST}` ({largest}) discovered in SMD",
        f"As `ldebm discover` tells them, of the test turns; generated under guidance {SHOWN_GUIDANCE:g}. What a turn "
        "of the corpus says word for word is left out.",
        _actions(largest, runs),
    ]
    parts += ["## What the columns mean", definitions(first["protocol"])]
    write_atomically(page, "\n\n".join(parts) + "\n")


def _actions(size: str, runs: Path) -> str:
    """A row a symbol in use: how often, its words, who says it about what, and responses with it to some contexts, but
    for what are turns of the corpus word for word: those may not be passed on."""
    model = trained("smd", BEST, size, 0, runs)
    responses, intents = responses_of(model, test_dialogues("smd", size))
    speakers = np.array([response.dialogue.turns[-1].speaker for response in responses])
    symbols = model.symbol_probabilities([response.dialogue for response in responses]).argmax(-1)
    said = {tuple(model.tokenizer.words(text)) for text in _turns()}
    found = discover(ResponseModel(model, responses), responses, intents, words=WORDS, nearest=0, prototypes=_ASKED)
    rows = []
    for record in found.symbols:
        if record.share <= IN_USE:
            continue
        words = ", ".join(word.word for word in record.words)
        new = [text for text in dict.fromkeys(record.prototypes) if tuple(model.tokenizer.words(text)) not in said]
        by_speaker = Counter(speakers[symbols == record.symbol].tolist())
        told = dict(record.labels), {name: count / by_speaker.total() for name, count in by_speaker.most_common()}
        generated = " / ".join(new[:RESPONSES])
        rows.append([str(record.symbol), f"{record.share:.1%}", words, *map(_make_up, told), generated])
    return lines_of(["symbol", "share", "words", "intent", "speaker", "generated"], rows)


def _turns() -> set[str]:
    """Every turn of SMD."""
    known = corpus("smd")
    of_test = {turn.text for dialogue in test_dialogues("smd", "full") for turn in dialogue.turns}
    return {*known.train["text"][:], *known.validation["text"][:], *of_test}


def _make_up(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{label} {share:.0%}" for label, share in list(shares.items())[:3])
