"""A plain language model: the judge that reverse and forward perplexity are read off, always trained alike.

Legend: B texts, L tokens, N valid tokens, H hidden units, V vocabulary.
"""

from __future__ import annotations

import abc
import copy
import math
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from ldebm.data.batches import TextBatch, TokenizedCorpus, bucketed, in_order
from ldebm.data.tokenizer import BOS
from ldebm.observation.decoding import DecoderState, Step, fill, sampled, write
from ldebm.observation.dropout import ByteDropout
from ldebm.observation.gru import fastest_dtype, rows_of
from ldebm.observation.sequence import embedding_of, pack

_READ_ROWS, _WRITE_ROWS = 128, 1024


@dataclass(frozen=True)
class Recipe:
    """How a language model is trained: Adam, gradients clipped at a norm of 1, the learning rate halved after an epoch
    without a better validation loss, an end after the second such epoch in a row. The best epoch is kept."""

    epochs: int = 12
    batch_size: int = 64
    learning_rate: float = 3e-3


JUDGE = Recipe(epochs=6, learning_rate=4e-3)
JUDGE_SIZE, JUDGE_DROPOUT = 128, 0.2
FREQUENT = (0.1, 0.4)  # shares of the vocabulary where the adaptive softmax is cut

Fitted = TypeVar("Fitted", bound="WordModel")


class WordModel(nn.Module, abc.ABC):
    """A distribution of texts, word by word and without a latent, that `fit` trains."""

    @abc.abstractmethod
    def log_likelihood(self, batch: TextBatch, skip: int | None = None) -> Tensor:
        """log p of each text in nats, B: the sum over its tokens but those with the id `skip`, the end mark
        included."""

    @abc.abstractmethod
    def set_compute_dtype(self, dtype: torch.dtype) -> None:
        """Precision of the large matrix products."""

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device


