"""Greedy, sampled and beam decoding on a decoder small enough to enumerate."""

import itertools
import math

import pytest
import torch

from ldebm.data.tokenizer import BOS, EOS, PAD
from ldebm.observation.decoding import DecoderState, most_probable, sampled, search, write

V, LENGTH = 7, 5  # words are 3 .. 6; at most three of them fit between the marks


def markov(seed: int, rows: int = 3):
    """A first-order model: each row has its own table of log-odds."""
    table = torch.randn(rows, V, V, generator=torch.Generator().manual_seed(seed))

    def step(last, state):
        return state.latent.gather(1, last[:, None, None].expand(-1, 1, V)).squeeze(1), state

    return step, DecoderState(torch.zeros(rows, 1), table)


def log_p(table, ids):
    """log p of a whole text under one row's table, with padding and begin mark ruled out."""
    logits = table.clone()
    logits[:, [PAD, BOS]] = -math.inf
    path = [BOS, *ids, EOS]
    return sum(float(logits[a].log_softmax(-1)[b]) for a, b in itertools.pairwise(path))


def all_texts():
    words = [token for token in range(V) if token not in (PAD, BOS, EOS)]
    return [list(text) for size in range(LENGTH - 1) for text in itertools.product(words, repeat=size)]


@pytest.mark.parametrize("seed", range(5))
def test_a_wide_beam_finds_the_most_probable_text(seed):
    step, state = markov(seed)
    found = search(step, state, LENGTH, beams=V**3, forbidden=())
    for row, table in zip(found, state.latent, strict=True):
        assert row == max(all_texts(), key=lambda ids: log_p(table, ids))


@pytest.mark.parametrize("seed", range(5))
def test_one_beam_is_greedy_and_more_beams_are_no_worse(seed):
    step, state = markov(seed)
    greedy = write(step, state, LENGTH + 20, most_probable, ())
    one, three = (search(step, state, LENGTH, beams, ()) for beams in (1, 3))
    for row, a, b, table in zip(greedy, one, three, state.latent, strict=True):
        if len(row) <= LENGTH - 2:
            assert a == row
        assert log_p(table, b) >= log_p(table, a) - 1e-6 or a == row


def test_greedy_takes_the_best_token_at_each_step():
    step, state = markov(1)
    for row, table in zip(write(step, state, 12, most_probable, ()), state.latent, strict=True):
        last = BOS
        for token in row:
            logits = table[last].clone()
            logits[[PAD, BOS]] = -math.inf
            assert int(logits.argmax()) == token
            last = token


def test_rows_do_not_depend_on_the_rows_beside_them():
    step, state = markov(2, rows=6)
    together = write(step, state, 10, most_probable, ())
    alone = [write(step, state.rows(torch.tensor([i])), 10, most_probable, ())[0] for i in range(6)]
    assert together == alone
    assert search(step, state, 10, 3, ()) == [
        search(step, state.rows(torch.tensor([i])), 10, 3, ())[0] for i in range(6)
    ]


def test_writing_stops_when_all_rows_have_ended():
    steps = []
    step, state = markov(0, rows=2)
    state.latent[:, :, EOS] = 50.0

    def counted(last, state):
        steps.append(1)
        return step(last, state)

    assert write(counted, state, 40, most_probable, ()) == [[], []]
    assert search(counted, state, 40, 2, ()) == [[], []]
    assert len(steps) == 2


def test_samples_follow_the_models_probabilities():
    step, state = markov(3, rows=1)
    many = DecoderState(torch.zeros(20_000, 1), state.latent.expand(20_000, -1, -1))
    texts = write(step, many, LENGTH, sampled(torch.Generator().manual_seed(0), 1.0, 1.0), ())
    first = torch.tensor([row[0] if row else EOS for row in texts]).bincount(minlength=V) / len(texts)
    logits = state.latent[0, BOS].clone()
    logits[[PAD, BOS]] = -math.inf
    assert torch.allclose(first, logits.softmax(-1), atol=0.015)


def test_top_p_keeps_the_smallest_set_and_low_temperature_is_greedy():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.15, 0.05]])).expand(5000, -1)
    generator = torch.Generator().manual_seed(0)
    shares = sampled(generator, 1.0, 0.7)(logits).bincount(minlength=4) / 5000
    assert shares[2:].sum() == 0 and float(shares[0]) == pytest.approx(0.625, abs=0.03)
    assert (sampled(generator, 1.0, 0.01)(logits) == 0).all()
    assert (sampled(generator, 0.01, 1.0)(logits) == 0).all()


def test_forbidden_tokens_never_come():
    step, state = markov(4, rows=200)
    state.latent[:, :, 3] = 5.0
    assert any(3 in row for row in write(step, state, 10, most_probable, ()))
    for row in write(step, state, 10, most_probable, (3,)) + search(step, state, 10, 2, (3,)):
        assert 3 not in row


def test_a_draw_has_the_shares_of_the_library_and_never_an_id_of_none(monkeypatch) -> None:
    logits = torch.tensor([[-torch.inf, 1.0, 0.2, -torch.inf, 2.0, -torch.inf]])
    choose = sampled(torch.Generator().manual_seed(0), 1.0, 1.0)
    shares = choose(logits.expand(200_000, -1)).bincount(minlength=6) / 200_000
    assert shares.tolist() == pytest.approx(logits[0].softmax(-1).tolist(), abs=4e-3)
    assert shares[0] == shares[3] == shares[5] == 0
    for place, expected in ((0.0, 1), (1.0, 4)):  # the ends of the range, and what rounding up to the whole would give
        monkeypatch.setattr(torch, "rand", lambda shape, place=place, **_: torch.full(shape, place))
        assert choose(logits).tolist() == [expected]
