"""`ldebm reproduce ptb`: the models of the paper's Table 1 on the Penn Treebank, measured alike and honestly.

For each row and seed: train (resumable), measure on the test sentences, write the row. The definitions stand in
PROTOCOL and go into the result file.
"""

from __future__ import annotations

import math
import time
from functools import partial
from pathlib import Path

from ldebm.data.batches import TokenizedCorpus
from ldebm.evaluation.latent import latent_mutual_information
from ldebm.evaluation.reconstruction import bleu, token_accuracy
from ldebm.model import LDEBM
from ldebm.presets import Config
from ldebm.prior import DenoisingPrior
from ldebm.reproduce import ptb_language_model
from ldebm.reproduce.ptb_setting import (
    EFFORTS,
    REFIT,
    ROWS,
    config_of,
    corpus,
    folder_of,
    real_texts,
    tested_texts,
    texts_of,
)
from ldebm.reproduce.results import ResultFile
from ldebm.reproduce.rows import BEST, FULL, stages
from ldebm.reproduce.runs import kept_figures, train_once
from ldebm.reproduce.table import add_rows
from ldebm.tasks import generation_figures, likelihood_figures
from ldebm.tasks.thorough_evaluation import MODES, PRIOR_DISTANCE, prior_distance
from ldebm.training.refit import refit
from ldebm.training.validation import validate

PUBLISHED = {  # recalled, unverified
    "autoencoder": {"reverse_perplexity": 730.81, "bleu": 10.88, "unigram_kl": 0.58},
    "gaussian": {"reverse_perplexity": 686.18, "bleu": 3.12, "unigram_kl": 0.50, "nll_bound": 100.85},
    "language-model": {"nll_bound": 101.21},
    "svebm": {"reverse_perplexity": 180.71, "bleu": 9.54, "unigram_kl": 0.17, "nll_bound": 95.02},
    "svebm-ib": {"reverse_perplexity": 177.59, "bleu": 9.47, "unigram_kl": 0.16, "nll_bound": 94.68},
    "ldebm-no-clustering": {"reverse_perplexity": 168.32, "bleu": 11.12, "unigram_kl": 0.07, "nll_bound": 79.84},
    "ldebm-paper": {"reverse_perplexity": 164.57, "bleu": 11.16, "unigram_kl": 0.06, "nll_bound": 82.38},
}

PROTOCOL = {
    "bleu": "corpus BLEU-4 (sacrebleu, no smoothing, on words) of greedy reconstructions from the posterior mean "
    "against all 3,761 test sentences (quick: 400), uncut; 0 to 100",
    "token_accuracy": "share of test positions with the same word in the greedy reconstruction; 0 to 1",
    **generation_figures.DEFINITIONS,
    **{f"{name}_sampled": f"{name} of ancestral samples" for name in generation_figures.DEFINITIONS},
    **likelihood_figures.definitions(", ".join(f"{effort.samples} (`{size}`)" for size, effort in EFFORTS.items())),
    "nll_by_flow": "the bound of the diffusion network, whose density is its flow's up to the solver's steps, from one "
    "test sentence in 20: nats a word times the words of a test sentence; not strictly a bound",
    "reconstruction": "-log p(x | z), nats a test sentence, z from the posterior",
    "rate": "KL of posterior and learned prior, nats a test sentence: that to the prior's Gaussian less the middle "
    "of the gain's bracket",
    "rate_to_reference": "KL of the posterior and the prior's Gaussian, nats a test sentence",
    "gain": "what the energy saves over the prior's Gaussian, nats a sentence over 256 random test sentences, in "
    "expectation from above",
    "gain_low": "the same from below",
    **{f"gain_{level}": f"gain of level {level}, from above" for level in range(6)},
    "mutual_information": "I(x; y) of sentence and symbol, nats; 0 to log 20 = 3.0",
    "latent_mutual_information": "I(x; z) by the aggregate posterior of 2,000 test sentences, nats; at most 7.6",
    "active_units": "latent dimensions whose posterior mean varies by more than 0.01",
    "prior_distance": PRIOR_DISTANCE,
    "prior_distance_floor": "that floor",
}


