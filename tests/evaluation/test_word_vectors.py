"""Similarity by word vectors: cases worked by hand, and what words without a vector do."""

import gzip
import math

import numpy as np
import pytest

from ldebm.evaluation.word_vectors import read_vectors, similarity

VECTORS = {
    "east": np.array([1.0, 0.0]),
    "north": np.array([0.0, 1.0]),
    "far-west": np.array([-3.0, 0.0]),
    "zero": np.zeros(2),
}


def test_a_text_is_nearest_to_itself() -> None:
    found = similarity([["east", "north"]], [["north", "east"]], VECTORS)
    assert (found.average, found.extrema, found.greedy) == pytest.approx((1, 1, 1))


def test_by_hand() -> None:
    found = similarity([["east", "north"]], [["east"]], VECTORS)
    assert found.average == pytest.approx(math.sqrt(0.5))  # (1, 1) / 2 with (1, 0)
    assert found.extrema == pytest.approx(math.sqrt(0.5))
    assert found.greedy == pytest.approx((0.5 + 1) / 2)  # of east and north 1 and 0; of the reference's east 1
    signed = similarity([["east", "far-west"]], [["east"]], VECTORS)
    assert signed.extrema == pytest.approx(-1)  # -3 is farther from zero than 1
    assert similarity([["zero"]], [["east"]], VECTORS).average == 0


def test_words_without_a_vector() -> None:
    known = similarity([["east", "?"], ["east"], []], [["east"], ["?"], ["north"]], VECTORS)
    assert known.average == pytest.approx(0.5)  # 1, not counted, 0
    with pytest.raises(ValueError, match="no reference has a word"):
        similarity([["east"]], [["?"]], VECTORS)


def test_vectors_are_read(tmp_path) -> None:
    path = tmp_path / "vectors.txt.gz"
    path.write_bytes(gzip.compress(b"a 1 -0.5\n\xc3\xa9t\xc3\xa9 0 2e-3\n"))
    vectors = read_vectors(path)
    assert vectors["a"].tolist() == [1, -0.5] and vectors["été"] == pytest.approx([0, 2e-3])
