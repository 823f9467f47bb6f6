"""Texts as token sequences: a bidirectional GRU encoder and a GRU decoder (paper B.2, PTB column).

Legend: B texts, L tokens, N valid tokens of the batch, D latent dimensions, H hidden units, V vocabulary.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from ldebm.data.batches import DialogueBatch, TextBatch
from ldebm.data.tokenizer import BOS, EOS, PAD, UNK
from ldebm.noise import Noise
from ldebm.observation.attention import ContextAttention
from ldebm.observation.base import Decoder, Encoder
from ldebm.observation.cross_entropy import LinearCrossEntropy
from ldebm.observation.decoding import DecoderState, fill, most_probable, sampled, search, write
from ldebm.observation.dropout import ByteDropout
from ldebm.observation.gru import rows_of, run_gru
from ldebm.observation.heads import posterior_of
from ldebm.observation.mean_norm import MeanNorm
from ldebm.posterior import Posterior
from ldebm.presets.config import DecoderConfig, EncoderConfig

Mode = Literal["greedy", "sample", "beam"]


class SequenceEncoder(Encoder[TextBatch]):
    """q(z | x): embedding, bidirectional GRU on packed texts, the two last states, two linear heads.

    With `pooling` the heads also see the mean and the largest value of every hidden unit over the text, and its length.
    With `word_dropout` it learns to read texts with blanks, PAD between the marks: their embedding is zero.
    With a `context` the heads see that too: q(z | x, c).
    With a `bound` the means cannot run away from the prior's Gaussian, and may still be silent.
    With `normalise_means` the means have zero mean and unit variance over the corpus, and variances stay below one:
    the latent's scale is pinned and no dimension can be switched off.
    """

    def __init__(self, config: EncoderConfig, vocabulary: int, latent_size: int, context: int = 0) -> None:
        super().__init__()
        self.embedding = embedding_of(vocabulary, config.embedding_size)
        self.dropout, self.word_dropout = ByteDropout(config.dropout), config.word_dropout
        self.gru = nn.GRU(config.embedding_size, config.hidden_size, batch_first=True, bidirectional=True)
        self.pooling = config.pooling
        features = context + (6 * config.hidden_size + 1 if config.pooling else 2 * config.hidden_size)
        self.mean = nn.Linear(features, latent_size, bias=not config.normalise_means)  # the norm would take a bias away
        self.log_variance = nn.Linear(features, latent_size)
        self.norm, self.bound = MeanNorm(latent_size) if config.normalise_means else None, config.bound

    def encode(self, batch: TextBatch, context_BC: Tensor | None = None) -> Posterior:
        """The posterior of each text; the same alone, in any batch and under any padding."""
        tokens_BL = batch.tokens_BL
        if self.training and self.word_dropout:
            blank_BL = torch.rand(tokens_BL.shape, device=tokens_BL.device) < self.word_dropout
            tokens_BL = tokens_BL.masked_fill(blank_BL & (tokens_BL != BOS) & (tokens_BL != EOS), PAD)
        embedded = self.dropout(self.embedding(tokens_BL))
        packed = pack_padded_sequence(embedded, batch.lengths_B.cpu(), batch_first=True, enforce_sorted=False)
        outputs, last_2BH = run_gru(self.gru, packed, None, self.compute_dtype)
        features = [last_2BH[0], last_2BH[1]]
        if self.pooling:
            states_BLH, lengths_B = pad_packed_sequence(outputs, batch_first=True, padding_value=-torch.inf)
            features.append(states_BLH.amax(1).float())
            lengths_B1 = lengths_B.to(embedded.device)[:, None]
            features.append(_sums(outputs, len(lengths_B)) / lengths_B1)
            features.append(lengths_B1.float().log())
        if context_BC is not None:
            features.append(context_BC)
        state = F.leaky_relu(torch.cat(features, -1))
        return posterior_of(self.mean(state), self.log_variance(state), self.norm, self.bound)


class SequenceDecoder(Decoder[TextBatch]):
    """p(x | z): a GRU that sees z at every step and starts from it; its output is tied to its embedding.

    With an `attention` the texts are responses, and their words may be those of the turns before.
    """

    def __init__(
        self,
        config: DecoderConfig,
        vocabulary: int,
        latent_size: int,
        max_length: int,
        attention: ContextAttention | None = None,
    ) -> None:
        super().__init__()
        self.max_length = max_length
        self.word_dropout = config.word_dropout
        self.embedding = embedding_of(vocabulary, config.hidden_size)
        self.dropout = ByteDropout(config.dropout)
        self.first = nn.Linear(latent_size, config.hidden_size, bias=False)
        self.gru = nn.GRU(config.hidden_size + latent_size, config.hidden_size, batch_first=True)
        self.latent_to_output = (
            nn.Linear(latent_size, config.hidden_size, bias=False) if config.latent_to_output else None
        )
        self.attention = attention

    def log_likelihood(self, z_BD: Tensor, batch: TextBatch, noise: Noise | None = None) -> Tensor:
        """log p(x | z) of each text in nats, B: the sum over its valid tokens, the end mark included.

        Args:
            noise: source of the word dropout, in training mode.
        """
        lengths_B = (batch.lengths_B - 1).cpu()
        inputs_BL, targets_BL = batch.tokens_BL[:, :-1], batch.tokens_BL[:, 1:]
        if self.training and self.word_dropout and noise is not None:
            inputs_BL = self._hide_words(inputs_BL, noise)
        embedded = self.dropout(self.embedding(inputs_BL))
        z_BLD = z_BD[:, None, :].expand(-1, inputs_BL.shape[1], -1)
        packed = pack(torch.cat([embedded, z_BLD], -1), lengths_B)
        targets_N = pack(targets_BL, lengths_B).data
        row_N = rows_of(packed)
        outputs, _ = run_gru(self.gru, packed, self.first(z_BD)[None], self.compute_dtype)
        hidden_NH, table_VH = outputs.data, self.embedding.weight.to(self.compute_dtype)
        if self.latent_to_output is not None:
            hidden_NH = hidden_NH + self.latent_to_output(z_BD).to(self.compute_dtype)[row_N]
        if self.attention is not None:
            assert isinstance(batch, DialogueBatch)
            states_BLH, _ = pad_packed_sequence(outputs, batch_first=True)
            found_BLH = self.attention(states_BLH, self.attention.memory(batch, table_VH))
            hidden_NH = hidden_NH + pack(found_BLH, lengths_B).data
        loss_N = LinearCrossEntropy.apply(self.dropout(hidden_NH), table_VH, targets_N)
        return z_BD.new_zeros(len(z_BD)).index_add(0, row_N, -loss_N)

    def decode(
        self,
        z_BD: Tensor,
        mode: Mode = "greedy",
        generator: torch.Generator | None = None,
        max_length: int | None = None,
        temperature: float = 1.0,
        top_p: float = 1.0,
        beams: int = 5,
        forbidden: tuple[int, ...] = (),
        context: DialogueBatch | None = None,
    ) -> list[list[int]]:
        """Write a text for each latent; ids without the marks. `forbidden` ids are never written.

        Args:
            context: what a decoder with an attention answers, a row for every so many latents in their order; the
                responses in it are not read.
        """
        length = max_length or self.max_length
        step, state = self._stepper(z_BD, context)
        if mode == "beam":
            return search(step, state, length, beams, forbidden)
        choose = most_probable if mode == "greedy" else sampled(generator, temperature, top_p)
        return write(step, state, length, choose, forbidden)

    def fill(
        self, z_BD: Tensor, batch: TextBatch, beams: int, forbidden: tuple[int, ...] = ()
    ) -> tuple[Tensor, Tensor]:
        """The most probable fillings of each text's blanks (PAD between the marks) given its latent, and their
        log p(x | z) in nats: [B, W, L] and [B, W]."""
        step, state = self._stepper(z_BD)
        return fill(step, state, batch.tokens_BL, batch.lengths_B, beams, forbidden)

    @torch.no_grad()
    def _stepper(self, z_BD: Tensor, context: DialogueBatch | None = None):  # type: ignore[no-untyped-def]
        """One step of the decoder over whatever rows its state holds, with weights lowered once."""
        dtype = self.compute_dtype
        table_VH = self.embedding.weight.to(dtype)
        weights = [weight.to(dtype) for weight in self.gru.parameters()]
        extra_HD = None if self.latent_to_output is None else self.latent_to_output.weight.to(dtype)

        memory = None
        if self.attention is not None:
            assert context is not None
            memory = self.attention.memory(context, table_VH)
            if len(z_BD) > len(context):  # each context has been read once
                rows_C = torch.arange(len(context), device=z_BD.device)
                memory = memory.rows(rows_C.repeat_interleave(len(z_BD) // len(context)))

        def step(last_B: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
            inputs = torch.cat([table_VH[last_B], state.latent], -1)
            hidden = torch.gru_cell(inputs, state.hidden, *weights)
            outputs = hidden if extra_HD is None else hidden + state.latent @ extra_HD.T
            if self.attention is not None:
                outputs = outputs + self.attention(hidden[:, None], state.memory).squeeze(1)
            return outputs @ table_VH.T, DecoderState(hidden, state.latent, state.memory)

        return step, DecoderState(self.first(z_BD).to(dtype), z_BD.to(dtype), memory)

    def _hide_words(self, inputs_BL: Tensor, noise: Noise) -> Tensor:
        uniform_BL = noise.uniform(len(inputs_BL), self.max_length, device=inputs_BL.device)
        hidden_BL = uniform_BL[:, : inputs_BL.shape[1]] < self.word_dropout
        hidden_BL[:, 0] = False  # the begin mark says nothing that could be hidden
        return torch.where(hidden_BL, UNK, inputs_BL)


def embedding_of(rows: int, size: int) -> nn.Embedding:
    """An embedding, uniform in +-0.1 as published; padding stays zero."""
    embedding = nn.Embedding(rows, size, padding_idx=PAD)
    with torch.no_grad():
        embedding.weight.uniform_(-0.1, 0.1)[PAD] = 0.0
    return embedding


def _sums(packed: PackedSequence, texts: int) -> Tensor:
    """Sum of each text's rows in fp32."""
    total_BH = packed.data.new_zeros(texts, packed.data.shape[-1], dtype=torch.float32)
    return total_BH.index_add(0, rows_of(packed), packed.data.float())


def pack(x: Tensor, lengths_B: Tensor) -> PackedSequence:
    """The valid tokens of padded rows in any order."""
    return pack_padded_sequence(x, lengths_B, batch_first=True, enforce_sorted=False)
