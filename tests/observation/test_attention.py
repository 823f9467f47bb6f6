"""Attention over the words of a context: what is looked at, and that a decoder reads and writes with it alike."""

import dataclasses

import numpy as np
import pytest
import torch

from ldebm.data.tokenizer import BOS, EOS, PAD, UNK
from ldebm.observation import ContextAttention, SequenceDecoder
from ldebm.presets.config import DecoderConfig
from tests.observation.test_context import TOKENIZER, corpus  # noqa: F401 (a fixture)

V, H, D = len(TOKENIZER), 16, 5


@pytest.fixture
def attention():
    torch.manual_seed(0)
    return ContextAttention(H, speakers=1, turns=3)


@pytest.fixture
def table():
    return torch.randn(V, H, generator=torch.Generator().manual_seed(1))


def test_it_is_a_softmax_over_the_words_and_nothing(corpus, attention, table) -> None:  # noqa: F811
    """Row 12 is the letter h, after e, f and g, of which f was said by a known speaker."""
    batch, state_H = corpus.batch(np.array([12])), torch.randn(H, generator=torch.Generator().manual_seed(2))
    found_H = attention(state_H.view(1, 1, H), attention.memory(batch, table)).view(H)
    keys, values = [torch.zeros(H)], [torch.zeros(H)]
    for age, (word, speaker) in enumerate([("g", 0), ("f", 1), ("e", 0)]):
        [[_, id_, _]] = TOKENIZER.encode([word], 3)
        said_H = table[id_] + attention.speaker.weight[speaker] + attention.age.weight[age]
        keys.append(attention.key.weight @ said_H)
        values.append(attention.value.weight @ table[id_])
    score_S = torch.stack(keys) @ (attention.query.weight @ state_H) / H**0.5
    assert torch.allclose(found_H, score_S.softmax(0) @ torch.stack(values), atol=1e-5)


def test_a_first_turn_finds_nothing_and_the_rest_of_a_batch_does_not_matter(corpus, attention, table) -> None:  # noqa: F811
    rows = np.array([0, 2, 4, 12])
    states_BTH = torch.randn(4, 2, H)
    together = attention(states_BTH, attention.memory(corpus.batch(rows), table))
    assert not together[0].any() and bool(together[1:].any(-1).all())
    for place, row in enumerate(rows):
        alone = attention(states_BTH[place : place + 1], attention.memory(corpus.batch(np.array([row])), table))
        assert torch.allclose(alone[0], together[place], atol=1e-5)


def test_marks_and_unknown_words_are_not_looked_at(corpus, attention, table) -> None:  # noqa: F811
    batch = corpus.batch(np.array([2]))  # whose dialogue has two turns before it, of three at most
    batch = dataclasses.replace(batch, turns_BPL=torch.where(batch.turns_BPL == BOS, UNK, batch.turns_BPL))
    assert {PAD, UNK, EOS} <= set(batch.turns_BPL.unique().tolist())
    other = table.clone()
    other[: UNK + 1] += 1.0
    states_BTH = torch.randn(1, 2, H)
    before, after = (attention(states_BTH, attention.memory(batch, each)) for each in (table, other))
    assert torch.equal(before, after)


def test_a_decoder_reads_and_writes_with_it_alike(corpus, attention) -> None:  # noqa: F811
    torch.manual_seed(3)
    decoder = SequenceDecoder(DecoderConfig(hidden_size=H, latent_to_output=True), V, D, 20, attention).eval()
    with torch.no_grad():
        decoder.embedding.weight.mul_(10)
    batch, z_BD = corpus.batch(np.arange(13)), torch.randn(13, D)
    step, state = decoder._stepper(z_BD, batch)
    total_B = torch.zeros(13)
    for place in range(batch.tokens_BL.shape[1] - 1):
        logits_BV, state = step(batch.tokens_BL[:, place], state)
        target_B = batch.tokens_BL[:, place + 1]
        log_p_B = logits_BV.log_softmax(-1).gather(1, target_B[:, None]).squeeze(1)
        total_B += torch.where(target_B == PAD, 0.0, log_p_B)
    assert torch.allclose(total_B, decoder.log_likelihood(z_BD, batch), atol=1e-4)
    other = dataclasses.replace(batch, turns_BPL=batch.turns_BPL.flip(0), turn_lengths_BP=batch.turn_lengths_BP.flip(0))
    assert not torch.allclose(total_B, decoder.log_likelihood(z_BD, other), atol=1e-2)
    for mode in ("greedy", "beam"):  # rows of the memory move with texts that end, and with beams
        together = decoder.decode(z_BD, mode, beams=3, context=batch)
        for row in range(13):
            assert decoder.decode(z_BD[[row]], mode, beams=3, context=corpus.batch(np.array([row]))) == [together[row]]
        opposite = decoder.decode(-z_BD, mode, beams=3, context=batch)
        both = decoder.decode(torch.stack([z_BD, -z_BD], 1).flatten(0, 1), mode, beams=3, context=batch)
        assert (both[::2], both[1::2]) == (together, opposite) and together != opposite  # two latents a context


def test_padding_takes_no_place(corpus, attention, table) -> None:  # noqa: F811
    batch = corpus.batch(np.arange(13))
    words_B = (batch.turns_BPL > UNK).flatten(1).sum(1)
    memory = attention.memory(batch, table)
    assert memory.key_BSH.shape[1] == 1 + words_B.max() < batch.turns_BPL[0].numel()
    assert torch.equal(memory.there_BS.sum(1), 1 + words_B)


def test_first_turns_alone_leave_no_parameter_without_a_gradient(corpus, attention) -> None:  # noqa: F811
    """Other processes wait for each of them."""
    decoder = SequenceDecoder(DecoderConfig(hidden_size=H), V, D, 20, attention)
    decoder.log_likelihood(torch.randn(2, D), corpus.batch(np.array([0, 3]))).sum().backward()
    assert corpus.batch(np.array([0, 3])).turn_lengths_BP.sum() == 0
    assert all(parameter.grad is not None for parameter in attention.parameters())
