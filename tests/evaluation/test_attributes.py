"""Agreement of symbols and labels against entropies by hand, and chance against what is known of it."""

import math
from dataclasses import astuple

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from ldebm.evaluation.attributes import (
    accuracy,
    agreement,
    batched_homogeneity,
    chance_agreement,
    majority_share,
    symbol_shares,
)


def test_agreement_by_hand() -> None:
    # symbol 0: a a b, symbol 1: b; labels half and half
    scores = agreement([0, 0, 0, 1], ["a", "a", "b", "b"])
    of_label, of_symbol = math.log(2), -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    shared = mutual_info_score([0, 0, 0, 1], [0, 0, 1, 1])
    assert scores.homogeneity == pytest.approx(shared / of_label)
    assert scores.completeness == pytest.approx(shared / of_symbol)
    assert scores.homogeneity < scores.completeness  # as they differ, an exchange of the two arguments shows
    mean = 2 * scores.homogeneity * scores.completeness / (scores.homogeneity + scores.completeness)
    assert scores.v_measure == pytest.approx(mean)


def test_agreement_is_one_for_renamed_labels_and_homogeneous_for_finer_symbols() -> None:
    labels = ["a", "b", "c"] * 4
    assert astuple(agreement([7, 3, 5] * 4, labels)) == pytest.approx((1, 1, 1, 1))
    finer = agreement(list(range(12)), labels)
    assert finer.homogeneity == pytest.approx(1)
    assert finer.completeness < 0.5
    assert finer.ami == pytest.approx(0, abs=1e-9)  # a symbol a text tells nothing


def test_chance_keeps_the_cluster_sizes_and_exposes_homogeneitys_inflation() -> None:
    generator = np.random.default_rng(0)
    labels = generator.choice(["a", "b", "c", "d"], size=400).tolist()
    symbols = generator.integers(100, size=400)
    chance = chance_agreement(symbols, labels)
    assert chance.homogeneity > 0.15  # of nothing: many symbols a label
    assert abs(chance.ami) < 0.02
    assert agreement(symbols, labels).homogeneity == pytest.approx(chance.homogeneity, abs=0.08)
    assert chance_agreement(symbols, labels) == chance
    assert chance_agreement(symbols, labels, seed=1) != chance


def test_chance_of_perfect_symbols_is_far_below_them() -> None:
    labels = ["a"] * 50 + ["b"] * 50
    symbols = [0] * 50 + [1] * 50
    assert agreement(symbols, labels).ami == pytest.approx(1)
    assert chance_agreement(symbols, labels).homogeneity < 0.1


def test_accuracy_and_its_floor_by_hand() -> None:
    assert accuracy(["a", None, "b", "a"], ["a", "a", "b", "c"]) == pytest.approx(2 / 4)
    assert majority_share(["a", "b", "a", "c"]) == pytest.approx(2 / 4)
    with pytest.raises(ValueError, match="got 1 and 2"):
        accuracy(["a"], ["a", "b"])
    with pytest.raises(ValueError, match="got none"):
        majority_share([])
    with pytest.raises(ValueError, match="got 1 and 2"):
        agreement([1], ["a", "b"])


def test_symbol_shares_count_the_most_probable_symbol_and_keep_unused_ones() -> None:
    probabilities = np.array([[0.4, 0.6, 0], [0.9, 0.1, 0], [0.3, 0.7, 0], [0.0, 1.0, 0]])
    assert symbol_shares(probabilities).tolist() == [0.25, 0.75, 0]


def test_homogeneity_by_stretches_is_the_mean_of_whole_stretches() -> None:
    symbols, labels = [0, 0, 1, 1, 0, 1, 0, 1, 5], ["a", "a", "b", "b", "a", "a", "b", "b", "a"]
    assert batched_homogeneity(symbols, labels, size=4) == pytest.approx(0.5)  # 1 and 0; the ninth is left out
    random = np.random.default_rng(0).integers(125, size=1280)
    acts = np.random.default_rng(1).choice(["inform", "question", "directive"], size=1280, p=[0.5, 0.3, 0.2])
    # What the published procedure has by chance, and what all texts at once have.
    assert batched_homogeneity(random, acts.tolist()) > 0.6 > 0.2 > agreement(random, acts.tolist()).homogeneity
    with pytest.raises(ValueError, match="128"):
        batched_homogeneity([0], ["a"])
