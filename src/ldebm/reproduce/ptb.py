"""`ldebm reproduce ptb`: the models of the paper's Table 1 on the Penn Treebank, measured alike and honestly.

For each row and seed: train (resumable), measure on the test sentences, write the row. The definitions stand in
PROTOCOL and go into the result file.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import datasets
import numpy as np
import torch

from ldebm.data.batches import TokenizedCorpus
from ldebm.data.corpora import Corpus, load_corpus
from ldebm.devices import choose_device
from ldebm.errors import RunError
from ldebm.evaluation.density import sliced_wasserstein
from ldebm.evaluation.latent import latent_mutual_information
from ldebm.evaluation.reconstruction import bleu, token_accuracy
from ldebm.model import LDEBM
from ldebm.presets import Config, config_from_yaml, load_preset
from ldebm.prior import DenoisingPrior, DiffusionPrior
from ldebm.reproduce.runs import kept_figures
from ldebm.run_folder import CONFIG
from ldebm.tasks import generation_figures, likelihood_figures
from ldebm.tasks.reading import Mode
from ldebm.tasks.real_texts import JUDGED, SELECTING, RealTexts
from ldebm.training import train
from ldebm.training.run import resolve
from ldebm.training.validation import validate

FINISHED = "finished"
COMMON = ("data.vocabulary_size=10000", "data.max_length=85")  # every row sees every word of every sentence
WITHOUT_ENERGY = ("training.clustering_weight=0", "training.information_weight=0")

ROWS: dict[str, tuple[str, ...]] = {
    "autoencoder": ("model.prior.kind=gaussian", "training.rate_weight=0", *WITHOUT_ENERGY),
    "gaussian": ("model.prior.kind=gaussian", *WITHOUT_ENERGY),
    "diffusion": ("model.prior.kind=denoising", *WITHOUT_ENERGY),
    "svebm": ("model.prior.kind=symbol_vector", *WITHOUT_ENERGY),
    "svebm-ib": ("model.prior.kind=symbol_vector", "training.clustering_weight=0"),
    "ldebm-no-clustering": ("training.clustering_weight=0",),
    "ldebm-paper": (),
    "ldebm-best": (),
}
FULL = ("gaussian", "svebm-ib", "ldebm-no-clustering", "ldebm-best")  # the rows that carry the claim

PROTOCOL = {
    "bleu": "corpus BLEU-4 (sacrebleu, no smoothing, on words) of greedy reconstructions from the posterior mean "
    "against all 3,761 test sentences, uncut; 0 to 100",
    "token_accuracy": "share of test positions with the same word in the greedy reconstruction; 0 to 1",
    **generation_figures.DEFINITIONS,
    **{f"{name}_sampled": f"{name} of ancestral samples" for name in generation_figures.DEFINITIONS},
    **likelihood_figures.DEFINITIONS,
    "reconstruction": "-log p(x | z), nats a test sentence, z from the posterior",
    "rate": "KL of posterior and learned prior, nats a test sentence: that to the prior's Gaussian less the middle "
    "of the gain's bracket",
    "rate_to_reference": "KL of the posterior and the prior's Gaussian, nats a test sentence",
    "gain": "what the energy saves over the prior's Gaussian, nats a test sentence, in expectation from above",
    "gain_low": "the same from below",
    **{f"gain_{level}": f"gain of level {level}, from above" for level in range(6)},
    "mutual_information": "I(x; y) of sentence and symbol, nats; 0 to log 20 = 3.0",
    "latent_mutual_information": "I(x; z) by the aggregate posterior of 2,000 test sentences, nats; at most 7.6",
    "active_units": "latent dimensions whose posterior mean varies by more than 0.01",
    "prior_distance": "sliced Wasserstein-2 of 3,761 prior samples and samples of the test sentences' posteriors; the "
    "floor is that of as many training sentences' posteriors",
    "prior_distance_floor": "that floor",
}


@cache
def real_texts() -> RealTexts:
    """Penn Treebank as generated texts are judged by it; trained once a process."""
    corpus = load_corpus("ptb")
    assert corpus.test is not None
    training, validation, test = (
        [text.split() for text in part["text"]] for part in (corpus.train, corpus.validation, corpus.test)
    )
    return RealTexts.read(training, validation, test, choose_device("auto"))


def config_of(row: str, size: str, seed: int, epochs: int | None = None) -> Config:
    """The row's preset with what it changes."""
    preset = f"{'paper' if row == 'ldebm-paper' else 'best'}-{size}"
    settings = [*COMMON, *ROWS[row], f"seed={seed}"]
    if epochs is not None:
        settings.append(f"training.epochs={epochs}")
    return load_preset(preset, settings)


