"""Responses as the other tasks read texts: each knows the dialogue whose last turn it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from ldebm.data.dialogues import Dialogue, examples_of
from ldebm.data.tokenizer import Tokenizer
from ldebm.dialogue_model import DialogueModel
from ldebm.tasks.reading import Mode


class Response(str):
    """The text of a dialogue's last turn, and the dialogue up to it."""

    dialogue: Dialogue

    def __new__(cls, dialogue: Dialogue) -> Response:
        response = super().__new__(cls, dialogue.turns[-1].text)
        response.dialogue = dialogue
        return response


def responses_of(dialogues: Iterable[Dialogue]) -> tuple[list[Response], list[str | None]]:
    """Every turn as a response, and the labels of their dialogues."""
    examples = examples_of(dialogues)
    return [Response(example) for example in examples], [example.label for example in examples]


class ResponseModel:
    """A DialogueModel as a `reading.SymbolModel`: reads responses, and generates by answering some of `asked`.

    Methods take the instances of Response that `responses_of` makes.
    """

    labels: tuple[str, ...] | None = None

    def __init__(self, model: DialogueModel, asked: Sequence[str]) -> None:
        self.model, self.asked = model, _dialogues(asked)

    @property
    def tokenizer(self) -> Tokenizer:
        return self.model.tokenizer

    def generate(self, n: int, symbol: int | None = None, *, mode: Mode = "greedy", seed: int = 0) -> list[str]:
        rows = np.random.default_rng(seed).choice(len(self.asked), n, replace=n > len(self.asked))
        turns = [self.asked[row].turns for row in rows]
        return self.model.respond(
            [each[:-1] for each in turns], [each[-1].speaker for each in turns], symbol, mode, seed=seed
        )

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.floating]:
        return self.model.encode(_dialogues(texts))

    def posterior(self, texts: Sequence[str]) -> tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]:
        return self.model.posterior(_dialogues(texts))

    def symbol_probabilities(self, texts: Sequence[str]) -> npt.NDArray[np.floating]:
        return self.model.symbol_probabilities(_dialogues(texts))

    def reconstruct(self, texts: Sequence[str], mode: Mode = "greedy") -> list[str]:
        return self.model.reconstruct(_dialogues(texts), mode)


def _dialogues(texts: Sequence[str]) -> list[Dialogue]:
    return [text.dialogue for text in texts if isinstance(text, Response)]
