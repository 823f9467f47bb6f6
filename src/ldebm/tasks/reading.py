"""What the tasks ask of a model, and the texts that they read with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np

from ldebm.errors import DataError
from ldebm.objective import Inferred

TEXTS_READ = 20_000  # at most: enough for every figure here, and it fits in memory
SHOWN_TEMPERATURE = 0.7  # of texts that are shown: without chance a model of few texts repeats itself, at 1 it rambles
Mode = Literal["greedy", "sample", "beam"]
Text = TypeVar("Text", bound=str)  # or one that knows more, as a response its dialogue


class SplitsWords(Protocol):
    """The part of a tokenizer that the tasks use."""

    def words(self, text: str) -> list[str]: ...


class SymbolModel(Protocol):
    """The part of `ldebm.LDEBM` that the tasks use. Symbol k stands for labels[k] where the model has labels."""

    @property
    def tokenizer(self) -> SplitsWords: ...
    @property
    def labels(self) -> tuple[str, ...] | None: ...
    @property
    def has_symbols(self) -> bool: ...
    def generate(
        self, n: int, symbol: int | None = None, *, mode: Mode = "greedy", temperature: float = 1.0, seed: int = 0
    ) -> list[str]: ...
    def inferred(self, texts: Sequence[str]) -> Inferred: ...
    def reconstruct(self, texts: Sequence[str], mode: Mode = "greedy") -> list[str]: ...


@dataclass(frozen=True)
class Reading(Generic[Text]):
    """The texts that are read, in their order, each with its label where labels exist, and how many were given."""

    texts: list[Text]
    labels: list[str | None]
    given: int


@dataclass(frozen=True)
class InferredTexts(Reading[Text]):
    """Texts that were read, with what the model infers of each, so that it need not be asked again."""

    inferred: Inferred

    def drawn(self, limit: int, seed: int = 0) -> "InferredTexts[Text]":
        """All of them, or a random `limit` where there are more, in their order."""
        rows = _rows(len(self.texts), limit, seed)
        return InferredTexts(
            [self.texts[row] for row in rows],
            [self.labels[row] for row in rows],
            self.given,
            Inferred(*(part[rows] for part in self.inferred)),
        )


def infer(
    model: SymbolModel,
    texts: Sequence[Text],
    labels: Sequence[str | None] | None = None,
    seed: int = 0,
    limit: int = TEXTS_READ,
) -> InferredTexts[Text]:
    """What the model infers of all texts, or of a random `limit` of them where there are more."""
    reading = read(texts, labels, seed, limit)
    return InferredTexts(reading.texts, reading.labels, reading.given, model.inferred(reading.texts))


def read(
    texts: Sequence[Text], labels: Sequence[str | None] | None = None, seed: int = 0, limit: int = TEXTS_READ
) -> Reading[Text]:
    """All texts, or a random `limit` of them where there are more, so that memory does not grow with the corpus."""
    if not len(texts):
        raise DataError("no texts to read, got none; give a file or column with at least one text")
    if labels is not None and len(labels) != len(texts):
        raise DataError(f"one label a text is needed, got {len(labels):,} labels for {len(texts):,} texts")
    rows = _rows(len(texts), limit, seed)
    return Reading(
        [texts[row] for row in rows],
        [None] * len(rows) if labels is None else [labels[row] for row in rows],
        len(texts),
    )


def _rows(n: int, limit: int, seed: int) -> list[int]:
    """0 to n-1, or a random `limit` of them where there are more."""
    if n <= limit:
        return list(range(n))
    return sorted(np.random.default_rng(seed).choice(n, size=limit, replace=False).tolist())