class LanguageModel(WordModel):
    """p(x): embedding, one LSTM layer, dropout on its inputs and outputs, an adaptive softmax.

    That softmax (Grave et al. 2017) is as good a model as a plain one here and costs a third: ids are ordered by
    frequency, and the rare ones stand behind a step of their own.
    """

    def __init__(self, vocabulary: int, size: int = JUDGE_SIZE, dropout: float = JUDGE_DROPOUT) -> None:
        super().__init__()
        self.embedding = embedding_of(vocabulary, size)
        self.dropout = ByteDropout(dropout)
        self.lstm = nn.LSTM(size, size, batch_first=True)
        cuts = sorted({max(1, int(share * vocabulary)) for share in FREQUENT})
        self.softmax = nn.AdaptiveLogSoftmaxWithLoss(size, vocabulary, cuts, div_value=2.0)
        self.compute_dtype = torch.float32

    def set_compute_dtype(self, dtype: torch.dtype) -> None:
        self.compute_dtype = dtype

    def log_likelihood(self, batch: TextBatch, skip: int | None = None) -> Tensor:
        dtype = self.compute_dtype
        lengths_B = (batch.lengths_B - 1).cpu()
        packed = pack(self.dropout(self.embedding(batch.tokens_BL[:, :-1])).to(dtype), lengths_B)
        targets_N, row_N = pack(batch.tokens_BL[:, 1:], lengths_B).data, rows_of(packed)
        lowered = {name: weight.to(dtype) for name, weight in self.lstm.named_parameters()}
        outputs, _ = torch.func.functional_call(self.lstm, lowered, (packed,))
        hidden_NH = self.dropout(outputs.data)
        with torch.autocast(self.device.type, dtype, enabled=dtype != torch.float32):
            log_p_N = self.softmax(hidden_NH, targets_N).output.float()
        if skip is not None:
            log_p_N = log_p_N * (targets_N != skip)
        return log_p_N.new_zeros(len(lengths_B)).index_add(0, row_N, log_p_N)

    @torch.no_grad()
    def sample(
        self,
        n: int,
        generator: torch.Generator | None,
        max_length: int,
        temperature: float = 1.0,
        first: int | None = None,
    ) -> list[list[int]]:
        """Ancestral samples: ids without the marks, of texts of at most `max_length` ids with them.

        Args:
            first: an id that stands before every text, and that is not among its ids.
        """
        step = self._stepper()
        texts: list[list[int]] = []
        for start in range(0, n, _WRITE_ROWS):
            rows = min(_WRITE_ROWS, n - start)
            state, after = self._start(rows), step
            if first is not None:
                _, state = step(torch.full((rows,), BOS, device=self.device), state)
                after = _beginning_with(first, step)
            texts += write(after, state, max_length, sampled(generator, temperature, 1.0), ())
        return texts

    def fill(self, batch: TextBatch, beams: int, forbidden: tuple[int, ...] = ()) -> tuple[Tensor, Tensor]:
        """The most probable fillings of each text's blanks (PAD between the marks) and their log p(x) in nats:
        [B, W, L] and [B, W]."""
        start = self._start(len(batch))
        return fill(self._stepper(), start, batch.tokens_BL, batch.lengths_B, beams, forbidden)

    def _start(self, rows: int) -> DecoderState:
        """Hidden and cell state beside each other, and no latent."""
        zero = self.embedding.weight.detach()
        return DecoderState(zero.new_zeros(rows, 2 * self.lstm.hidden_size), zero.new_zeros(rows, 0))

    @torch.no_grad()
    def _stepper(self) -> Step:
        weights, table_VH = [weight.detach() for weight in self.lstm.parameters()], self.embedding.weight.detach()
        size = self.lstm.hidden_size

        def step(last_B: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
            hidden_BH, cell_BH = torch.lstm_cell(table_VH[last_B], state.hidden.split(size, -1), *weights)
            return self.softmax.log_prob(hidden_BH), DecoderState(torch.cat([hidden_BH, cell_BH], -1), state.latent)

        return step


def _beginning_with(first: int, step: Step) -> Step:
    """The step that reads `first` where texts begin; nothing but their beginning has the begin mark."""

    def after(last_B: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState]:
        return step(last_B.masked_fill(last_B == BOS, first), state)

    return after


def fit(model: Fitted, training: TokenizedCorpus, validation: TokenizedCorpus, recipe: Recipe, seed: int) -> Fitted:
    """`model` trained by the recipe, as it was after its best epoch. Runs on the device that the model is on."""
    device = model.device
    torch.manual_seed(seed)  # of dropout
    optimiser = torch.optim.Adam(model.parameters(), recipe.learning_rate, fused=True)
    best, kept, worse = math.inf, copy.deepcopy(model.state_dict()), 0
    for epoch in range(recipe.epochs):
        model.train()
        model.set_compute_dtype(fastest_dtype(device))
        for index in bucketed(training.lengths_N, recipe.batch_size, seed, epoch):
            batch = training.batch(index).to(device)
            loss = -model.log_likelihood(batch).sum() / (batch.lengths_B - 1).sum()
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
        found = cross_entropy(model, validation)
        if found < best:
            best, kept, worse = found, copy.deepcopy(model.state_dict()), 0
            continue
        worse += 1
        if worse == 2:
            break
        for group in optimiser.param_groups:
            group["lr"] /= 2
    model.load_state_dict(kept)
    return model


@torch.no_grad()
def cross_entropy(model: WordModel, corpus: TokenizedCorpus, skip: int | None = None) -> float:
    """Nats a token over the whole corpus, end marks included and the id `skip` left out; its exponential is the
    perplexity."""
    model.eval()
    model.set_compute_dtype(torch.float32)
    log_likelihood, tokens = 0.0, 0
    for index in in_order(corpus.lengths_N, _READ_ROWS):
        batch = corpus.batch(index).to(model.device)
        log_likelihood += float(model.log_likelihood(batch, skip).double().sum())
        tokens += int((batch.lengths_B - 1).sum()) - int((batch.tokens_BL == skip).sum() if skip is not None else 0)
    return -log_likelihood / tokens
