"""The context of a response: what it reads, and that nothing else in a batch matters."""

import dataclasses

import datasets
import numpy as np
import pytest
import torch

from ldebm.data.batches import TokenizedDialogues
from ldebm.data.dialogues import FEATURES
from ldebm.data.tokenizer import Tokenizer
from ldebm.observation.context import ContextEncoder
from ldebm.presets.config import Config, ContextConfig, DataConfig, ModelConfig

DIALOGUES = (("hello", "good day how are you", "fine"), ("where is it", "there"), tuple("abcdefgh"))
TOKENIZER = Tokenizer.train([" ".join(turns) for turns in DIALOGUES], "whitespace", 100, False)


@pytest.fixture
def corpus():
    rows = [
        (text, None, "me" if place % 2 else "you", place) for turns in DIALOGUES for place, text in enumerate(turns)
    ]
    columns = dict(zip(FEATURES, map(list, zip(*rows, strict=True)), strict=True))
    dataset = datasets.Dataset.from_dict(columns, features=FEATURES)
    return TokenizedDialogues.of_turns(
        dataset,
        TOKENIZER,
        Config(data=DataConfig(max_length=20, speakers=("me",)), model=ModelConfig(context=ContextConfig(turns=3))),
    )


def test_a_response_has_the_turns_before_it_in_its_dialogue_and_no_others(corpus) -> None:
    batch = corpus.batch(np.array([0, 2, 4, 12]))

    def read(tokens, lengths):
        return [TOKENIZER.decode(row[:length].tolist()) for row, length in zip(tokens, lengths, strict=True) if length]

    contexts = [read(*row) for row in zip(batch.turns_BPL, batch.turn_lengths_BP, strict=True)]
    assert contexts == [[], ["hello", "good day how are you"], ["where is it"], ["e", "f", "g"]]
    assert read(batch.tokens_BL, batch.lengths_B) == ["hello", "fine", "there", "h"]
    assert batch.speaker_B.tolist() == [-1, -1, 0, 0]  # "you" is no speaker that training knew
    assert batch.turn_speakers_BP[3].tolist() == [-1, 0, -1]
    assert len(batch.rows(slice(1, 3))) == 2


def test_a_context_is_the_same_alone_and_reads_turns_order_and_speakers(corpus) -> None:
    torch.manual_seed(0)
    encoder = ContextEncoder(ContextConfig(embedding_size=8, hidden_size=12), len(TOKENIZER), 1).eval()
    batch = corpus.batch(np.arange(13))
    together = encoder(batch)
    assert together.shape == (13, 12)
    for row in range(13):
        assert torch.allclose(encoder(corpus.batch(np.array([row]))), together[row : row + 1], atol=1e-5)

    def changed(name, place, value):
        """The rows whose context is another where one number of the batch is."""
        tensor = getattr(batch, name).clone()
        tensor[place] = value
        other = encoder(dataclasses.replace(batch, **{name: tensor}))
        return [row for row in range(13) if not torch.allclose(other[row], together[row], atol=1e-6)]

    word = TOKENIZER.encode(["fine"], 20)[0][1]
    assert changed("turns_BPL", (2, 2, 1), word) == [2]
    assert changed("turns_BPL", (0, 0, 1), word) == []  # there is no such turn
    assert changed("turn_speakers_BP", (12, 1), -1) == [12] and changed("speaker_B", 12, -1) == [12]
    turns = dataclasses.replace(batch, turns_BPL=batch.turns_BPL.flip(1), turn_lengths_BP=batch.turn_lengths_BP.flip(1))
    assert not torch.allclose(encoder(turns)[12], together[12], atol=1e-6)


def test_first_turns_alone_leave_no_parameter_without_a_gradient(corpus) -> None:
    """Processes that train together wait for every parameter's gradient."""
    encoder = ContextEncoder(ContextConfig(embedding_size=8, hidden_size=12), len(TOKENIZER), 1)
    encoder(corpus.batch(np.array([0, 3]))).sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())
