"""A model whose every answer is known: symbol k is the topic of a text's nouns, its latent stands at k on a line."""

from collections.abc import Sequence

import numpy as np
import pytest

from ldebm.objective import Inferred
from ldebm.tasks.reading import Mode

TOPICS = (("cat", "dog", "fur"), ("car", "road", "fuel"), ("soup", "bread", "salt"))
SYMBOLS = 4  # the last one no text has


class SplitsAtSpaces:
    def words(self, text: str) -> list[str]:
        return text.split()


class KnownModel:
    has_symbols = True

    def __init__(self, labels: tuple[str, ...] | None = None, symbols: int = SYMBOLS) -> None:
        self.tokenizer = SplitsAtSpaces()
        self.labels = labels
        self.symbols = symbols
        self.read: list[int] = []
        self.generated: list[tuple[int, int | None, str, int]] = []

    def topics(self, texts: Sequence[str]) -> np.ndarray:
        self.read.append(len(texts))
        return np.array([next(k for k, topic in enumerate(TOPICS) if set(topic) & set(text.split())) for text in texts])

    def generate(
        self, n: int, symbol: int | None = None, *, mode: Mode = "greedy", temperature: float = 1.0, seed: int = 0
    ) -> list[str]:
        self.generated.append((n, symbol, mode, seed))
        topics = [i % 3 for i in range(n)] if symbol is None else [symbol] * n
        return [f"the {TOPICS[k][0]} is here {i % 2}" for i, k in enumerate(topics)]

    def inferred(self, texts: Sequence[str]) -> Inferred:
        return Inferred(*self.posterior(texts), self.symbol_probabilities(texts))

    def posterior(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The topic on dimension 0, a hundredth of the number of words on dimension 1, and an unused dimension."""
        lengths = np.array([len(text.split()) for text in texts]) / 100
        means = np.column_stack([10.0 * self.topics(texts), lengths, np.zeros(len(texts))])
        return means.astype(np.float32), np.full(means.shape, 0.5, dtype=np.float32)

    def symbol_probabilities(self, texts: Sequence[str]) -> np.ndarray:
        topics = self.topics(texts)
        return np.eye(self.symbols, dtype=np.float32)[topics] if self.symbols > 1 else np.ones((len(texts), 1))

    def reconstruct(self, texts: Sequence[str], mode: Mode = "greedy") -> list[str]:
        assert mode == "greedy"
        return [text.rsplit(" ", 1)[0] for text in texts]  # all but the last word


def make_texts(number: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """Texts of two topics in three parts of one to one of the other, and the name of each one's topic."""
    generator = np.random.default_rng(seed)
    texts, labels = [], []
    for _ in range(number):
        k = int(generator.choice(3, p=[0.5, 0.3, 0.2]))
        nouns = generator.choice(TOPICS[k], size=generator.integers(2, 5))
        texts.append(" ".join(f"the {noun} and" for noun in nouns) + f" n{generator.integers(1000)}")
        labels.append(("animals", "driving", "food")[k])
    return texts, labels


@pytest.fixture
def model() -> KnownModel:
    return KnownModel()


@pytest.fixture
def supervised_model() -> KnownModel:
    return KnownModel(labels=("animals", "driving", "food"))


@pytest.fixture
def single_symbol_model() -> KnownModel:
    return KnownModel(symbols=1)


@pytest.fixture
def corpus() -> tuple[list[str], list[str]]:
    return make_texts(300)
