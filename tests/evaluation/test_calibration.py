"""Calibration: the error is that of a count by hand, and the temperature is found again that spoilt the odds."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from ldebm.evaluation.calibration import expected_calibration_error, temperature


def drawn(n=20_000, labels=4, seed=0):
    """log p(y | x) of n texts, and labels drawn from it."""
    generator = np.random.default_rng(seed)
    log_p_NK = log_softmax(2 * generator.normal(size=(n, labels)), axis=1)
    return log_p_NK, np.array([generator.choice(labels, p=np.exp(row)) for row in log_p_NK])


def test_the_error_is_that_of_a_count_by_hand():
    p_NK = np.array([[0.9, 0.1], [0.95, 0.05], [0.4, 0.6], [0.35, 0.65], [0.0, 1.0]])
    labels = np.array([0, 1, 1, 1, 1])
    # Of five bins the fourth has 0.6 and 0.65, both right; the last 0.9, 0.95 and 1, two of three right.
    by_hand = (abs(0.6 + 0.65 - 2) + abs(0.9 + 0.95 + 1 - 2)) / 5
    assert expected_calibration_error(p_NK, labels, bins=5) == pytest.approx(by_hand)
    # In one bin of all, too sure and not sure enough make up for each other.
    assert expected_calibration_error(p_NK, labels, bins=1) == pytest.approx(abs(4.1 - 4) / 5)


def test_the_error_has_its_ends():
    sure_NK = np.eye(2)[[0, 1, 1]]
    assert expected_calibration_error(sure_NK, np.array([0, 1, 1])) == 0
    assert expected_calibration_error(sure_NK, np.array([1, 0, 0])) == 1


def test_probabilities_that_come_true_have_next_to_no_error():
    log_p_NK, labels = drawn()
    true, spoilt = (expected_calibration_error(softmax(log_p_NK * sharp, axis=1), labels) for sharp in (1, 3))
    assert true < 0.015 < 0.1 < spoilt


@pytest.mark.parametrize("known", [0.25, 1.0, 4.0])
def test_the_temperature_that_spoilt_the_odds_is_found_again(known):
    log_p_NK, labels = drawn()
    assert temperature(log_p_NK * known, labels) == pytest.approx(known, rel=0.04)
    shifted_NK = log_p_NK * known + np.arange(len(labels))[:, None]  # log p up to a constant of each text
    assert temperature(shifted_NK, labels) == pytest.approx(temperature(log_p_NK * known, labels), rel=1e-3)


def test_who_was_right_every_time_is_not_made_certain():
    log_p_NK = np.log(np.tile([0.9, 0.1], (60, 1)))
    found = temperature(log_p_NK, np.zeros(60, np.int64))
    assert found < 1 and 0.9 < softmax(log_p_NK[0] / found).max() < 0.995


@pytest.mark.parametrize("of", [expected_calibration_error, temperature])
def test_a_label_a_text_is_needed(of):
    for rows, labels in ((2, 3), (0, 0)):
        with pytest.raises(ValueError, match=f"one label a text, got {labels} for {rows}"):
            of(np.full((rows, 2), 0.5), np.zeros(labels, np.int64))
