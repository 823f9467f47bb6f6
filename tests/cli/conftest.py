"""The command line run in this process, on a stand-in for a trained model that answers at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import ldebm
from ldebm.cli import main
from ldebm.objective import Inferred

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `ldebm ARGUMENTS`; gives the exit code, stdout and stderr."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, captured.out, captured.err

    return run


class FakeModel:
    """Stands for LDEBM: symbol 1 for texts with "good", else symbol 0; three symbols, two latent dimensions."""

    failure: BaseException | None = None
    labels: tuple[str, ...] | None = None
    has_symbols = True
    longest = 100  # characters
    tokenizer = SimpleNamespace(words=str.split)

    def __init__(self) -> None:
        data = SimpleNamespace(source="", text=None, label=None, split=None, validation_share=0.5, max_length=20)
        self.config = SimpleNamespace(seed=0, data=data)
        self.asked: dict[str, Any] = {}

    def generate(self, n: int, symbol: int | None = None, **options: Any) -> list[str]:
        if self.failure is not None:
            raise self.failure
        self.asked = {"symbol": symbol, **options}
        return [f"text\n{i}" for i in range(n)]

    def cut(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([len(text) > self.longest for text in texts], dtype=bool)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        return np.array([[len(text), "good" in text] for text in texts], dtype=np.float32)

    def inferred(self, texts: Sequence[str]) -> Inferred:
        return Inferred(self.encode(texts), np.full((len(texts), 2), 0.5, np.float32), self.symbol_probabilities(texts))

    def symbol_probabilities(self, texts: Sequence[str]) -> np.ndarray:
        likely = {True: [0.25, 0.75, 0.0], False: [0.9, 0.1, 0.0]}
        return np.array([likely["good" in text] for text in texts], dtype=np.float32)

    def reconstruct(self, texts: Sequence[str], mode: str = "greedy") -> list[str]:
        return list(texts)


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> FakeModel:
    """What `LDEBM.from_pretrained` gives."""
    fake = FakeModel()
    monkeypatch.setitem(vars(ldebm), "LDEBM", SimpleNamespace(from_pretrained=lambda folder: fake))
    return fake
