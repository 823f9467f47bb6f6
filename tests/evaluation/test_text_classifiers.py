"""Classifiers learn what texts say, know it again from their file, and are not fooled by texts that hold nothing."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from ldebm.data.tokenizer import PAD
from ldebm.errors import RunError
from ldebm.evaluation import text_classifiers
from ldebm.evaluation.text_classifiers import ConvolutionalClassifier, LinearClassifier, WordConvolutions
from tests import tiny

READERS = [
    pytest.param(functools.partial(ConvolutionalClassifier.read, device=torch.device("cpu")), id="convolutional"),
    pytest.param(LinearClassifier.read, id="linear"),
]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(text_classifiers, "FEATURES", 2**12)
    monkeypatch.setattr(text_classifiers, "LEARNING_RATE", 0.01)


def labelled(n, seed):
    texts, labels = tiny.texts(n, seed)
    return texts, np.array([label == "positive" for label in labels], dtype=np.int64)


@pytest.mark.parametrize("read", READERS)
def test_it_learns_and_is_the_same_from_its_file(tmp_path, monkeypatch, read) -> None:
    texts, classes = labelled(400, 0)
    others, true = labelled(200, 1)
    path = tmp_path / "kept.safetensors"
    taught = read(texts, classes, keep=path)
    assert (taught.predict(others) == true).mean() > 0.98
    found = taught.predict(others)
    assert found.dtype == np.int64 and found.shape == (200,)

    monkeypatch.setattr(text_classifiers, "_fit", None)  # not taught again
    monkeypatch.setattr(text_classifiers.LogisticRegression, "fit", None)
    again = read(texts, classes, keep=path)
    assert np.array_equal(again.predict(others), found)
    damaged = bytearray(path.read_bytes())
    damaged[-3] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(RunError, match="damaged"):
        read(texts, classes, keep=path)


@pytest.mark.parametrize("read", READERS)
def test_permuted_labels_teach_nothing(read) -> None:
    texts, classes = labelled(400, 0)
    others, true = labelled(400, 1)
    taught = read(texts, np.random.default_rng(0).permutation(classes))
    assert 0.3 < (taught.predict(others) == true).mean() < 0.7


@pytest.mark.parametrize("read", READERS)
def test_an_empty_text_and_one_of_unknown_words_have_a_class(read) -> None:
    taught = read(*labelled(100, 0))
    found = taught.predict(["", "zzz", "zzz " * 500, "was great"])
    assert set(found) <= {0, 1} and found[3] == 1


def test_what_a_text_is_padded_with_changes_nothing() -> None:
    torch.manual_seed(0)
    network = WordConvolutions(50, 2).eval()
    for each in network.maps:
        torch.nn.init.constant_(each.bias, 3.0)  # what zeros are worth is the most that a map has
    text = torch.tensor([[1, 7, 8, 9, 2]])
    longer = torch.cat([text, torch.full((1, 6), PAD)], 1)
    assert torch.allclose(network(text), network(longer), atol=1e-6)


def test_word_order_tells_the_classes_apart_where_words_do_not() -> None:
    chosen = np.random.default_rng(0)
    texts, classes = [], chosen.integers(2, size=400)
    for kind in classes:
        pair = "not good" if kind == 0 else "good not"
        texts.append(" ".join([*chosen.choice(["a", "b", "c"], 3), pair, *chosen.choice(["a", "b", "c"], 3)]))
    for read in READERS:
        taught = read.values[0](texts[:300], classes[:300])
        assert (taught.predict(texts[300:]) == classes[300:]).mean() > 0.9
