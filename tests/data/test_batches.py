"""Token arrays and batches: every row once, nothing held twice, the same for the same seed."""

import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ldebm.data.batches import TokenizedCorpus, bucketed, in_order
from ldebm.data.corpora import load_corpus
from ldebm.data.tokenizer import BOS, EOS, PAD, Tokenizer

# The machine may be busy with training: how long an example takes says nothing.
ANY_SPEED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
LENGTHS = st.lists(st.integers(2, 60), max_size=300).map(lambda lengths: np.asarray(lengths, dtype=np.int64))


@pytest.fixture(scope="module")
def small() -> tuple[TokenizedCorpus, Tokenizer, list[str]]:
    texts = [" ".join(["word"] * (i % 7)) for i in range(50)]
    labels = [[None, "a", "b", "new"][i % 4] for i in range(50)]
    tokenizer = Tokenizer.train(texts, "whitespace", 100, False)
    dataset = datasets.Dataset.from_dict({"text": texts, "label": labels})
    return TokenizedCorpus.build(dataset, tokenizer, 6, ("a", "b")), tokenizer, texts


def test_tokenized_corpus(small) -> None:
    corpus, _, _ = small
    assert len(corpus) == 50
    assert corpus.lengths_N.tolist() == [min(i % 7 + 2, 6) for i in range(50)]
    assert corpus.cut == sum(i % 7 + 2 > 6 for i in range(50))
    assert corpus.symbols_N.tolist() == [[-1, 0, 1, -1][i % 4] for i in range(50)]
    assert corpus.lengths_N.dtype == corpus.symbols_N.dtype == np.int64


def test_batch(small) -> None:
    corpus, tokenizer, texts = small
    rows = np.asarray([5, 0, 13, 5])
    batch = corpus.batch(rows)
    assert len(batch) == 4
    assert {t.dtype for t in (batch.tokens_BL, batch.lengths_B, batch.symbols_B, batch.index_B)} == {torch.int64}
    assert batch.index_B.tolist() == rows.tolist()
    assert batch.symbols_B.tolist() == corpus.symbols_N[rows].tolist()
    assert batch.tokens_BL.shape == (4, batch.lengths_B.max())
    expected = tokenizer.encode([texts[row] for row in rows], 6)
    for ids, length, row in zip(batch.tokens_BL.tolist(), batch.lengths_B.tolist(), expected, strict=True):
        assert ids[:length] == row and set(ids[length:]) <= {PAD}
        assert ids[0] == BOS and ids[length - 1] == EOS
    moved = batch.to("cpu")
    assert torch.equal(moved.tokens_BL, batch.tokens_BL) and torch.equal(moved.index_B, batch.index_B)
    batch.tokens_BL.zero_()
    batch.symbols_B.zero_()
    assert corpus.batch(rows).tokens_BL[0, 0] == BOS, "a batch shares no memory with the corpus"
    assert corpus.batch(np.asarray([], dtype=np.int64)).tokens_BL.shape == (0, 0)


@ANY_SPEED
@given(LENGTHS, st.integers(1, 20), st.integers(0, 5), st.integers(0, 5))
def test_bucketed_covers_every_row_once(lengths: np.ndarray, size: int, seed: int, epoch: int) -> None:
    before = lengths.copy()
    batches = bucketed(lengths, size, seed, epoch)
    assert sorted(row for batch in batches for row in batch.tolist()) == list(range(len(lengths)))
    assert sum(len(batch) < size for batch in batches) == (len(lengths) % size > 0)
    again = bucketed(lengths, size, seed, epoch)
    assert all(np.array_equal(a, b) for a, b in zip(batches, again, strict=True))
    assert np.array_equal(before, lengths)


@ANY_SPEED
@given(LENGTHS, st.integers(1, 20))
def test_in_order_covers_every_row_once_by_length(lengths: np.ndarray, size: int) -> None:
    rows = [row for batch in in_order(lengths, size) for row in batch.tolist()]
    assert rows == sorted(range(len(lengths)), key=lambda row: (lengths[row], row))


def test_bucketed_is_random_over_epochs_and_seeds_yet_near_in_length() -> None:
    lengths = np.random.default_rng(0).integers(2, 60, 10_000)
    first = bucketed(lengths, 32, 0, 0)
    for other in (bucketed(lengths, 32, 0, 1), bucketed(lengths, 32, 1, 0)):
        assert not np.array_equal(first[0], other[0])
    padded = sum(len(batch) * lengths[batch].max() for batch in first)
    assert padded < 1.05 * lengths.sum()
    means = [lengths[batch].mean() for batch in first]
    assert abs(np.corrcoef(means[:-1], means[1:])[0, 1]) < 0.25, "batches must not come in the order of their lengths"


def test_ptb_sentences_that_are_cut(real_data: Path) -> None:
    corpus = load_corpus("ptb")
    tokenizer = Tokenizer.train(corpus.train["text"], "whitespace", 10_000, False)
    assert corpus.test is not None
    assert TokenizedCorpus.build(corpus.test, tokenizer, 40, None).cut == 198
    assert TokenizedCorpus.build(corpus.validation, tokenizer, 40, None).cut == 175


@pytest.mark.slow
def test_memory_of_a_million_lines(tmp_path: Path) -> None:
    path = tmp_path / "million.txt"
    with path.open("w", encoding="utf-8") as file:
        file.writelines(
            f"{i} some words of a text of twenty words or so, to be read without much memory at all, and more\n"
            for i in range(10**6)
        )
    code = """
import sys
import datasets, torch
from ldebm.data import TokenizedCorpus, Tokenizer, load_corpus
datasets.config.HF_DATASETS_CACHE = sys.argv[2]

def private():  # MB of this process alone; mapped files do not count
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty")) / 1000

before = private()
corpus = load_corpus(sys.argv[1])
texts = (text for part in corpus.train.iter(1000) for text in part["text"][:1])
tokenizer = Tokenizer.train(texts, "word", 10_000, True)
tokens = TokenizedCorpus.build(corpus.train, tokenizer, 40, None)
assert len(tokens) > 880_000
print(private() - before)
"""
    run = subprocess.run(
        [sys.executable, "-c", code, str(path), str(tmp_path / "cache")], capture_output=True, text=True, check=True
    )
    assert float(run.stdout) < 300
