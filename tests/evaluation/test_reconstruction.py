"""Reconstruction against sacrebleu's own string interface, a BLEU worked out by hand, and hand counts."""

import math

import pytest
from sacrebleu.metrics.bleu import BLEU

from ldebm.evaluation.reconstruction import bleu, token_accuracy

REFERENCES = [
    text.split() for text in ["the cat sat on the mat today", "a dog ran in the park", "he came home very late"]
]
HYPOTHESES = [text.split() for text in ["the cat sat on a mat today", "a dog ran in the park now", "he came home"]]


def test_bleu_is_that_of_sacrebleu() -> None:
    lines = [[" ".join(text) for text in texts] for texts in (HYPOTHESES, REFERENCES)]
    expected = BLEU(tokenize="none", force=True).corpus_score(lines[0], [lines[1]]).score
    assert 0 < expected < 100
    assert bleu(HYPOTHESES, REFERENCES) == pytest.approx(expected)


def test_bleu_by_hand() -> None:
    # 4 of 5 tokens, 3 of 4 bigrams, 2 of 3 trigrams, 1 of 2 4-grams; 5 tokens against 6
    precision = (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** (1 / 4)
    assert bleu([list("abcdx")], [list("abcdef")]) == pytest.approx(100 * precision * math.exp(1 - 6 / 5))


def test_bleu_is_a_hundred_for_the_same_and_zero_without_a_matching_4_gram() -> None:
    assert bleu(REFERENCES, REFERENCES) == pytest.approx(100)
    assert bleu([list("abcx")], [list("abcd")]) == pytest.approx(0, abs=1e-9)  # smoothed, it would be above 0
    assert bleu([[]], [list("abcd")]) == 0


def test_bleu_takes_tokens_as_they_are() -> None:
    with_space, split = ["a b", "c", "d", "e"], ["a", "b", "c", "d", "e"]
    assert bleu([with_space], [with_space]) == pytest.approx(100)
    assert bleu([with_space], [split]) == pytest.approx(0, abs=1e-9)  # split at white space they would be the same
    assert bleu([["A", "b", "c", "d"]], [["a", "b", "c", "d"]]) < 100


def test_token_accuracy_counts_the_positions_of_the_reference() -> None:
    references = [list("abcd"), list("ef")]
    assert token_accuracy(references, references) == 1
    assert token_accuracy([list("abxd"), list("e")], references) == pytest.approx(4 / 6)  # one wrong, one missing
    assert token_accuracy([list("abcdzz"), list("ef")], references) == 1  # what follows is not counted
    assert token_accuracy([list("zabcd"), list("ef")], references) == pytest.approx(2 / 6)  # shifted is wrong


@pytest.mark.parametrize("score", [bleu, token_accuracy])
def test_hypotheses_and_references_go_in_pairs(score) -> None:
    with pytest.raises(ValueError, match="got 1 and 2"):
        score([["a"]], [["a"], ["b"]])
    with pytest.raises(ValueError, match="got 0 and 0"):
        score([], [])


def test_token_accuracy_of_empty_references_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one token"):
        token_accuracy([["a"]], [[]])
