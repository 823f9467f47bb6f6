"""Responses as the other tasks read texts: each knows the dialogue whose last turn it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np

from ldebm.data.dialogues import Dialogue, examples_of
from ldebm.data.tokenizer import Tokenizer
from ldebm.dialogue_model import DialogueModel
from ldebm.errors import DataError
from ldebm.objective import Inferred
from ldebm.tasks.reading import Mode

SHOWN_GUIDANCE = 128.0  # with it a response shows its symbol whatever it answers (docs/smd.md)


class Response(str):
    """The text of a dialogue's last turn, and the dialogue up to it."""

    dialogue: Dialogue

    def __new__(cls, dialogue: Dialogue) -> Response:
        response = super().__new__(cls, dialogue.turns[-1].text)
        response.dialogue = dialogue
        return response

    def __getnewargs__(self) -> tuple[Dialogue]:  # type: ignore[override]  # a copy is made of the dialogue, not the text
        return (self.dialogue,)


def responses_of(model: DialogueModel, dialogues: Iterable[Dialogue]) -> tuple[list[Response], list[str | None]]:
    """Every turn as a response with what the model reads before it, and the labels of their dialogues."""
    examples = examples_of(dialogues, model.config.model.context.turns)
    return [Response(example) for example in examples], [example.label for example in examples]


class ResponseModel:
    """A DialogueModel as a `reading.SymbolModel`: reads responses, and generates by answering some of `asked`.

    Texts are instances of Response. Raises DataError where all of `asked` are said by speakers whom the run does not
    know, for whom it has no voice.
    """

    labels: tuple[str, ...] | None = None

    def __init__(self, model: DialogueModel, asked: Sequence[Response]) -> None:
        self.model, known = model, set(model.config.data.speakers)
        self.asked = [text.dialogue for text in asked if text.dialogue.turns[-1].speaker in known]
        if not self.asked:
            raise DataError("the run knows none of the speakers of these turns, so that it could not respond as they")
        self._said: dict[tuple[int, int | None, Mode, float, int], list[str]] = {}

    @property
    def tokenizer(self) -> Tokenizer:
        return self.model.tokenizer

    @property
    def has_symbols(self) -> bool:
        return self.model.has_symbols

    def generate(
        self, n: int, symbol: int | None = None, *, mode: Mode = "greedy", temperature: float = 1.0, seed: int = 0
    ) -> list[str]:
        """Responses to the contexts of `drawn`, those with a symbol under SHOWN_GUIDANCE; asked again the same are
        given."""
        key = (n, symbol, mode, temperature, seed)
        if key not in self._said:
            turns = [each.turns for each in self.drawn(n, seed)]
            contexts, speakers = [each[:-1] for each in turns], [each[-1].speaker for each in turns]
            guidance = 1.0 if symbol is None else SHOWN_GUIDANCE
            self._said[key] = self.model.respond(
                contexts, speakers, symbol, mode, temperature, guidance=guidance, seed=seed
            )
        return self._said[key]

    def drawn(self, n: int, seed: int) -> list[Dialogue]:
        """`n` of the dialogues that are asked, each once where there are enough."""
        rows = np.random.default_rng(seed).choice(len(self.asked), n, replace=n > len(self.asked))
        return [self.asked[row] for row in rows]

    def inferred(self, texts: Sequence[str]) -> Inferred:
        return self.model.inferred(_dialogues(texts))

    def reconstruct(self, texts: Sequence[str], mode: Mode = "greedy") -> list[str]:
        return self.model.reconstruct(_dialogues(texts), mode)


def _dialogues(texts: Sequence[str]) -> list[Dialogue]:
    return [cast(Response, text).dialogue for text in texts]
