"""The evidence of words: nothing before it is taught, and what each text's words and pairs of neighbours add up to."""

import pytest
import torch

from ldebm.data.tokenizer import BOS, EOS, UNK
from ldebm.observation import WordEvidence
from tests.observation.test_sequence import V, batch_of, some_rows

K = 3


def taught():
    """Evidence that says something of every word and pair."""
    evidence, generator = WordEvidence(V, K), torch.Generator().manual_seed(0)
    evidence.said_FK.copy_(torch.randn(evidence.said_FK.shape, generator=generator))
    evidence.surprise_F.copy_(1 + torch.rand(evidence.surprise_F.shape, generator=generator))
    evidence.meant_K.copy_(torch.tensor([0.5, -1.0, 0.5]))
    return evidence


def read(evidence, rows, padding=0):
    return evidence(batch_of(rows, padding).tokens_BL)


def test_it_says_nothing_before_it_is_taught():
    assert torch.equal(read(WordEvidence(V, K), some_rows()), torch.zeros(9, K))


def test_it_is_the_same_alone_in_a_batch_and_padded():
    evidence, rows = taught(), some_rows()
    whole = read(evidence, rows)
    assert torch.allclose(whole, torch.cat([read(evidence, [row]) for row in rows]), atol=1e-6)
    assert torch.allclose(whole, read(evidence, rows, padding=7), atol=1e-6)


@pytest.mark.parametrize("row", [[BOS, EOS], [BOS, UNK, EOS], [BOS, UNK, UNK, EOS]])
def test_a_text_without_a_known_word_has_the_odds_of_all_texts(row):
    evidence = taught()
    assert torch.equal(read(evidence, [row])[0], evidence.meant_K)


def test_words_and_pairs_are_weighed_by_their_surprise_to_a_text_of_length_one():
    evidence, (a, b) = taught(), (5, 9)
    feature_BM, weight_BM = evidence.weighted(torch.tensor([[BOS, a, b, UNK, EOS]]))
    there = weight_BM[0] > 0
    word_a, word_b, pair = feature_BM[0][there].tolist()
    assert (word_a, word_b) == (a, b) and pair >= V  # neither a mark nor a pair with one
    surprise_M = evidence.surprise_F[[a, b, pair]]
    assert torch.allclose(weight_BM[0][there], surprise_M / surprise_M.norm())
    expected_K = evidence.meant_K + (surprise_M / surprise_M.norm()) @ evidence.said_FK[[a, b, pair]]
    assert torch.allclose(read(evidence, [[BOS, a, b, UNK, EOS]])[0], expected_K, atol=1e-6)


def test_the_order_of_words_is_seen_by_their_pairs():
    evidence = taught()
    assert not torch.allclose(read(evidence, [[BOS, 5, 9, EOS]]), read(evidence, [[BOS, 9, 5, EOS]]), atol=1e-3)


def test_no_training_moves_it():
    assert list(taught().parameters()) == []
