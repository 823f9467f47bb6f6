"""Figures of texts that were asked for by label: do they have it, do they read like real texts of it, do they vary?

Texts come by label, as strings with spaces between their tokens, and real ones are told apart by label as well.
"""

from __future__ import annotations

import hashlib
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import torch

from ldebm.data.tokenizer import UNK, Tokenizer
from ldebm.evaluation import text_classifiers
from ldebm.evaluation.fluency import copies, distinct_n, mean_length, self_bleu
from ldebm.evaluation.language_model import LanguageModel, cross_entropy
from ldebm.evaluation.text_classifiers import ConvolutionalClassifier, LinearClassifier, TextClassifier
from ldebm.tasks.generation_figures import JUDGE_IS
from ldebm.tasks.real_texts import JUDGED, SELECTING, VOCABULARY, as_ids, judge

ByLabel = Mapping[str, Sequence[str]]
_HELD_OUT = 5_000

CLASSIFIERS = {  # suffix of its figures -> what it is
    "": f"a convolutional network over words (Kim 2014: widths {text_classifiers.WIDTHS}, {text_classifiers.MAPS} maps "
    f"each, {text_classifiers.EPOCHS} epochs) taught by the even rows of the training texts, classes weighing the same",
    "_second": f"a logistic regression on hashed word {text_classifiers.NGRAMS[0]}- to {text_classifiers.NGRAMS[1]}-"
    f"grams (inverse regularisation {text_classifiers.STRENGTH:g}) taught by the odd rows, classes weighing the same",
}


def definitions(labels: Sequence[str]) -> dict[str, str]:
    """What each figure of `of_texts` is."""
    found = {}
    for suffix, what in CLASSIFIERS.items():
        found[f"accuracy{suffix}"] = (
            f"share of the generated texts that have the label asked for, by {what}, which shares neither "
            "architecture nor weights with the model; 0 to 1, the floor is the classifier's own accuracy on the real "
            "test texts"
        )
        found |= {
            f"accuracy_{label}{suffix}": f"accuracy{suffix} of the texts asked for as {label}" for label in labels
        }
    return found | {
        "label_perplexity": "perplexity of the texts of each label under a language model of real texts of that label, "
        f"pooled over tokens, end marks counted and unknown words left out ({JUDGE_IS}; at most {JUDGED:,} training "
        f"texts of the label, {SELECTING:,} to choose the epoch); 1 upwards, the floor is that of real test texts",
        "perplexity_ratio": "label_perplexity over that of real test texts; the floor is 1, and low is probable, not "
        "varied",
        "distinct_1": "distinct words over words of all texts; 0 to 1, the floor is that of as many real ones, as many "
        "of each label",
        "distinct_2": "the same of bigrams",
        "distinct_2_ratio": "distinct_2 over that of as many real texts; the floor is 1",
        "self_bleu": "mean BLEU-4 of a text against 499 others; 0 to 100, the floor is real texts'",
        "copies": "share of the texts that are training texts word for word; 0 to 1, the floor is the share of "
        "training texts that stand there more than once",
        "mean_length": "words a text; the floor is that of real ones",
    }


