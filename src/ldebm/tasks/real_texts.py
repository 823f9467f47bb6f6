"""A corpus' real texts as generated ones are judged by them: words, counts, and a language model trained on them."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import datasets
import torch

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.tokenizer import Tokenizer
from ldebm.evaluation.language_model import JUDGE, LanguageModel, cross_entropy, fit

JUDGED, SELECTING = 40_000, 3_000  # texts that a judge is trained on, and that its epoch is chosen by
VOCABULARY = 10_000
_LONGEST = 512  # ids of a text; no text is cut short of it

Words = Sequence[str]


@dataclass(frozen=True)
class RealTexts:
    """What a corpus' judges share: its vocabulary, its test texts and the training texts' words.

    `own` is the language model of the real training texts; `perplexity` is what it gives the test texts, the value
    that a reverse perplexity is a multiple of.
    """

    training: list[list[str]]
    test: list[list[str]]
    counts: Counter[str]
    tokenizer: Tokenizer
    own: LanguageModel
    perplexity: float

    @classmethod
    def read(
        cls, training: Iterable[Words], validation: Iterable[Words], test: Iterable[Words], device: torch.device
    ) -> Self:
        """Train the judge of the real texts: on at most 40,000, its epoch chosen by at most 3,000 to validate with.

        Args:
            training, validation, test: texts as words.
        """
        train, held_out = [list(words) for words in training], [list(words) for words in test]
        selecting = list(itertools.islice(validation, SELECTING))
        tokenizer = Tokenizer.train((" ".join(words) for words in train), "whitespace", VOCABULARY, lowercase=False)
        own = judge(train[:JUDGED], selecting, tokenizer, device)
        counts = Counter(word for words in train for word in words)
        return cls(train, held_out, counts, tokenizer, own, math.exp(cross_entropy(own, as_ids(held_out, tokenizer))))

    def reverse_perplexity(self, written: Sequence[Words], seed: int = 0) -> float:
        """Perplexity of the real test texts under a judge trained on the `written` ones, with the real vocabulary.

        Reverse perplexity of Zhao et al. 2018: high where the texts are bad or where they lack variety.
        """
        selecting = min(SELECTING, math.ceil(len(written) / 10))
        training, following = written[selecting:][:JUDGED], written[:selecting]
        trained = judge(training, following, self.tokenizer, self.own.device, seed)
        return math.exp(cross_entropy(trained, as_ids(self.test, self.tokenizer)))

    def forward_perplexity(self, written: Sequence[Words]) -> float:
        """Perplexity of the `written` texts under the judge of the real ones: low where they are probable, also where
        they are all the same."""
        return math.exp(cross_entropy(self.own, as_ids(written, self.tokenizer)))


def judge(
    training: Sequence[Words], selecting: Sequence[Words], tokenizer: Tokenizer, device: torch.device, seed: int = 0
) -> LanguageModel:
    """The fixed language model, trained on some texts with its epoch chosen by others."""
    torch.manual_seed(seed)
    model = LanguageModel(len(tokenizer)).to(device)
    return fit(model, as_ids(training, tokenizer), as_ids(selecting, tokenizer), JUDGE, seed)


def as_ids(texts: Sequence[Words], tokenizer: Tokenizer) -> TokenizedCorpus:
    lines = [" ".join(words) for words in texts]
    rows = datasets.Dataset.from_dict({"text": lines, "label": [None] * len(lines)})
    return TokenizedCorpus.build(rows, tokenizer, _LONGEST, None)
