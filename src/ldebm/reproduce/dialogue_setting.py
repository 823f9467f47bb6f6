"""What every model of the dialogue tables shares: the corpora, the rows' settings, how much is written."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from ldebm.data.dialogues import Dialogue, DialogueCorpus, daily_dialogues, examples_of, load_dialogues, smd
from ldebm.presets import Config, load_preset
from ldebm.reproduce import language_models, rows
from ldebm.reproduce.rows import PRIORS, QUICK

CORPORA = {"smd": smd, "dailydialog": daily_dialogues}
VECTORS = {"smd": "smd.txt.gz", "dailydialog": "dd.txt.gz"}  # of the words' meanings, in word2vec/
COMMON = ("data.vocabulary_size=10000", "model.symbols=10")
LENGTHS = {
    QUICK: ("training.epochs=1", "training.max_steps=200"),
    "small": ("training.epochs=12",),
    "full": ("training.epochs=20",),
}  # of every row's training
# DailyDialog is the larger one, and a row takes an hour at `small`: one seed there, of a model that sees every turn two
# and a half times, the baseline three times.
STEPS = ("training.max_steps=1500",)
BASELINE_EPOCHS = {"smd": language_models.EPOCHS, "dailydialog": 3}  # at most
# The preset's is ten times as much: what DailyDialog needs, or its energies run away. SMD was measured before that.
PENALTY = ("model.prior.energy_penalty=0.003",)

BASELINE = "sequence-to-sequence"
FULL = (BASELINE, *rows.FULL)
ROWS: dict[str, tuple[str, ...]] = {BASELINE: ()} | {row: of for row, of in PRIORS.items() if row in FULL}
ROWS[rows.BEST] = rows.BY_WORDS


class Effort(NamedTuple):
    """Responses to choose from, the same of responses to a symbol, posterior samples of a likelihood bound, contexts
    that are answered with every symbol, test dialogues."""

    drawn: int = 20
    steered: int = 10
    samples: int = 20
    contexts: int = 200
    tested: int | None = None  # all of them


QUICK_EFFORT = Effort(3, 3, 3, 20, 20)
EFFORTS = {"smd": Effort(), "dailydialog": Effort(drawn=10)}  # which has five times as many test turns


def stages_of(name: str, seeds: int, quick: bool) -> tuple[rows.Stage, ...]:
    """What is measured on a corpus: DailyDialog's rows are of one size and one seed, of an hour each."""
    found = rows.stages(ROWS, FULL, seeds, quick)
    return found if name == "smd" else tuple((size, models, 1) for size, models, _ in found[:1])


def effort_of(name: str, size: str) -> Effort:
    return QUICK_EFFORT if size == QUICK else EFFORTS[name]


@cache
def corpus(name: str) -> DialogueCorpus:
    """Named "smd" or "dailydialog"; both have a test split."""
    return load_dialogues(name)


@cache
def test_dialogues(name: str, size: str) -> list[Dialogue]:
    return CORPORA[name]("test")[: effort_of(name, size).tested]


def tested_examples(name: str, size: str) -> list[Dialogue]:
    """Every turn of the test dialogues as a response."""
    return examples_of(test_dialogues(name, size), config_of(name, BASELINE, size, 0).model.context.turns)


def config_of(name: str, row: str, size: str, seed: int) -> Config:
    """The row's preset with what it changes, on the corpus `name`."""
    of_corpus = PENALTY if name == "smd" else () if size == QUICK else STEPS
    return load_preset(f"best-{size}", [*COMMON, *LENGTHS[size], *of_corpus, *ROWS[row], f"seed={seed}"], "dialogue")


def folder_of(name: str, row: str, size: str, seed: int, runs: Path) -> Path:
    return runs / f"{name}-{row}-{size}-{seed}"
