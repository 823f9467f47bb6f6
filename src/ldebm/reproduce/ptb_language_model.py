"""The row that has no latent: a plain language model of the decoder's size, trained on all training sentences."""

from __future__ import annotations

import math
from pathlib import Path

import torch

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.tokenizer import Tokenizer
from ldebm.evaluation.language_model import LanguageModel, cross_entropy
from ldebm.reproduce import language_models
from ldebm.reproduce.language_models import EPOCHS, SECONDS
from ldebm.reproduce.ptb_setting import EFFORTS, config_of, folder_of, real_texts, texts_of
from ldebm.reproduce.rows import QUICK
from ldebm.tasks import generation_figures
from ldebm.tasks.real_texts import as_ids

ROW = "language-model"


def trained(size: str, runs: Path) -> tuple[LanguageModel, float]:
    """The language model of a size and the seconds that its training took."""
    real, decoder = real_texts(size, runs), config_of("gaussian", size, 0).model.decoder

    def corpora() -> tuple[TokenizedCorpus, TokenizedCorpus]:
        training, validation = ([text.split() for text in texts_of(split)] for split in ("train", "validation"))
        return as_ids(training, real.tokenizer), as_ids(validation, real.tokenizer)

    epochs = 1 if size == QUICK else EPOCHS
    folder = folder_of(ROW, size, 0, runs)
    return language_models.trained(folder, decoder, len(real.tokenizer), real.own.device, corpora, epochs)


def written(model: LanguageModel, tokenizer: Tokenizer, texts: int, temperature: float = 1.0) -> list[list[str]]:
    """Ancestral samples, as words. (Its greedy text is one text.)"""
    generator = torch.Generator(model.device).manual_seed(0)
    rows = model.sample(texts, generator, config_of("gaussian", QUICK, 0).data.max_length, temperature)
    return [tokenizer.decode(ids).split() for ids in rows]


def measure(size: str, runs: Path) -> dict[str, float]:
    """The figures that apply to it, and the seconds of its training."""
    (model, seconds), real = trained(size, runs), real_texts(size, runs)
    test = as_ids(real.test, real.tokenizer)
    nats, words = cross_entropy(model, test), float((test.lengths_N - 1).mean())
    found = generation_figures.of_texts(written(model, real.tokenizer, EFFORTS[size].texts), real)
    likelihood = {"nll_bound": nats * words, "perplexity": math.exp(nats), "bits_per_word": nats / math.log(2)}
    return {f"{name}_sampled": value for name, value in found.items()} | likelihood | {SECONDS: seconds}
