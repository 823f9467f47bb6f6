"""A corpus' real texts as generated ones are judged by them: words, counts, and a language model trained on them."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import torch
from torch import Tensor

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.tokenizer import UNK, Tokenizer
from ldebm.errors import DataError
from ldebm.evaluation.language_model import JUDGE, LanguageModel, cross_entropy, fit
from ldebm.weights import kept_tensors

JUDGED, SELECTING = 40_000, 3_000  # texts that a judge is trained on, and that its epoch is chosen by
VOCABULARY = 10_001  # ids, the marks counted
LEAST = 20  # texts to train a judge on
_LONGEST = 512

Words = Sequence[str]


@dataclass(frozen=True)
class RealTexts:
    """What a corpus' judges share: its vocabulary, its test texts and the training texts' words.

    `own` is the language model of the real training texts; `perplexity` is what it gives the test texts, the value
    that a reverse perplexity is a multiple of. `skip`: an id that perplexities leave out.
    """

    training: list[list[str]]
    test: list[list[str]]
    counts: Counter[str]
    tokenizer: Tokenizer
    own: LanguageModel
    perplexity: float
    skip: int | None

    @classmethod
    def read(
        cls,
        training: Iterable[Words],
        validation: Iterable[Words],
        test: Iterable[Words],
        device: torch.device,
        unknown: bool = True,
        written: int = JUDGED + SELECTING,
        keep: Path | None = None,
    ) -> Self:
        """Train the judge of the real texts: on as many as a judge of `written` texts is, so at most 40,000; its epoch
        is chosen by at most 3,000 to validate with.

        Args:
            training, validation, test: texts as words.
            written: texts of a model that will be judged.
            keep: file in which the judge is kept, and from which it is read where it lies there.
            unknown: whether texts are written that hold the unknown word. Where they never do, perplexities leave it
                out: a judge of written texts could not know it.

        Raises DataError for fewer than twenty training texts.
        """
        train, held_out = [list(words) for words in training], [list(words) for words in test]
        if len(train) < LEAST:
            raise DataError(f"{len(train)} training texts are too few to train a language model on; {LEAST} at least")
        selecting = list(itertools.islice(validation, SELECTING))
        tokenizer = Tokenizer.train((" ".join(words) for words in train), "whitespace", VOCABULARY, lowercase=False)
        own = judge(train[: _parts(written)[0]], selecting, tokenizer, device, keep=keep)
        counts = Counter(word for words in train for word in words)
        skip = None if unknown else UNK
        perplexity = math.exp(cross_entropy(own, as_ids(held_out, tokenizer), skip))
        return cls(train, held_out, counts, tokenizer, own, perplexity, skip)

    def reverse_perplexity(self, written: Sequence[Words], seed: int = 0) -> float:
        """Perplexity of the real test texts under a judge trained on the `written` ones, with the real vocabulary.

        Reverse perplexity of Zhao et al. 2018: high where the texts are bad or where they lack variety.
        """
        judged, selecting = _parts(len(written))
        trained = judge(written[selecting:][:judged], written[:selecting], self.tokenizer, self.own.device, seed)
        return math.exp(cross_entropy(trained, as_ids(self.test, self.tokenizer), self.skip))

    def forward_perplexity(self, written: Sequence[Words]) -> float:
        """Perplexity of the `written` texts under the judge of the real ones: low where they are probable, also where
        they are all the same."""
        return math.exp(cross_entropy(self.own, as_ids(written, self.tokenizer), self.skip))


def _parts(written: int) -> tuple[int, int]:
    """How many of the written texts a judge is trained on, and how many choose its epoch."""
    selecting = min(SELECTING, math.ceil(written / 10))
    return min(JUDGED, written - selecting), selecting


def judge(
    training: Sequence[Words],
    selecting: Sequence[Words],
    tokenizer: Tokenizer,
    device: torch.device,
    seed: int = 0,
    keep: Path | None = None,
) -> LanguageModel:
    """The fixed language model, trained on some texts with its epoch chosen by others; read from the file `keep` where
    it lies there, else kept in it."""
    torch.manual_seed(seed)
    model = LanguageModel(len(tokenizer)).to(device)

    def found() -> dict[str, Tensor]:
        return fit(model, as_ids(training, tokenizer), as_ids(selecting, tokenizer), JUDGE, seed).state_dict()

    model.load_state_dict(kept_tensors(keep, found))
    return model.eval()


def as_ids(texts: Sequence[Words], tokenizer: Tokenizer) -> TokenizedCorpus:
    """Texts given as words; only what is behind the 510th word of a text is cut off."""
    return TokenizedCorpus.of_texts([" ".join(words) for words in texts], tokenizer, _LONGEST)
