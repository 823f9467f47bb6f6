"""Figures of texts asked for by label: real ones score the floors, and what is wrong with others is told apart."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from ldebm.evaluation import text_classifiers
from ldebm.evaluation.language_model import Recipe
from ldebm.tasks import control_figures, real_texts
from ldebm.tasks.control_figures import RealByLabel
from tests import tiny

LABELS = ("negative", "positive")
JUDGED = ("accuracy", "accuracy_positive", "accuracy_negative", "accuracy_second", "perplexity_ratio")


def by_label(n, seed):
    texts, labels = tiny.texts(n, seed)
    return {
        label: [text for text, of in zip(texts, labels, strict=True) if of == label][: n // 2 - 20] for label in LABELS
    }


def read(keep=None):
    return RealByLabel.read(by_label(800, 0), by_label(200, 1), by_label(300, 2), torch.device("cpu"), keep)


@pytest.fixture(scope="module")
def patched():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(real_texts, "JUDGE", Recipe(epochs=4, batch_size=32, learning_rate=0.01))
        patch.setattr(text_classifiers, "FEATURES", 2**12)
        patch.setattr(text_classifiers, "LEARNING_RATE", 0.01)
        yield patch


@pytest.fixture(scope="module")
def real(patched):
    return read()


def test_texts_of_the_same_source_score_like_real_ones(real) -> None:
    found, floor = control_figures.of_texts(by_label(400, 3), real), control_figures.of_real(real, 360)
    assert found.keys() == floor.keys() == control_figures.definitions(LABELS).keys()
    for name in JUDGED:
        assert found[name] == pytest.approx(floor[name], abs=0.03)
    assert found["accuracy"] > 0.97 and floor["perplexity_ratio"] == floor["distinct_2_ratio"] == 1.0
    assert found["distinct_2_ratio"] == pytest.approx(1.0, abs=0.05)
    assert found["label_perplexity"] == pytest.approx(found["perplexity_ratio"] * real.perplexity)
    assert 0.8 < found["copies"] <= 1 and 0.8 < floor["copies"] <= 1  # so few different texts can be made


def test_texts_that_no_language_model_was_taught_by_are_as_probable_as_others(real, patched) -> None:
    assert control_figures.of_held_out(real) == {}  # all were
    patched.setattr(control_figures, "JUDGED", 200)
    patched.setattr(control_figures, "_HELD_OUT", 50)
    again, training = read(), by_label(800, 0)
    held_out = again.held_out
    assert [len(texts) for texts in held_out.values()] == [50, 50]
    for label, texts in held_out.items():
        order = np.random.default_rng(0).permutation(len(training[label]))
        assert texts == [training[label][row] for row in order[200:250]]
    found = control_figures.of_held_out(again)
    assert found["perplexity_ratio"] == pytest.approx(found["label_perplexity"] / again.perplexity)
    assert found["perplexity_ratio"] == pytest.approx(1, abs=0.1)


def test_real_texts_of_the_wrong_label_are_told_by_all_who_judge(real) -> None:
    wrong = control_figures.of_wrong_labels(real)
    assert wrong["accuracy"] < 0.03 and wrong["accuracy_second"] < 0.03 and wrong["perplexity_ratio"] > 3
    assert wrong["accuracy_negative"] == pytest.approx(1 - real.accuracies(real.test)["accuracy_positive"])


def test_poor_texts_are_told_by_the_figure_that_is_meant_to(real) -> None:
    same = control_figures.of_texts(
        {"negative": ["the film broke"] * 150, "positive": ["the food was great"] * 150}, real
    )
    assert same["accuracy"] == 1.0 and same["perplexity_ratio"] < 1.5 and same["copies"] == 1.0
    assert same["distinct_2_ratio"] < 0.2 and same["self_bleu"] == pytest.approx(100)
    chosen = random.Random(0)
    shuffled = {
        label: [" ".join(chosen.sample(text.split(), len(text.split()))) for text in texts]
        for label, texts in by_label(300, 4).items()
    }
    found = control_figures.of_texts(shuffled, real)
    assert found["perplexity_ratio"] > 3 and found["distinct_2_ratio"] > 1.5 and found["copies"] < 0.2
    half = control_figures.of_texts({label: by_label(300, 5)["positive"] for label in LABELS}, real)
    assert half["accuracy_positive"] > 0.97 and half["accuracy_negative"] < 0.03
    assert half["accuracy"] == pytest.approx(0.5, abs=0.03)


def test_perplexity_is_pooled_over_tokens(real) -> None:
    texts = {"negative": ["the film broke"] * 2, "positive": ["the food was great , really"] * 3}
    logs = {label: torch.tensor(real.perplexity_of({label: those})).log() for label, those in texts.items()}
    tokens = {"negative": 2 * 4, "positive": 3 * 7}
    nats = sum(float(logs[label]) * tokens[label] for label in texts)
    assert real.perplexity_of(texts) == pytest.approx(float(torch.tensor(nats / 29).exp()), rel=1e-5)
    unknown = {"negative": ["the film broke zzz"]}
    assert real.perplexity_of(unknown) < 20  # an unknown word is left out


def test_those_who_judge_are_read_again_and_for_other_texts_taught_anew(tmp_path, patched) -> None:
    first = read(tmp_path)
    kept = {path.name for path in tmp_path.iterdir()}
    assert len(kept) == 4 and all(name.endswith(".safetensors") for name in kept)
    texts = by_label(200, 6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(real_texts, "fit", None)
        patch.setattr(text_classifiers, "_fit", None)
        patch.setattr(text_classifiers.LogisticRegression, "fit", None)
        again = read(tmp_path)
        assert control_figures.of_texts(texts, again) == control_figures.of_texts(texts, first)
        with pytest.raises(TypeError):
            RealByLabel.read(by_label(600, 0), by_label(200, 1), by_label(300, 2), torch.device("cpu"), tmp_path)
