"""A tiny corpus and model that several tests use: made-up reviews of two kinds, a few seconds to learn."""

from __future__ import annotations

import random

import datasets
import torch

from ldebm.data.corpora import Corpus
from ldebm.data.tokenizer import Tokenizer
from ldebm.model import LDEBM
from ldebm.presets import Config, load_preset

SUBJECTS = ("the food", "the film", "our waiter", "this phone", "the plot", "a sandwich")
VERDICTS = {"positive": ("was great", "was lovely", "made me smile"), "negative": ("was awful", "broke", "bored me")}
TAILS = ("", " yesterday", " and we will say so", " , really", " in the end of a long day")


def texts(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """n texts and their labels."""
    chosen = random.Random(seed)
    labels = [chosen.choice(sorted(VERDICTS)) for _ in range(n)]
    return [
        f"{chosen.choice(SUBJECTS)} {chosen.choice(VERDICTS[label])}{chosen.choice(TAILS)}" for label in labels
    ], labels


def corpus(n: int = 200, labelled: bool = False, told: int | None = None) -> Corpus:
    """Made-up reviews in their splits; where they are labelled, `told` says how many of the first to train on are."""

    def rows(count: int, seed: int, told: int | None = None) -> datasets.Dataset:
        written, labels = texts(count, seed)
        known = labels[:told] if labelled else []
        return datasets.Dataset.from_dict({"text": written, "label": [*known, *[None] * (count - len(known))]})

    return Corpus(
        name="tiny",
        train=rows(n, 0, told),
        validation=rows(50, 1),
        test=rows(50, 2),
        labels=tuple(sorted(VERDICTS)) if labelled else None,
    )


def config(*settings: str, preset: str = "best-tiny") -> Config:
    return load_preset(preset, ["training.precision=fp32", "training.device=cpu", *settings])


def tokenizer() -> Tokenizer:
    return Tokenizer.train(texts(300)[0], "word", 200, lowercase=True)


def model(*settings: str, preset: str = "best-tiny", seed: int = 0) -> LDEBM:
    torch.manual_seed(seed)
    return LDEBM(config(*settings, preset=preset), tokenizer())
