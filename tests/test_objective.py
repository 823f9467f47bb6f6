"""The symbols' part of the objective."""

import pytest
import torch

from ldebm.objective import symbol_loss


def logits(levels=3):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(5, 4, generator=generator) for _ in range(levels)]


@pytest.mark.parametrize("levels", [1, 3])
def test_shares_of_one_symbol_are_that_symbol(levels):
    symbol_B = torch.tensor([0, 3, -1, 2, -1])
    shares_BK = torch.zeros(5, 4)
    shares_BK[[0, 1, 3], [0, 3, 2]] = 1.0
    assert torch.allclose(symbol_loss(logits(levels), shares_BK), symbol_loss(logits(levels), symbol_B))


def test_shares_are_an_expectation_over_hard_symbols():
    p_K, level = torch.tensor([0.1, 0.2, 0.3, 0.4]), logits()
    hard = torch.stack([symbol_loss(level, torch.full((5,), symbol)) for symbol in range(4)])
    assert torch.allclose(symbol_loss(level, p_K.expand(5, 4)), p_K @ hard)


def test_the_clean_level_counts_whole_and_the_others_by_their_mean():
    symbol_B, (first, *others) = torch.tensor([0, 3, 1, 2, 1]), logits()
    apart = [symbol_loss([each], symbol_B) for each in others]
    assert torch.allclose(symbol_loss([first, *others], symbol_B), symbol_loss([first], symbol_B) + sum(apart) / 2)


@pytest.mark.parametrize("nothing", [None, torch.full((5,), -1), torch.zeros(5, 4)])
def test_texts_without_a_symbol_cost_nothing(nothing):
    assert float(symbol_loss(logits(), nothing)) == 0.0