def folder_of(row: str, size: str, seed: int, runs: Path) -> Path:
    return runs / f"{row}-{size}-{seed}"


def trained(config: Config, folder: Path) -> LDEBM:
    """The model: read where it has been trained, else trained (on, where it was interrupted). Raises RunError where the
    folder holds a run with other settings."""
    corpus = load_corpus("ptb")
    if not (folder / FINISHED).exists():
        train(config, corpus, folder, resume=True)
        (folder / FINISHED).touch()
    elif config_from_yaml(folder / CONFIG) != resolve(config, corpus):
        raise RunError(f"{folder} was trained with other settings; remove it, or give another folder with --runs")
    return LDEBM.from_pretrained(folder)


def figures(row: str, size: str, seed: int, runs: Path) -> dict[str, float | None]:
    """The figures of one seed and the seconds of its training."""
    folder = folder_of(row, size, seed, runs)
    model = trained(config_of(row, size, seed), folder)
    return kept_figures(folder, PROTOCOL, lambda: measure(model, load_corpus("ptb"), seed))


def measure(model: LDEBM, corpus: Corpus, seed: int) -> dict[str, float | None]:
    """Every figure of PROTOCOL that the model has; ancestral samples get a judge for the first seed alone."""
    assert corpus.test is not None
    test, real = corpus.test["text"], real_texts()
    written = [model.tokenizer.words(text) for text in model.reconstruct(test)]
    found: dict[str, float | None] = {
        "bleu": bleu(written, real.test),
        "token_accuracy": token_accuracy(written, real.test),
    }
    modes: tuple[tuple[Mode, str], ...] = (("greedy", ""), ("sample", "_sampled"))
    for mode, suffix in modes:
        texts = model.generate(JUDGED + SELECTING, mode=mode, seed=seed)
        of_mode = generation_figures.of_texts(
            [text.split() for text in texts], real, judged=mode == "greedy" or seed == 0
        )
        found |= {f"{name}{suffix}": value for name, value in of_mode.items()}
    found |= _latents(model, corpus, seed)
    if not isinstance(model.prior, DiffusionPrior) or model.prior.tilted:
        some = test[:: 20 if isinstance(model.prior, DenoisingPrior) else 1]  # its density costs a hundred times more
        found |= likelihood_figures.of_texts(model, some, seed=seed)
    return found


def _latents(model: LDEBM, corpus: Corpus, seed: int) -> dict[str, float | None]:
    assert corpus.test is not None
    test = corpus.test["text"]
    ids = TokenizedCorpus.build(
        datasets.Dataset.from_dict({"text": test, "label": [None] * len(test)}), model.tokenizer, 85, None
    )
    found = {name: value for name, value in validate(model, ids, seed).items() if name in PROTOCOL and name != "bleu"}
    generator = np.random.default_rng(seed)

    def drawn(texts: list[str]) -> np.ndarray:
        means_ND, variances_ND = model.posterior(texts)
        return means_ND + np.sqrt(variances_ND) * generator.standard_normal(means_ND.shape)

    of_test_ND = drawn(test)
    of_training_ND = drawn(corpus.train.shuffle(seed=seed).select(range(len(test)))["text"])
    prior_ND = model.prior.sample(len(test), generator=torch.Generator(model.device).manual_seed(seed)).cpu().numpy()
    return found | {
        "latent_mutual_information": latent_mutual_information(*model.posterior(test), seed=seed),
        "prior_distance": sliced_wasserstein(prior_ND, of_test_ND),
        "prior_distance_floor": sliced_wasserstein(of_training_ND, of_test_ND),
    }
