"""Figures of generated texts: real ones score the floor, worse ones are told apart, and nothing real is unknown."""

import math

import numpy as np
import pytest
import torch

from ldebm.evaluation.language_model import Recipe
from ldebm.tasks import generation_figures, real_texts
from ldebm.tasks.real_texts import RealTexts

WORDS = [f"w{i}" for i in range(12)]


def chain(texts, seed):
    """Texts in which word i is followed by one of the three after it."""
    generator, rows = np.random.default_rng(seed), []
    for _ in range(texts):
        places = generator.integers(12) + np.cumsum(generator.integers(1, 4, size=generator.integers(3, 12)))
        rows.append([WORDS[place % 12] for place in places])
    return rows


@pytest.fixture(scope="module")
def real():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(real_texts, "JUDGE", Recipe(epochs=4, batch_size=32, learning_rate=0.01))
        patch.setattr(real_texts, "JUDGED", 1500)
        yield RealTexts.read(chain(2000, 0), chain(300, 1), chain(500, 2), torch.device("cpu"))


def test_texts_of_the_same_source_score_like_real_ones(real) -> None:
    found = generation_figures.of_texts(chain(1700, 3), real)
    floors = generation_figures.floors(real)
    assert found.keys() == floors.keys() == generation_figures.DEFINITIONS.keys()
    assert found["reverse_perplexity_ratio"] == pytest.approx(1.0, abs=0.15)
    assert found["reverse_perplexity"] == pytest.approx(found["reverse_perplexity_ratio"] * real.perplexity)
    assert found["forward_perplexity"] == pytest.approx(floors["forward_perplexity"], rel=0.1)
    assert found["smoothed_kl"] < 0.01 and found["length_distance"] < 0.3
    assert 2.5 < real.perplexity < 5.0  # three ways on at each word, twelve at the first


def test_poor_texts_are_told_by_the_figure_that_is_meant_to(real) -> None:
    floors = generation_figures.floors(real)
    same = generation_figures.of_texts([["w0", "w2", "w3", "w5"]] * 1700, real)
    assert same["forward_perplexity"] < 1.2 * floors["forward_perplexity"]  # probable
    assert same["reverse_perplexity_ratio"] > 5 and same["self_bleu"] == pytest.approx(100)
    generator = np.random.default_rng(0)
    shuffled = [list(generator.permutation(words)) for words in chain(1700, 4)]
    mixed = generation_figures.of_texts(shuffled, real)
    assert mixed["smoothed_kl"] < 0.01  # the same words
    assert mixed["forward_perplexity"] > 1.5 * floors["forward_perplexity"]
    assert mixed["reverse_perplexity_ratio"] > 1.3
    copied = generation_figures.of_texts(real.training, real, judged=False)
    assert copied["copies"] == 1.0 and "reverse_perplexity" not in copied


def test_the_vocabulary_is_that_of_the_real_texts(real) -> None:
    assert len(real.tokenizer) == 4 + 12
    strange = generation_figures.of_texts([["never", "seen"]] * 50, real, judged=False)
    assert math.isfinite(strange["forward_perplexity"]) and strange["unigram_kl"] == 0
