"""What the page asks of a model, and the answers as plain values for JSON.

Legend: N texts, D latent dimensions, K symbols.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ldebm.data.tokenizer import is_broken
from ldebm.errors import DataError, shorten
from ldebm.model import LDEBM
from ldebm.tasks.discovery import describe, symbol_names
from ldebm.tasks.interpolation import interpolate
from ldebm.tasks.reading import infer
from ldebm.tasks.rewriting import rewrite

NEIGHBOURS_AMONG = 5_000  # texts that are read at the start, so that a neighbour is found at once
NEIGHBOURS = 6
MOST_TEXTS = 50  # written at a time
MOST_CHARACTERS = 5_000  # of a text that is asked about
_LIKELY = 0.01  # probability of a symbol that is worth telling

Asked = Mapping[str, Any]


class Explorer:
    """A model with some texts of its corpus. Every answer may raise UserError, which says what was wrong to ask.

    Args:
        texts: those that neighbours are chosen from and symbols are named by; at most 5,000, drawn with the seed.
    """

    def __init__(self, model: LDEBM, texts: Sequence[str], seed: int = 0) -> None:
        self.model = model
        reading = infer(model, texts, seed=seed, limit=NEIGHBOURS_AMONG)
        self.texts, self.means_ND = reading.texts, reading.inferred.means_ND
        self.symbols_N = reading.inferred.symbols_NK.argmax(axis=1)
        self.discovery = describe(model, reading, prototypes=0, seed=seed)
        self.names = symbol_names(self.discovery, model.labels)
        self.questions: dict[str, Callable[[Asked], dict[str, Any]]] = {
            "about": self.about,
            "read": self.read,
            "write": self.write,
            "rewrite": self.rewrite,
            "between": self.between,
        }

    def about(self, asked: Asked) -> dict[str, Any]:
        """The symbols that texts have, most frequent first, with their names, and two texts to begin with."""
        del asked
        symbols = [
            {"symbol": one.symbol, "name": self.names[one.symbol], "share": one.share}
            for one in self.discovery.symbols
            if one.share or self.model.labels is not None
        ]
        return {"symbols": symbols, "example": self._example()}

    def read(self, asked: Asked) -> dict[str, Any]:
        """Of `text`: its symbols with their probabilities, what the model writes from its latent, its neighbours."""
        text = _text(asked, "text")
        means_1D, _, probabilities_1K = self.model.inferred([text])
        away_N = np.linalg.norm(self.means_ND - means_1D, axis=1)
        nearest: dict[str, int] = {}  # equal texts count once
        for row in np.argsort(away_N, kind="stable"):
            nearest.setdefault(self.texts[row], int(row))
            if len(nearest) == NEIGHBOURS:
                break
        order = np.argsort(-probabilities_1K[0], kind="stable")
        return {
            "symbols": [
                {"symbol": int(k), "probability": float(probabilities_1K[0, k])}
                for k in order
                if probabilities_1K[0, k] >= _LIKELY
            ],
            "reconstruction": self.model.decode(means_1D)[0],
            "cut": self._cut(text),
            "neighbours": [
                {"text": each, "symbol": int(self.symbols_N[row]), "distance": float(away_N[row])}
                for each, row in nearest.items()
            ],
        }

    def write(self, asked: Asked) -> dict[str, Any]:
        """`n` texts with `symbol` (none: any), `guidance`, `temperature` (0: the most probable words) and `seed`."""
        temperature = round(_number(asked, "temperature", 0.7, 0, 5), 2)
        texts = self.model.generate(
            int(_number(asked, "n", 8, 1, MOST_TEXTS)),
            symbol=self._symbol(asked),
            mode="sample" if temperature else "greedy",
            temperature=temperature or 1.0,
            guidance=_number(asked, "guidance", 1, 0, 20),
            seed=int(_number(asked, "seed", 0, 0, 2**31 - 1)),
        )
        return {"texts": texts}

    def rewrite(self, asked: Asked) -> dict[str, Any]:
        """`text` as the model would say it with `symbol`, and how sure it then reads it so."""
        text = _text(asked, "text")
        [found] = rewrite(self.model, [text], self._symbol(asked))
        return {"text": found.text, "probability": found.probability, "cut": self._cut(text)}

    def between(self, asked: Asked) -> dict[str, Any]:
        """The way from `first` to `second`: texts, symbols and the ends of each energy's bracket."""
        ends = _text(asked, "first"), _text(asked, "second")
        places = interpolate(self.model, *ends)
        return {"places": [vars(place) for place in places], "cut": self._cut(*ends)}

    def _cut(self, *texts: str) -> str:
        """What to tell of texts that are longer than the model reads; nothing of others."""
        if not self.model.cut(texts).any():
            return ""
        return f"The model reads {self.model.config.data.max_length} tokens of a text: an end was left out."

    def _symbol(self, asked: Asked) -> int | None:
        symbol = asked.get("symbol")
        if symbol is not None and (isinstance(symbol, bool) or not isinstance(symbol, int)):
            raise DataError(f"symbol must be a whole number or nothing, received {shorten(str(symbol))}")
        return self.model.known_symbol(symbol)

    def _example(self) -> list[str]:
        """Two short texts of different symbols to begin with."""
        found = [min(one.nearest, key=len) for one in self.discovery.symbols if one.nearest]
        return [*found[:2], "", ""][:2]


def _text(asked: Asked, name: str) -> str:
    text = asked.get(name)
    if not isinstance(text, str) or not text.strip():
        raise DataError(f"{name} is empty; write a text")
    if len(text) > MOST_CHARACTERS:
        raise DataError(f"{name} has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read")
    if is_broken(text):
        raise DataError(f"{name} holds half a character; write it again")
    return text


def _number(asked: Asked, name: str, default: float, least: float, most: float) -> float:
    value = asked.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise DataError(f"{name} must be a number from {least:g} to {most:g}, received {shorten(str(value))}")
    return value
