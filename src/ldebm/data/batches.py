"""A whole corpus in arrays (token ids, or points), and batches of it.

B batch, L tokens of the longest text in it, N examples of the corpus, X dimensions of a point, P previous turns.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from itertools import chain
from typing import Protocol, Self

import datasets
import numpy as np
import torch
from torch import Tensor

from ldebm.data.tokenizer import EOS, PAD, Tokenizer
from ldebm.presets.config import Config

_READ = 10_000  # texts tokenised at a time
_POOL = 50  # batches sorted together: enough that the lengths in a batch are near, few enough that batches stay random


@dataclass(frozen=True, eq=False)
class Batch:
    """What batches of any observation share. `symbols_B`: index of the label, -1 where it is unknown. `index_B`: row in
    the corpus. Both int64.
    """

    symbols_B: Tensor
    index_B: Tensor

    def to(self, device: torch.device | str) -> Self:
        """The batch with its tensors on `device`."""
        return self._each(lambda tensor: tensor.to(device, non_blocking=True))

    def rows(self, rows: slice) -> Self:
        """Some of its rows."""
        return self._each(lambda tensor: tensor[rows])

    def _each(self, change: Callable[[Tensor], Tensor]) -> Self:
        return type(self)(**{field.name: change(getattr(self, field.name)) for field in fields(self)})

    def __len__(self) -> int:
        return len(self.index_B)


@dataclass(frozen=True, eq=False)
class TextBatch(Batch):
    """`tokens_BL`: ids with BOS and EOS, padded with PAD. `lengths_B`: ids of each text, BOS and EOS counted. int64."""

    tokens_BL: Tensor
    lengths_B: Tensor


@dataclass(frozen=True, eq=False)
class DialogueBatch(TextBatch):
    """Responses, and what each answers, oldest turn first: `turns_BPL` as `tokens_BL`, `turn_lengths_BP` (0: no turn),
    `turn_speakers_BP` and `speaker_B`, places in the corpus' speakers (-1: none of them). All int64."""

    turns_BPL: Tensor
    turn_lengths_BP: Tensor
    turn_speakers_BP: Tensor
    speaker_B: Tensor

    def alone(self, rows_B: Tensor) -> Self:
        """The batch with nothing said before these rows (bool)."""
        return replace(
            self,
            turns_BPL=self.turns_BPL.masked_fill(rows_B[:, None, None], PAD),
            turn_lengths_BP=self.turn_lengths_BP.masked_fill(rows_B[:, None], 0),
            turn_speakers_BP=self.turn_speakers_BP.masked_fill(rows_B[:, None], -1),
        )


@dataclass(frozen=True, eq=False)
class PointBatch(Batch):
    """`points_BX`: points in a space of X dimensions, float32."""

    points_BX: Tensor


class EncodedCorpus(Protocol):
    """Examples as a trainer wants them. `lengths_N` int64: similar lengths share a batch."""

    lengths_N: np.ndarray

    def __len__(self) -> int: ...
    def batch(self, indices: np.ndarray) -> Batch: ...


class PointCorpus:
    """Points [N, X] float32 as examples."""

    def __init__(self, points_NX: np.ndarray) -> None:
        self.points_NX = points_NX
        self.lengths_N = np.ones(len(points_NX), np.int64)

    def __len__(self) -> int:
        return len(self.points_NX)

    def batch(self, indices: np.ndarray) -> PointBatch:
        """The points of the rows `indices` [B], in that order, as a batch on the CPU."""
        return PointBatch(
            symbols_B=torch.full((len(indices),), -1),
            index_B=torch.from_numpy(np.array(indices, dtype=np.int64)),
            points_BX=torch.from_numpy(self.points_NX[indices]),
        )


