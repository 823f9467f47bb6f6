"""Scores of labels: those of a count by hand."""

import math

import numpy as np
import pytest

from ldebm.evaluation.labelling import label_scores

NAMES = ("ham", "spam", "news")


def scored(found, labels, symbols=3):
    return label_scores(np.eye(symbols)[list(found)] * 0.8 + 0.2 / symbols, labels, NAMES)


def test_the_scores_are_those_of_a_count_by_hand():
    scores = scored([0, 0, 1, 1, 0], ["ham", "spam", "spam", "spam", "ham"])
    assert (scores.texts, scores.accuracy, scores.majority_share) == (5, 0.8, 0.6)
    assert scores.calibration_error == pytest.approx(abs(0.8 + 0.2 / 3 - 0.8))
    ham, spam, news = scores.by_label
    assert (ham.label, ham.texts, ham.found, ham.precision, ham.recall) == ("ham", 2, 3, 2 / 3, 1.0)
    assert (spam.texts, spam.found, spam.precision, spam.recall) == (3, 2, 1.0, 2 / 3)
    assert ham.f1 == spam.f1 == pytest.approx(0.8)
    assert (news.texts, news.found) == (0, 0) and all(map(math.isnan, (news.precision, news.recall, news.f1)))


def test_a_symbol_without_a_name_is_wrong():
    scores = scored([3, 0], ["ham", "ham"], symbols=4)
    assert scores.accuracy == 0.5 and scores.by_label[0].found == 1 and scores.by_label[0].recall == 0.5


def test_what_cannot_be_scored_is_refused():
    with pytest.raises(ValueError, match="got 'eggs'; the names are ham, spam, news"):
        scored([0], ["eggs"])
    for found, labels in (([0], ["ham", "ham"]), ([], [])):
        with pytest.raises(ValueError, match="one label a text"):
            scored(found, labels)
