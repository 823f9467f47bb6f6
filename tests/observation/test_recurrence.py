"""Our recurrence against nn.GRU, and our cross-entropy against the library's, values and gradients."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

from ldebm.observation.cross_entropy import LinearCrossEntropy
from ldebm.observation.gru import run_gru
from ldebm.observation.recurrence import Recurrence


def packed_texts(rows=5, size=3):
    torch.manual_seed(0)
    lengths = torch.tensor([4, 9, 1, 6, 6])[:rows]
    data = torch.randn(rows, 9, size, dtype=torch.float64, requires_grad=True)
    return data, pack_padded_sequence(data, lengths, batch_first=True, enforce_sorted=False)


@pytest.mark.parametrize("both_ways", [False, True])
@pytest.mark.parametrize("started", [False, True])
def test_values_and_gradients_are_those_of_nn_gru(both_ways, started):
    data, packed = packed_texts()
    gru = nn.GRU(3, 4, batch_first=True, bidirectional=both_ways).double()
    hidden = torch.randn(1 + both_ways, 5, 4, dtype=torch.float64, requires_grad=True) if started else None
    weights = [data, *gru.parameters(), *([hidden] if started else [])]
    results = []
    for outputs, last in (gru(packed, hidden), run_gru(gru, packed, hidden, torch.float64)):
        value = (outputs.data.sin() * torch.arange(outputs.data.numel()).view_as(outputs.data)).sum()
        value = value + (last.double().cos() * torch.arange(last.numel()).view_as(last)).sum()
        results.append((outputs.data, last.double(), torch.autograd.grad(value, weights, retain_graph=True)))
    (outputs, last, grads), (our_outputs, our_last, our_grads) = results
    assert torch.allclose(outputs, our_outputs, atol=1e-12)
    assert torch.allclose(last, our_last, atol=1e-6)  # handed on in fp32
    for grad, ours in zip(grads, our_grads, strict=True):
        assert torch.allclose(grad, ours, rtol=1e-5, atol=1e-5)


def test_only_the_last_states_may_be_used():
    data, packed = packed_texts()
    gru = nn.GRU(3, 4, batch_first=True, bidirectional=True).double()
    expected = torch.autograd.grad(gru(packed)[1].square().sum(), data, retain_graph=True)[0]
    found = torch.autograd.grad(run_gru(gru, packed, None, torch.float64)[1].square().sum(), data)[0]
    assert torch.allclose(expected, found, rtol=1e-5, atol=1e-6)


def test_it_is_the_one_in_use_on_a_cpu(monkeypatch):
    calls = []
    original = Recurrence.apply
    monkeypatch.setattr(Recurrence, "apply", lambda *arguments: calls.append(1) or original(*arguments))
    _, packed = packed_texts()
    run_gru(nn.GRU(3, 4, batch_first=True, bidirectional=True).double(), packed, None, torch.float64)
    assert len(calls) == 2


def test_cross_entropy_is_the_librarys():
    torch.manual_seed(0)
    hidden = torch.randn(20, 6, dtype=torch.float64, requires_grad=True)
    table = torch.randn(11, 6, dtype=torch.float64, requires_grad=True)
    target, weight = torch.randint(0, 11, (20,)), torch.rand(20, dtype=torch.float64)
    results = []
    for loss_N in (
        F.cross_entropy(hidden @ table.T, target, reduction="none"),
        LinearCrossEntropy.apply(hidden, table, target),
    ):
        results.append((loss_N.double(), torch.autograd.grad((loss_N * weight).sum(), [hidden, table])))
    assert torch.allclose(results[0][0], results[1][0], atol=1e-5)
    for expected, found in zip(results[0][1], results[1][1], strict=True):
        assert torch.allclose(expected, found, atol=1e-6)


def test_a_word_of_no_probability_costs_much_but_not_infinity():
    loss = LinearCrossEntropy.apply(torch.full((1, 1), 300.0), torch.tensor([[1.0], [-1.0]]), torch.tensor([1]))
    assert bool(loss.isfinite()) and float(loss) > 80
