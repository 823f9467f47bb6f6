"""The programs' comparisons run through on a tiny model; their figures mean nothing here."""

from __future__ import annotations

import datasets
import pytest

from benchmarks import generate, langevin, train_step
from benchmarks.engine import PTB, typical_batches
from benchmarks.measure import Comparison
from ldebm.data import TokenizedCorpus, Tokenizer
from ldebm.model import LDEBM
from ldebm.presets import load_preset

CONFIG = load_preset("paper-tiny", ["training.batch_size=8", "data.tokenizer=whitespace"])


@pytest.fixture(name="ptb")
def _ptb() -> PTB:
    texts = [" ".join(f"w{row % 7 + place}" for place in range(1 + row % 12)) for row in range(100)]
    tokenizer = Tokenizer.train(texts, "whitespace", vocabulary_size=30, lowercase=True)
    dataset = datasets.Dataset.from_dict({"text": texts, "label": [None] * len(texts)})
    return PTB(CONFIG, tokenizer, TokenizedCorpus.build(dataset, tokenizer, CONFIG.data.max_length, labels=None))


def check(comparison: Comparison) -> None:
    assert len(comparison.plain.seconds) == len(comparison.fast.seconds) == 2
    assert comparison.ratio > 0 and comparison.floor_ratio > 0


def test_typical_batches_go_from_short_to_long(ptb: PTB) -> None:
    batches = typical_batches(ptb.texts, batch_size=8, count=3)
    lengths = [int(batch.lengths_B.sum()) for batch in batches]
    assert lengths == sorted(lengths) and lengths[0] < lengths[-1]
    assert [len(batch) for batch in batches] == [8, 8, 8]


def test_train_step(ptb: PTB) -> None:
    check(train_step.compare(ptb, typical_batches(ptb.texts, batch_size=8, count=2), repeats=2))


def test_langevin() -> None:
    check(langevin.compare(CONFIG, rows=8, repeats=2))


def test_generate(ptb: PTB) -> None:
    comparison, tokens = generate.compare(LDEBM(ptb.config, ptb.tokenizer), texts=5, repeats=2)
    check(comparison)
    assert 1 <= tokens < CONFIG.data.max_length
