"""What the programs need of the engine: the paper's full model, PTB, and the plain model of the same sizes."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np

from benchmarks.sizes import Sizes, sizes_of
from ldebm.data import TextBatch, TokenizedCorpus, Tokenizer, bucketed, load_corpus
from ldebm.errors import DataError
from ldebm.presets import Config, load_preset
from ldebm.training.run import resolve

PRESET = "paper-full"


@dataclass(frozen=True)
class PTB:
    """The corpus as a run of the paper's preset reads it."""

    config: Config
    tokenizer: Tokenizer
    texts: TokenizedCorpus

    @property
    def sizes(self) -> Sizes:
        return sizes_of(self.config, len(self.tokenizer))


def read_ptb() -> PTB:
    """Exits with a message where the corpus is not there."""
    try:
        corpus = load_corpus("ptb")
    except DataError as error:
        sys.exit(f"this benchmark needs the corpus ptb: {error}")
    config = resolve(load_preset(PRESET), corpus)
    data = config.data
    tokenizer = Tokenizer.train(corpus.train["text"], data.tokenizer, data.vocabulary_size, data.lowercase)
    return PTB(config, tokenizer, TokenizedCorpus.build(corpus.train, tokenizer, data.max_length, labels=None))


def typical_batches(texts: TokenizedCorpus, batch_size: int, count: int) -> list[TextBatch]:
    """`count` of an epoch's full batches, evenly from the shortest to the longest, so that they stand for all.

    Batches hold texts of similar length: one batch alone would be too short or too long.
    """
    full = [rows for rows in bucketed(texts.lengths_N, batch_size, seed=0, epoch=0) if len(rows) == batch_size]
    full.sort(key=lambda rows: int(texts.lengths_N[rows].sum()))
    places = ((np.arange(count) + 0.5) / count * len(full)).astype(int)
    return [texts.batch(full[place]) for place in places]
