"""What was said before, for a decoder to say again: attention over the words of a context.

A word is found by its embedding, who said it and how many turns ago; what is found is added to the decoder's output, at
first as the words' own output embeddings, so that to look at a word is to make it more probable. After Madotto et al.
2018 (Mem2Seq), whose memory also is of words with speaker and turn; the paper's decoder sees the context as one vector.

Legend: B responses, P previous turns at most, L tokens of a turn, S places to look at, T tokens of a response, H hidden
units, V vocabulary.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ldebm.data.batches import DialogueBatch
from ldebm.data.tokenizer import UNK


class Memory(NamedTuple):
    """The words of each context; the first place is nothing, for steps that repeat no word."""

    key_BSH: Tensor
    value_BSH: Tensor
    there_BS: Tensor

    def rows(self, index: Tensor) -> Memory:
        return Memory(*(part[index] for part in self))


class ContextAttention(nn.Module):
    """Attention from a decoder's states to the words of the turns before.

    Args:
        size: H of the decoder and of its embedding.
        speakers: how many there are; -1 in a batch is one that was not known in training.
        turns: P.
    """

    def __init__(self, size: int, speakers: int, turns: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(size, size, bias=False) for _ in range(3))
        nn.init.eye_(self.value.weight)  # at first a word that is looked at is a word that is said
        self.speaker, self.age = nn.Embedding(speakers + 1, size, padding_idx=0), nn.Embedding(turns, size)
        for embedding in (self.speaker, self.age):
            nn.init.uniform_(embedding.weight, -0.1, 0.1)
        with torch.no_grad():
            self.speaker.weight[0] = 0.0  # of nobody known

    def memory(self, batch: DialogueBatch, table_VH: Tensor) -> Memory:
        """What there is to look at, in the precision of the decoder's embedding `table_VH`; marks and unknown words are
        not."""
        dtype, length = table_VH.dtype, batch.turns_BPL.shape[2]
        there_BP = batch.turn_lengths_BP > 0
        after_BP = there_BP.flip(1).cumsum(1).flip(1) - 1  # turns between this one and the response
        words_BS = batch.turns_BPL.flatten(1)
        seen_BS = words_BS > UNK
        # Most of a batch's places are padding: those to look at come first, as many as the fullest context has.
        kept_BS = torch.argsort(~seen_BS, dim=1, stable=True)[:, : int(seen_BS.sum(1).max())]
        turn_BS = kept_BS // length
        age_BSH = self.age(after_BP.gather(1, turn_BS).clamp(min=0))
        speaker_BSH = self.speaker(batch.turn_speakers_BP.gather(1, turn_BS) + 1)
        words_BSH = F.embedding(words_BS.gather(1, kept_BS), table_VH)
        said_BSH = words_BSH + (age_BSH + speaker_BSH).to(dtype)
        return Memory(
            F.pad(F.linear(said_BSH, self.key.weight.to(dtype)), (0, 0, 1, 0)),
            F.pad(F.linear(words_BSH, self.value.weight.to(dtype)), (0, 0, 1, 0)),
            F.pad(seen_BS.gather(1, kept_BS), (1, 0), value=True),
        )

    def forward(self, states_BTH: Tensor, memory: Memory) -> Tensor:
        """What each state finds, BTH."""
        query_BTH = F.linear(states_BTH, self.query.weight.to(states_BTH.dtype))
        found_B1TH = F.scaled_dot_product_attention(
            query_BTH[:, None], memory.key_BSH[:, None], memory.value_BSH[:, None], memory.there_BS[:, None, None]
        )
        return found_B1TH.squeeze(1)