class TokenizedCorpus:
    """A corpus as ids: 4 bytes a token and 24 a text. `ids` has the texts one after the other, each from its place in
    `starts_N`; that, `lengths_N` and `symbols_N` are int64.

    `cut` is the number of texts that were longer than the limit.
    """

    def __init__(self, ids: np.ndarray, lengths_N: np.ndarray, symbols_N: np.ndarray, cut: int) -> None:
        self.ids = ids
        self.starts_N = np.cumsum(lengths_N) - lengths_N
        self.lengths_N = lengths_N
        self.symbols_N = symbols_N
        self.cut = cut

    @classmethod
    def build(
        cls, dataset: datasets.Dataset, tokenizer: Tokenizer, max_length: int, labels: Sequence[str] | None
    ) -> Self:
        """The texts of `dataset` (columns text, label), at most `max_length` ids each, and their places in `labels`.

        Reads a stretch at a time: no list of the corpus is ever held.
        """
        symbol_of = {label: symbol for symbol, label in enumerate(labels or ())}
        ids, lengths, symbols, cut = array("i"), array("q"), array("q"), 0
        for stretch in dataset.iter(batch_size=_READ):
            # One id more than the limit shows which texts are longer.
            for row in (rows := tokenizer.encode(stretch["text"], max_length + 1)):
                if len(row) > max_length:
                    row[max_length - 1 :] = [EOS]
                    cut += 1
            ids.extend(chain.from_iterable(rows))
            lengths.extend(map(len, rows))
            symbols.extend(symbol_of.get(label, -1) for label in stretch["label"])
        return cls(
            np.frombuffer(ids, dtype=np.int32),
            np.frombuffer(lengths, dtype=np.int64),
            np.frombuffer(symbols, dtype=np.int64),
            cut,
        )

    @classmethod
    def of_texts(cls, texts: Sequence[str], tokenizer: Tokenizer, max_length: int) -> Self:
        """Texts without labels, as `build` takes them."""
        rows = datasets.Dataset.from_dict({"text": list(texts), "label": [None] * len(texts)})
        return cls.build(rows, tokenizer, max_length, None)

    def __len__(self) -> int:
        return len(self.lengths_N)

    def batch(self, indices: np.ndarray) -> TextBatch:
        """The texts of the rows `indices` [B], in that order, as a batch on the CPU."""
        lengths_B = self.lengths_N[indices]
        columns_L = np.arange(lengths_B.max(initial=0))
        held_BL = columns_L < lengths_B[:, None]
        tokens_BL = np.full(held_BL.shape, PAD, dtype=np.int64)
        tokens_BL[held_BL] = self.ids[(self.starts_N[indices][:, None] + columns_L)[held_BL]]
        return TextBatch(
            tokens_BL=torch.from_numpy(tokens_BL),
            lengths_B=torch.from_numpy(lengths_B),
            symbols_B=torch.from_numpy(self.symbols_N[indices]),
            index_B=torch.from_numpy(np.array(indices, dtype=np.int64)),
        )


class TokenizedDialogues(TokenizedCorpus):
    """Turns in order as ids, every one a response to at most `previous` turns before it in its dialogue.

    Args:
        turns: the turns, one after the other.
        speaker_N, position_N: of each turn, its speaker's place (-1: unknown) and the turns before it in its dialogue.
    """

    def __init__(self, turns: TokenizedCorpus, speaker_N: np.ndarray, position_N: np.ndarray, previous: int) -> None:
        super().__init__(turns.ids, turns.lengths_N, turns.symbols_N, turns.cut)
        self.speaker_N, self.position_N, self.previous = speaker_N, position_N, previous

    @classmethod
    def of_turns(
        cls,
        dataset: datasets.Dataset,
        tokenizer: Tokenizer,
        config: Config,
    ) -> Self:
        """The turns of `dataset` (columns text, label, speaker, position), cut and with the contexts that the
        configuration says."""
        data = config.data
        place = {speaker: number for number, speaker in enumerate(data.speakers)}
        speaker_N = np.array([place.get(speaker, -1) for speaker in dataset["speaker"]], np.int64)
        turns = TokenizedCorpus.build(dataset, tokenizer, data.max_length, data.labels)
        return cls(turns, speaker_N, np.array(dataset["position"], np.int64), config.model.context.turns)

    def batch(self, indices: np.ndarray) -> DialogueBatch:
        """The responses of the rows `indices` [B], in that order, with their contexts, as a batch on the CPU."""
        response = super().batch(indices)
        before_BP = np.asarray(indices)[:, None] - np.arange(self.previous, 0, -1)
        there_BP = np.arange(self.previous, 0, -1) <= self.position_N[indices][:, None]
        turns = super().batch(before_BP[there_BP])
        there = torch.from_numpy(there_BP)
        turns_BPL = torch.full((*there.shape, turns.tokens_BL.shape[1]), PAD)
        turns_BPL[there] = turns.tokens_BL
        lengths_BP, speakers_BP = torch.zeros(there.shape, dtype=torch.long), torch.full(there.shape, -1)
        lengths_BP[there] = turns.lengths_B
        speakers_BP[there] = torch.from_numpy(self.speaker_N[before_BP[there_BP]])
        return DialogueBatch(
            symbols_B=response.symbols_B,
            index_B=response.index_B,
            tokens_BL=response.tokens_BL,
            lengths_B=response.lengths_B,
            turns_BPL=turns_BPL,
            turn_lengths_BP=lengths_BP,
            turn_speakers_BP=speakers_BP,
            speaker_B=torch.from_numpy(self.speaker_N[indices]),
        )


def bucketed(lengths_N: np.ndarray, batch_size: int, seed: int, epoch: int) -> list[np.ndarray]:
    """An epoch's batches: every row once, in random order, similar lengths together; all full except at most one.

    A pure function of its arguments, so that a run can be resumed anywhere in an epoch.
    """
    generator = np.random.default_rng((seed, epoch))
    order_N = generator.permutation(len(lengths_N))
    batches: list[np.ndarray] = []
    for start in range(0, len(order_N), _POOL * batch_size):
        pool = order_N[start : start + _POOL * batch_size]
        batches += _cut(pool[np.argsort(lengths_N[pool], kind="stable")], batch_size)
    return [batches[place] for place in generator.permutation(len(batches))]


def in_order(lengths_N: np.ndarray, batch_size: int) -> list[np.ndarray]:
    """Batches for evaluation: every row once, the shortest first, so that little is padded."""
    return _cut(np.argsort(lengths_N, kind="stable"), batch_size)


def _cut(rows: np.ndarray, batch_size: int) -> list[np.ndarray]:
    return [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