@dataclass(frozen=True)
class RealByLabel:
    """Real texts by label and those who judge by them: two classifiers (by the suffix of their figures) and a language
    model a label. A class is a label's place in `labels`."""

    labels: tuple[str, ...]
    training: ByLabel
    test: ByLabel
    classifiers: Mapping[str, TextClassifier]
    tokenizer: Tokenizer
    language_models: Mapping[str, LanguageModel]

    @classmethod
    def read(
        cls, training: ByLabel, validation: ByLabel, test: ByLabel, device: torch.device, keep: Path | None = None
    ) -> Self:
        """Train those who judge, or read them from the folder `keep`, where each is kept under the digest of how and
        by what it was taught. Two labels, as the linear classifier has it."""
        labels = tuple(training)
        rows = [(text, place) for place, label in enumerate(labels) for text in training[label]]
        texts, classes_N = [text for text, _ in rows], np.array([place for _, place in rows], np.int64)
        tokenizer = Tokenizer.train(texts, "whitespace", VOCABULARY, lowercase=False)

        def kept(who: str, how: str) -> Path | None:
            if keep is None:
                return None
            digest = hashlib.sha256("\n".join((how, *texts)).encode()).hexdigest()[:8]
            return keep / f"{who}-{digest}.safetensors"

        first, second = CLASSIFIERS.values()
        classifiers: dict[str, TextClassifier] = {
            "": ConvolutionalClassifier.read(
                texts[::2], classes_N[::2], device, keep=kept("classifier-convolutional", first)
            ),
            "_second": LinearClassifier.read(texts[1::2], classes_N[1::2], keep=kept("classifier-linear", second)),
        }
        models = {}
        for label in labels:
            taught = [text.split() for text in _shuffled(training[label])[:JUDGED]]
            selecting = [text.split() for text in itertools.islice(validation[label], SELECTING)]
            models[label] = judge(taught, selecting, tokenizer, device, keep=kept(f"judge-{label}", JUDGE_IS))
        return cls(labels, training, test, classifiers, tokenizer, models)

    @property
    def held_out(self) -> ByLabel:
        """Training texts that no language model was taught by, at most so many of each label."""
        return {label: _shuffled(texts)[JUDGED : JUDGED + _HELD_OUT] for label, texts in self.training.items()}

    @cached_property
    def perplexity(self) -> float:
        """Of the test texts."""
        return self.perplexity_of(self.test)

    def perplexity_of(self, texts: ByLabel) -> float:
        """Of each label's texts under the language model of its real ones, a token, pooled over the labels."""
        nats, tokens = 0.0, 0
        for label, those in texts.items():
            corpus = as_ids([text.split() for text in those], self.tokenizer)
            known = int((corpus.lengths_N - 1).sum()) - int((corpus.ids == UNK).sum())
            nats += cross_entropy(self.language_models[label], corpus, UNK) * known
            tokens += known
        return math.exp(nats / tokens)

    def accuracies(self, texts: ByLabel, suffix: str = "") -> dict[str, float]:
        """By one of the classifiers: `accuracy` over all texts, and that of each label's."""
        right = {
            label: self.classifiers[suffix].predict(those) == self.labels.index(label) for label, those in texts.items()
        }
        found = {f"accuracy_{label}{suffix}": float(those.mean()) for label, those in right.items()}
        return {f"accuracy{suffix}": float(np.concatenate([*right.values()]).mean()), **found}


def of_texts(texts: ByLabel, real: RealByLabel) -> dict[str, float]:
    """Every figure of `definitions` for generated texts, as many of each label."""
    words = [text.split() for those in texts.values() for text in those]
    as_many = _variety([text.split() for text in _sample(real, len(words))])
    found = _judged(texts, real) | _variety(words)
    found["copies"] = copies(
        [text for those in texts.values() for text in those], itertools.chain(*real.training.values())
    )
    return found | {"distinct_2_ratio": found["distinct_2"] / as_many["distinct_2"]}


def of_real(real: RealByLabel, count: int) -> dict[str, float]:
    """The floors: test texts where texts are judged, `count` training texts where variety counts."""
    sample, known = _sample(real, count), Counter(itertools.chain(*real.training.values()))
    return (
        _judged(real.test, real)
        | _variety([text.split() for text in sample])
        | {"copies": sum(known[text] > 1 for text in sample) / len(sample), "distinct_2_ratio": 1.0}
    )


def of_wrong_labels(real: RealByLabel) -> dict[str, float]:
    """Real test texts, each judged as if the next label had been asked for."""
    following = (*real.labels[1:], real.labels[0])
    return _judged({after: real.test[label] for label, after in zip(real.labels, following, strict=True)}, real)


def of_held_out(real: RealByLabel) -> dict[str, float]:
    """How probable training texts are that the language models were not taught by; nothing where there are none.

    Those of test may be of other lengths, as they are chosen; these are as the source is, and models write as it does.
    """
    if not all(real.held_out.values()):
        return {}
    perplexity = real.perplexity_of(real.held_out)
    return {"label_perplexity": perplexity, "perplexity_ratio": perplexity / real.perplexity}


def _judged(texts: ByLabel, real: RealByLabel) -> dict[str, float]:
    accuracies = {name: value for suffix in CLASSIFIERS for name, value in real.accuracies(texts, suffix).items()}
    perplexity = real.perplexity_of(texts)
    return accuracies | {"label_perplexity": perplexity, "perplexity_ratio": perplexity / real.perplexity}


def _shuffled(texts: Sequence[str]) -> list[str]:
    return [texts[row] for row in np.random.default_rng(0).permutation(len(texts))]


def _variety(words: Sequence[Sequence[str]]) -> dict[str, float]:
    return {
        "distinct_1": distinct_n(words, 1),
        "distinct_2": distinct_n(words, 2),
        "self_bleu": self_bleu(words),
        "mean_length": mean_length(words),
    }


def _sample(real: RealByLabel, count: int) -> list[str]:
    """Training texts, as many of each label and `count` in all where there are so many."""
    chosen, each = np.random.default_rng(0), count // len(real.labels)
    return [
        those[row]
        for those in real.training.values()
        for row in chosen.permutation(len(those))[: min(each, len(those))]
    ]