def reproduce(out: Path, runs: Path, seeds: int, quick: bool, jobs: int = 1, full: bool = True) -> Path:
    """Train and measure every row: at `small` with every seed, with `full` the rows of FULL once at that size as well.
    Returns the result file, `out`/ptb.json; run folders lie under `runs`.

    What was trained and measured before is read again, so that an interrupted table goes on where it was.

    Args:
        quick: 300 steps of the size `tiny`, judges of 2,000 texts, 400 test sentences; results to `out`/ptb-quick.json.
        jobs: models trained at a time, each on its share of the cores.
    """
    command = f"ldebm reproduce ptb --seeds {seeds}{' --quick' if quick else ''}{f' --jobs {jobs}' if jobs > 1 else ''}"
    plan = [stage for stage in stages(ROWS, FULL, seeds, quick) if full or stage[0] != "full"]
    file = ResultFile(out / f"ptb{'-quick' if quick else ''}.json", command, PROTOCOL)
    floor = generation_figures.floors(real_texts(plan[0][0], runs))
    floor |= {f"{name}_sampled": value for name, value in floor.items()}
    for size, models, n in plan:
        runs_of, plain = dict.fromkeys(models, n), {ptb_language_model.ROW: 1}
        # At `full` the rows with goals come first, and the prior is not refitted.
        runs_of = runs_of | plain if size == "full" else plain | runs_of | {REFIT: n}
        add_rows(
            file, size, runs_of, measured, folder_of, runs, jobs, derived={REFIT}, floor=floor, published=PUBLISHED
        )
    return file.path


def measured(row: str, size: str, seed: int, runs: Path) -> dict[str, float | None]:
    """As `figures`; where the row has a refitted prior, its figures are measured by the same process and kept."""
    found = figures(row, size, seed, runs)
    if row == BEST and size != "full":
        figures(REFIT, size, seed, runs)
    return found


def trained(config: Config, folder: Path) -> LDEBM:
    """The model: read where it has been trained, else trained. Raises RunError as `train_once`."""
    return LDEBM.from_pretrained(train_once(config, corpus(), folder))


def figures(row: str, size: str, seed: int, runs: Path) -> dict[str, float | None]:
    """The figures of one seed and the seconds of its training."""
    folder = folder_of(row, size, seed, runs)
    if row == ptb_language_model.ROW:
        return kept_figures(folder, PROTOCOL, folder, partial(ptb_language_model.measure, size, runs))
    if row == REFIT:
        return _refitted_figures(size, seed, runs)
    model = trained(config_of(row, size, seed), folder)
    return kept_figures(folder, PROTOCOL, folder, lambda: measure(model, seed, size, runs))


def _refitted_figures(size: str, seed: int, runs: Path) -> dict[str, float | None]:
    """Those of BEST whose prior has had a second stage on the frozen latents; the seconds are of that stage."""
    folder, of = (folder_of(row, size, seed, runs) for row in (REFIT, BEST))

    def found() -> dict[str, float | None]:
        model = trained(config_of(BEST, size, seed), of)
        started = time.monotonic()
        model = refit(model, encoded(texts_of("train"), model), EFFORTS[size].refit_steps)
        seconds = time.monotonic() - started
        model.save_pretrained(folder)
        return measure(model, seed, size, runs) | {"train_seconds": seconds}

    return kept_figures(folder, PROTOCOL, of, found)


def measure(model: LDEBM, seed: int, size: str, runs: Path) -> dict[str, float | None]:
    """Every figure of PROTOCOL that the model has; ancestral samples get a judge for the first seed alone."""
    test, real, effort = tested_texts(size), real_texts(size, runs), EFFORTS[size]
    written = [model.tokenizer.words(text) for text in model.reconstruct(test)]
    found: dict[str, float | None] = {
        "bleu": bleu(written, real.test),
        "token_accuracy": token_accuracy(written, real.test),
    }
    for mode, suffix in MODES:
        texts = [text.split() for text in model.generate(effort.texts, mode=mode, seed=seed)]
        of_mode = generation_figures.of_texts(texts, real, judged=mode == "greedy" or seed == 0)
        found |= {f"{name}{suffix}": value for name, value in of_mode.items()}
    found |= _latents(model, test, seed)
    if isinstance(model.prior, DenoisingPrior):
        some = test[::20]
        by_word = likelihood_figures.of_texts(model, some, effort.samples, seed=seed)["bits_per_word"] * math.log(2)
        found["nll_by_flow"] = by_word * float((encoded(test, model).lengths_N - 1).mean())
    elif model.prior.has_rate:
        found |= likelihood_figures.of_texts(model, test, effort.samples, seed=seed)
    else:
        found |= dict.fromkeys(("rate", "rate_to_reference"))  # what it trains for a rate is none
    return found


def encoded(texts: list[str], model: LDEBM) -> TokenizedCorpus:
    return TokenizedCorpus.of_texts(texts, model.tokenizer, model.config.data.max_length)


def _latents(model: LDEBM, test: list[str], seed: int) -> dict[str, float | None]:
    validated = validate(model, encoded(test, model), seed)
    found = {name: value for name, value in validated.items() if name in PROTOCOL and name != "bleu"}
    distance, floor = prior_distance(model, test, texts_of("train"), seed)
    return found | {
        "latent_mutual_information": latent_mutual_information(*model.posterior(test), seed=seed),
        "prior_distance": distance,
        "prior_distance_floor": floor,
    }
