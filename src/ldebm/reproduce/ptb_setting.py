"""What every model of the Penn Treebank table shares: the corpus, the rows' settings, how much is generated."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from ldebm.data.corpora import Corpus, load_corpus
from ldebm.devices import choose_device
from ldebm.presets import Config, load_preset
from ldebm.tasks import generation_figures
from ldebm.tasks.real_texts import JUDGED, SELECTING, RealTexts

COMMON = ("data.vocabulary_size=10001", "data.max_length=85")  # every row sees every word of every sentence
CHOSEN = ("model.latent_size=96",)  # on validation (docs/log.md); the published form keeps its own
WITHOUT_ENERGY = ("training.clustering_weight=0", "training.information_weight=0")

QUICK = "tiny"
LENGTHS = {
    QUICK: ("training.epochs=1", "training.max_steps=300"),
    "small": ("training.epochs=4",),
    "full": (),
}  # of every row's training

ROWS: dict[str, tuple[str, ...]] = {
    "autoencoder": ("model.prior.kind=gaussian", "training.rate_weight=0", *WITHOUT_ENERGY),
    "gaussian": ("model.prior.kind=gaussian", *WITHOUT_ENERGY),
    "diffusion": ("model.prior.kind=denoising", *WITHOUT_ENERGY),
    "svebm": ("model.prior.kind=symbol_vector", *WITHOUT_ENERGY),
    "svebm-ib": ("model.prior.kind=symbol_vector", "training.clustering_weight=0"),
    "ldebm-no-clustering": ("training.clustering_weight=0",),
    "ldebm-paper": (),
    "ldebm-best": (),
}
PAPER, BEST, REFIT = "ldebm-paper", "ldebm-best", "ldebm-best-refit"
FULL = ("gaussian", "svebm-ib", "ldebm-no-clustering", "ldebm-best")  # the rows that carry the claim


class Effort(NamedTuple):
    """Generated texts, and posterior samples of a likelihood bound."""

    texts: int
    samples: int


EFFORTS = {QUICK: Effort(2_200, 5), "small": Effort(JUDGED + SELECTING, 20), "full": Effort(JUDGED + SELECTING, 100)}


@cache
def corpus() -> Corpus:
    """The Penn Treebank; it has a test split."""
    return load_corpus("ptb")


def texts_of(split: str) -> list[str]:
    """The sentences of "train", "validation" or "test"."""
    texts: list[str] = getattr(corpus(), split)["text"][:]
    return texts


@cache
def real_texts(size: str, runs: Path) -> RealTexts:
    """Penn Treebank as the generated texts of a size are judged by it; its judge is kept among the run folders."""
    training, validation, test = (
        [text.split() for text in texts_of(split)] for split in ("train", "validation", "test")
    )
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
