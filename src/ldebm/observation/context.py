"""What came before a response as one vector: a GRU over words for each turn, a GRU over turns.

After the paper's encoder of dialogues (B.2), which reads a turn with attention where the last states stand here.

Legend: B responses, P previous turns at most, M turns in all, L tokens, H hidden units, C size of the context.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from ldebm.data.batches import DialogueBatch
from ldebm.data.tokenizer import PAD
from ldebm.observation.dropout import ByteDropout
from ldebm.observation.gru import run_gru
from ldebm.observation.sequence import embedding_of
from ldebm.presets.config import ContextConfig


class ContextEncoder(nn.Module):
    """c = context(previous turns with their speakers, speaker of the response), BC.

    Args:
        speakers: how many there are; -1 in a batch is one that was not known in training.
    """

    def __init__(self, config: ContextConfig, vocabulary: int, speakers: int) -> None:
        super().__init__()
        self.size = config.hidden_size
        self.embedding = embedding_of(vocabulary, config.embedding_size)
        self.dropout = ByteDropout(config.dropout)
        self.words = nn.GRU(config.embedding_size, config.hidden_size // 2, batch_first=True, bidirectional=True)
        self.speaker = nn.Embedding(speakers + 1, config.hidden_size, padding_idx=0)  # 0: of nobody known
        with torch.no_grad():
            self.speaker.weight.uniform_(-0.1, 0.1)[0] = 0.0  # as words are, lest who spoke drown what was said
        self.turns = nn.GRU(config.hidden_size, config.hidden_size, batch_first=True)
        self.compute_dtype = torch.float32

    def forward(self, batch: DialogueBatch) -> Tensor:
        """The context of each response; one without previous turns has that of its speaker alone."""
        there_BP = batch.turn_lengths_BP > 0
        turns_BPC = torch.zeros(*there_BP.shape, self.size, device=there_BP.device)
        read_MC = self._read(batch.turns_BPL[there_BP], batch.turn_lengths_BP[there_BP])
        turns_BPC[there_BP] = read_MC + self.speaker(batch.turn_speakers_BP[there_BP] + 1)
        # The response is the last turn, of which the speaker alone is known.
        own_B1C = self.speaker(batch.speaker_B + 1)[:, None]
        counts_B = there_BP.sum(1)
        order_BP = torch.argsort(~there_BP, dim=1, stable=True)  # turns first, oldest first
        turns_BPC = turns_BPC.gather(1, order_BP[:, :, None].expand_as(turns_BPC))
        sequence_BPC = torch.cat([turns_BPC, torch.zeros_like(own_B1C)], 1)
        place_B11 = counts_B[:, None, None].expand(-1, 1, self.size)
        sequence_BPC = sequence_BPC.scatter(1, place_B11, own_B1C)
        packed = pack_padded_sequence(sequence_BPC, (counts_B + 1).cpu(), batch_first=True, enforce_sorted=False)
        _, last_1BC = run_gru(self.turns, packed, None, self.compute_dtype)
        context_BC: Tensor = F.leaky_relu(last_1BC[0].float())
        return context_BC

    def _read(self, tokens_ML: Tensor, lengths_M: Tensor) -> Tensor:
        """Each turn as a vector, MC; there may be none.

        A turn of padding is read with them: in a batch of first turns alone the parameters would have no gradient, for
        which the other processes wait.
        """
        embedded = self.dropout(self.embedding(F.pad(tokens_ML, (0, 1, 0, 1), value=PAD)))
        lengths = F.pad(lengths_M, (0, 1), value=1).cpu()
        packed = pack_padded_sequence(embedded, lengths, batch_first=True, enforce_sorted=False)
        _, last_2MH = run_gru(self.words, packed, None, self.compute_dtype)
        return torch.cat([last_2MH[0], last_2MH[1]], -1)[:-1].float()
