"""What the tasks ask of a model, and the texts that they read with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np

from ldebm.errors import DataError
from ldebm.objective import Inferred

TEXTS_READ = 20_000  # at most: enough for every figure here, and it fits in memory
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
    def generate(self, n: int, symbol: int | None = None, *, mode: Mode = "greedy", seed: int = 0) -> list[str]: ...
    def inferred(self, texts: Sequence[str]) -> Inferred: ...
    def reconstruct(self, texts: Sequence[str], mode: Mode = "greedy") -> list[str]: ...


@dataclass(frozen=True)
class Reading(Generic[Text]):
    """The texts that are read, in their order, each with its label where labels exist, and how many were given."""

    texts: list[Text]
    labels: list[str | None]
    given: int


def read(
    texts: Sequence[Text], labels: Sequence[str | None] | None = None, seed: int = 0, limit: int = TEXTS_READ
) -> Reading[Text]:
    """All texts, or a random `limit` of them where there are more, so that memory does not grow with the corpus."""
    if not len(texts):
        raise DataError("no texts to read, got none; give a file or column with at least one text")
    if labels is not None and len(labels) != len(texts):
        raise DataError(f"one label a text is needed, got {len(labels):,} labels for {len(texts):,} texts")
    if len(texts) <= limit:
        return Reading(list(texts), [None] * len(texts) if labels is None else list(labels), len(texts))
    chosen = sorted(np.random.default_rng(seed).choice(len(texts), size=limit, replace=False).tolist())
    return Reading(
        [texts[i] for i in chosen], [None] * limit if labels is None else [labels[i] for i in chosen], len(texts)
    )
