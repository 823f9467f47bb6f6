"""The row that has no latent: one language model of the decoder's size, in whose texts the label is the first word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch

from ldebm.data.batches import TokenizedCorpus, in_order
from ldebm.data.tokenizer import Tokenizer
from ldebm.devices import choose_device
from ldebm.evaluation.language_model import LanguageModel
from ldebm.model import surest
from ldebm.reproduce import language_models
from ldebm.reproduce.rows import BEST, QUICK
from ldebm.reproduce.yelp_setting import LABELS, config_of, folder_of, texts_of
from ldebm.tasks.real_texts import as_ids

ROW = "language-model"
EPOCHS = 8
_READ_ROWS = 256


def trained(size: str, runs: Path) -> tuple[LanguageModel, float]:
    """The language model of a size and the seconds that its training took."""

    def corpora() -> tuple[TokenizedCorpus, TokenizedCorpus]:
        training, validation = (_labelled(texts_of(part)) for part in ("train", "validation"))
        return as_ids(training, tokenizer()), as_ids(validation, tokenizer())

    decoder, epochs = config_of(BEST, size, 0).model.decoder, 1 if size == QUICK else EPOCHS
    folder = folder_of(ROW, size, 0, runs)
    return language_models.trained(folder, decoder, len(tokenizer()), choose_device("auto"), corpora, epochs)


@cache
def tokenizer() -> Tokenizer:
    """The corpus' words and a word for each label."""
    size = config_of(BEST, QUICK, 0).data.vocabulary_size
    return Tokenizer.train((" ".join(words) for words in _labelled(texts_of("train"))), "whitespace", size, False)


def written(model: LanguageModel, count: int, seed: int) -> dict[str, list[str]]:
    """`count` ancestral samples, as many of each label. (Greedy there is one text a label.)"""
    longest = config_of(BEST, QUICK, 0).data.max_length
    found = {}
    for place, label in enumerate(LABELS):
        generator = torch.Generator(model.device).manual_seed(len(LABELS) * seed + place)
        [[_, first, _]] = tokenizer().encode([_word(label)], 3)
        rows = model.sample(count // len(LABELS), generator, longest, first=first)
        found[label] = [tokenizer().decode(ids) for ids in rows]
    return found


def best_written(model: LanguageModel, count: int, best_of: int, seed: int) -> dict[str, list[str]]:
    """The same, each the one of several with the highest p(label | text)."""
    several, found = written(model, count * best_of, seed), {}
    for place, (label, texts) in enumerate(several.items()):
        found[label] = surest(texts, label_probabilities(model, texts)[:, place], best_of)
    return found


@torch.no_grad()
def label_probabilities(model: LanguageModel, texts: Sequence[str]) -> np.ndarray:
    """p(label | text) by Bayes' rule, [N, K]: p(label, text) is what the model is of."""
    log_joint_NK = np.empty((len(texts), len(LABELS)))
    for place, label in enumerate(LABELS):
        corpus = as_ids(_labelled({label: texts}), tokenizer())
        for index in in_order(corpus.lengths_N, _READ_ROWS):
            log_joint_NK[index, place] = model.log_likelihood(corpus.batch(index).to(model.device)).cpu().numpy()
    odds_NK = np.exp(log_joint_NK - log_joint_NK.max(1, keepdims=True))
    probabilities_NK: np.ndarray = odds_NK / odds_NK.sum(1, keepdims=True)
    return probabilities_NK


def _labelled(texts: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Words of each text, the label's first."""
    return [[_word(label), *text.split()] for label, those in texts.items() for text in those]


def _word(label: str) -> str:
    """What no text has."""
    return f"<{label}>"
