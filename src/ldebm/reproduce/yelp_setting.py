"""What every model of the Yelp table shares: the corpus, the rows' settings, how much is generated, who judges."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

from ldebm.data import yelp
from ldebm.data.corpora import Corpus, load_corpus
from ldebm.devices import choose_device
from ldebm.model import LDEBM
from ldebm.observation.sequence import Mode
from ldebm.presets import Config, load_preset
from ldebm.reproduce.rows import BEST, LENGTHS, PAPER, PRIORS, QUICK, WITHOUT_ENERGY
from ldebm.reproduce.runs import train_once
from ldebm.tasks.control_figures import RealByLabel

TAUGHT = (
    f"trained on {yelp.SUBSTITUTES:,} substitute sentences, {yelp.SUBSTITUTES / yelp.PUBLISHED:.0%} of the published "
    "training set"
)
LABELS = yelp.LABELS
# Every row sees every word of every sentence; a dearer rate than the preset's writes sentences more like real ones
# (docs/log.md), but for the published form, which has its own. What a model says of a label its latent says alone.
COMMON = (
    "data.vocabulary_size=10000",
    "data.max_length=20",
    "training.rate_weight=0.05",
    "training.pseudo_label_weight=0",
)
SHORTENED = {"small": ("training.epochs=2",), "full": ("training.epochs=3",)}  # the corpus is four times PTB's

SVEBM, LAST = "svebm-ib", "ldebm-last-level"
ROWS: dict[str, tuple[str, ...]] = {
    "gaussian-mixture": ("model.prior.kind=mixture", *WITHOUT_ENERGY),
    SVEBM: PRIORS[SVEBM],
    PAPER: (
        "model.latent_size=40",
        "training.rate_weight=50",
        "training.contrast_weight=50",
        "training.information_weight=50",
        "training.supervised_weight=200",
        "training.energy_clip=1",
    ),  # B.2
    LAST: ("model.prior.condition=last",),
    BEST: PRIORS[BEST],
}
GUIDED = {f"{row}-guided": row for row in (SVEBM, BEST)}  # whose runs these are
FULL = (BEST, f"{BEST}-guided", SVEBM, f"{SVEBM}-guided", "gaussian-mixture")


class Effort(NamedTuple):
    """Texts of a row; of a point of the guidance curve, and of a weight that is tried; training texts of each label
    that those who judge are taught by."""

    texts: int = 10_000
    points: int = 2_000
    taught: int | None = None  # all of them


EFFORTS = {QUICK: Effort(1_280, 200, 4_000), "small": Effort(), "full": Effort()}


@cache
def corpus() -> Corpus:
    """Yelp with its labels; it has a test split."""
    return load_corpus("yelp", label="sentiment")


@cache
def texts_of(part: str) -> dict[str, list[str]]:
    """The sentences of "train", "validation" or "test" by label."""
    rows = getattr(corpus(), part)
    return {
        label: [text for text, of in zip(rows["text"][:], rows["label"][:], strict=True) if of == label]
        for label in LABELS
    }


@cache
def real_texts(size: str, runs: Path) -> RealByLabel:
    """The sentences as the texts of a size are judged by them; those who judge are kept among the run folders."""
    training = {label: texts[: EFFORTS[size].taught] for label, texts in texts_of("train").items()}
    return RealByLabel.read(training, texts_of("validation"), texts_of("test"), choose_device("auto"), runs)


def config_of(row: str, size: str, seed: int) -> Config:
    """The row's preset with what it changes."""
    preset = "paper" if row == PAPER else "best"
    length = SHORTENED.get(size, LENGTHS[size])
    return load_preset(f"{preset}-{size}", [*COMMON, *length, *ROWS[row], f"seed={seed}"])


def folder_of(row: str, size: str, seed: int, runs: Path) -> Path:
    return runs / f"{row}-{size}-{seed}"


def trained(row: str, size: str, seed: int, runs: Path) -> LDEBM:
    """The row's model: read where it has been trained, else trained. Raises RunError as `train_once`."""
    return LDEBM.from_pretrained(train_once(config_of(row, size, seed), corpus(), folder_of(row, size, seed, runs)))


def written(
    model: LDEBM, count: int, mode: Mode, seed: int, guidance: float = 1.0, temperature: float = 1.0, best_of: int = 1
) -> dict[str, list[str]]:
    """`count` texts of the model, as many of each label."""
    return {
        label: model.generate(
            count // len(LABELS),
            label=label,
            mode=mode,
            temperature=temperature,
            guidance=guidance,
            best_of=best_of,
            seed=len(LABELS) * seed + place,  # no two labels from the same latents' noise
        )
        for place, label in enumerate(LABELS)
    }
