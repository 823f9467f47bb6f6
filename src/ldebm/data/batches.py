"""A whole corpus in arrays (token ids, or points), and batches of it.

B batch, L tokens of the longest text in it, N examples of the corpus, X dimensions of a point.
"""

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Protocol, Self

import datasets
import numpy as np
import torch
from torch import Tensor

from ldebm.data.tokenizer import EOS, PAD, Tokenizer

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
    """A corpus as ids: 4 bytes a token and 24 a text. `lengths_N` and `symbols_N` are int64.

    `cut` is the number of texts that were longer than the limit.
    """

    def __init__(self, ids: np.ndarray, lengths_N: np.ndarray, symbols_N: np.ndarray, cut: int) -> None:
        self._ids = ids
        self._starts_N = np.cumsum(lengths_N) - lengths_N
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
        tokens_BL[held_BL] = self._ids[(self._starts_N[indices][:, None] + columns_L)[held_BL]]
        return TextBatch(
            tokens_BL=torch.from_numpy(tokens_BL),
            lengths_B=torch.from_numpy(lengths_B),
            symbols_B=torch.from_numpy(self.symbols_N[indices]),
            index_B=torch.from_numpy(np.array(indices, dtype=np.int64)),
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
