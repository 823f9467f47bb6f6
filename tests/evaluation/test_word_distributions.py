"""Word distributions against scipy's divergences."""

import math

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy

from ldebm.evaluation.word_distributions import divergence_contributions, frequency_ratios, jensen_shannon

COUNTS = np.array([[8.0, 1, 1, 0], [1, 5, 0, 4], [2, 2, 2, 2]])


def test_contributions_sum_to_the_divergence_from_all_words() -> None:
    contributions = divergence_contributions(COUNTS)
    for k in range(3):
        assert contributions[k].sum() == pytest.approx(entropy(COUNTS[k], COUNTS.sum(axis=0)))
    p, q = 0.8, 11 / 28
    assert contributions[0, 0] == pytest.approx(p * math.log(p / q))
    assert contributions[0, 1] < 0 < contributions[0, 0]
    assert contributions[0, 3] == 0


def test_a_word_that_is_frequent_everywhere_contributes_nothing() -> None:
    counts = np.array([[50.0, 10, 0], [50, 0, 10]])  # a function word, and one word of each symbol's own
    assert divergence_contributions(counts)[:, 0] == pytest.approx([0, 0])
    assert divergence_contributions(counts)[0, 1] > 0.1


def test_a_symbol_without_counts_contributes_nothing() -> None:
    assert divergence_contributions(np.array([[0.0, 0], [1, 2]])).tolist() == [[0, 0], [0, 0]]


def test_a_words_frequency_is_set_against_that_of_all_other_symbols() -> None:
    ratios = frequency_ratios(COUNTS)
    assert ratios[0, 0] == pytest.approx((8 / 10) / (3 / 18)) and ratios[1, 1] == pytest.approx((5 / 10) / (3 / 18))
    assert ratios[0, 3] == 0
    assert frequency_ratios(np.array([[2.0, 1], [0, 1]]))[:, 0].tolist() == [math.inf, 0]
    assert frequency_ratios(np.array([[0.0, 0], [1, 2]])).tolist() == [[0, 0], [0, 0]]


def test_jensen_shannon_is_that_of_scipy() -> None:
    divergence = jensen_shannon(COUNTS)
    for i in range(3):
        for j in range(3):
            assert divergence[i, j] == pytest.approx(jensenshannon(COUNTS[i], COUNTS[j]) ** 2, abs=1e-12)


def test_jensen_shannon_at_its_ends() -> None:
    divergence = jensen_shannon(np.array([[1.0, 2, 0, 0], [10, 20, 0, 0], [0, 0, 3, 3]]))
    assert divergence[0, 1] == pytest.approx(0)  # the same shares, ten times the counts
    assert divergence[0, 2] == pytest.approx(math.log(2))


def test_counts_are_not_negative_and_some() -> None:
    for counts in (np.array([[1.0, -1]]), np.zeros((2, 2)), np.ones(3)):
        with pytest.raises(ValueError, match="needs counts"):
            divergence_contributions(counts)
    with pytest.raises(ValueError, match="every symbol"):
        jensen_shannon(np.array([[0.0, 0], [1, 2]]))
