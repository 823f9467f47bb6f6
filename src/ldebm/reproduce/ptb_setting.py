"""What every model of the Penn Treebank table shares: the corpus, the rows' settings, how much is generated."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ldebm.data.corpora import Corpus, load_corpus
from ldebm.devices import choose_device
from ldebm.presets import Config, load_preset
from ldebm.reproduce.rows import BEST, BY_DIRECTIONS, LENGTHS, PAPER, PRIORS, QUICK, WITHOUT_ENERGY
from ldebm.tasks import generation_figures
from ldebm.tasks.real_texts import JUDGED, SELECTING, RealTexts

# Every row sees every word of every sentence; clusters by words help its prior less (docs/log.md).
COMMON = ("data.vocabulary_size=10001", "data.max_length=85", *BY_DIRECTIONS)
CHOSEN = ("model.latent_size=96",)  # on validation (docs/log.md); the published form keeps its own

ROWS: dict[str, tuple[str, ...]] = {
    "autoencoder": ("model.prior.kind=gaussian", "training.rate_weight=0", *WITHOUT_ENERGY),
    "gaussian": PRIORS["gaussian"],
    "diffusion": ("model.prior.kind=denoising", *WITHOUT_ENERGY),
    "svebm": PRIORS["svebm"],
    "svebm-ib": PRIORS["svebm-ib"],
    "ldebm-no-clustering": PRIORS["ldebm-no-clustering"],
    PAPER: (),
    BEST: PRIORS[BEST],
}
REFIT = f"{BEST}-refit"


class Effort(NamedTuple):
    """Generated texts, posterior samples of a likelihood bound, test sentences, and the refitted prior's updates."""

    texts: int = JUDGED + SELECTING
    samples: int = 20
    tested: int | None = None  # all of them
    refit_steps: int = 2_000


EFFORTS = {QUICK: Effort(2_200, 3, 400, 100), "small": Effort(), "full": Effort()}


@cache
def corpus() -> Corpus:
    """The Penn Treebank; it has a test split."""
    return load_corpus("ptb")


def texts_of(split: str) -> list[str]:
    """The sentences of "train", "validation" or "test"."""
    texts: list[str] = getattr(corpus(), split)["text"][:]
    return texts


def tested_texts(size: str) -> list[str]:
    return texts_of("test")[: EFFORTS[size].tested]


@cache
def real_texts(size: str, runs: Path) -> RealTexts:
    """Penn Treebank as the generated texts of a size are judged by it; its judge is kept among the run folders."""
    parts = (texts_of("train"), texts_of("validation"), tested_texts(size))
    training, validation, test = ([text.split() for text in part] for part in parts)
    texts = EFFORTS[size].texts
    recipe = hashlib.sha256(generation_figures.JUDGE_IS.encode()).hexdigest()[:8]
    keep = runs / f"judge-{texts}-{recipe}.safetensors"
    return RealTexts.read(training, validation, test, choose_device("auto"), written=texts, keep=keep)


def config_of(row: str, size: str, seed: int, more: tuple[str, ...] = ()) -> Config:
    """The row's preset with what it changes, and `more` settings after that."""
    preset, chosen = ("paper", ()) if row == PAPER else ("best", CHOSEN)
    return load_preset(f"{preset}-{size}", [*COMMON, *chosen, *LENGTHS[size], *ROWS[row], f"seed={seed}", *more])


def folder_of(row: str, size: str, seed: int, runs: Path) -> Path:
    return runs / f"{row}-{size}-{seed}"
