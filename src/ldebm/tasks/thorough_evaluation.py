"""The figures of a run that take minutes: what language models say of its texts, and bounds of its likelihood."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from ldebm.evaluation.density import sliced_wasserstein
from ldebm.model import LDEBM
from ldebm.prior import DenoisingPrior
from ldebm.tasks import generation_figures, likelihood_figures
from ldebm.tasks.evaluation_of_runs import Measurement
from ldebm.tasks.reading import Mode, read
from ldebm.tasks.real_texts import JUDGED, SELECTING, RealTexts
from ldebm.training.progress import say

MODES: tuple[tuple[Mode, str], ...] = (("greedy", ""), ("sample", "_sampled"))
# What `evaluate` does not measure already, and its unit.
_OF_TEXTS = {
    "reverse_perplexity": "perplexity",
    "reverse_perplexity_ratio": "ratio",
    "forward_perplexity": "perplexity",
    "smoothed_kl": "nats",
    "length_distance": "words",
}
_OF_BOUNDS = {"perplexity": ("perplexity", "floor: 1"), "bits_per_word": ("bits", "floor: 0")}
TAUGHT = JUDGED + SELECTING  # training texts that are read
BOUNDED = 1_000  # texts whose likelihood is bounded


def evaluate_thoroughly(
    model: LDEBM, texts: Sequence[str], training: Sequence[str], validation: Iterable[str], seed: int = 0
) -> list[Measurement]:
    """Reverse and forward perplexity of greedy and of ancestral samples, word shares and lengths, the prior's distance
    from the aggregate posterior, and likelihood bounds where the prior has a density.

    At most 20,000 of `texts` and 43,000 of the training texts are read, drawn with the seed; as many are generated as
    training texts are read.
    """
    held_out = read(texts, seed=seed).texts
    taught = read(training, seed=seed, limit=TAUGHT).texts
    split, unknown = model.tokenizer.words, model.tokenizer.kind == "whitespace"
    parts = (map(split, taught), map(split, validation), map(split, held_out))
    say(f"training a language model on real texts, at most {JUDGED:,}")
    real = RealTexts.read(*parts, model.device, unknown, len(taught))
    floors, measured = generation_figures.floors(real), []
    for mode, suffix in MODES:
        say(f"writing {len(taught):,} texts ({mode}) and training a language model on them")
        written = [split(text) for text in model.generate(len(taught), mode=mode, seed=seed)]
        found = generation_figures.of_texts(written, real)
        measured += [
            Measurement(
                f"{name}{suffix}",
                found[name],
                f"{generation_figures.DEFINITIONS[name]}; {len(written):,} {mode} texts",
                f"real texts: {floors[name]:.4g}",
                unit,
            )
            for name, unit in _OF_TEXTS.items()
        ]
    prior, floor = prior_distance(model, held_out, taught, seed)
    definition = f"{PRIOR_DISTANCE}; {min(len(held_out), len(taught)):,} of each"
    measured.append(Measurement("prior_distance", prior, definition, f"floor: {floor:.4g}", "latent units"))
    if model.prior.has_rate and not isinstance(model.prior, DenoisingPrior):  # whose density costs a hundredfold
        some = read(held_out, seed=seed, limit=BOUNDED).texts
        say(f"bounding the likelihood of {len(some):,} texts")
        for name, value in likelihood_figures.of_texts(model, some, seed=seed).items():
            unit, beside = _OF_BOUNDS.get(name, ("nats a text", "floor: 0"))
            definition = f"{likelihood_figures.definitions()[name]}; {len(some):,} texts"
            measured.append(Measurement(name, value, definition, beside, unit))
    return measured


PRIOR_DISTANCE = (
    "sliced Wasserstein-2 of prior samples and samples of held-out texts' posteriors; the floor is that of as many "
    "training texts' posteriors"
)


def prior_distance(model: LDEBM, held_out: Sequence[str], training: Sequence[str], seed: int) -> tuple[float, float]:
    """The distance of PRIOR_DISTANCE and its floor, on equally many texts."""
    number = min(len(held_out), len(training))
    generator = np.random.default_rng(seed)

    def drawn(texts: Sequence[str]) -> np.ndarray:
        chosen = generator.choice(len(texts), size=number, replace=False)
        means_ND, variances_ND = model.posterior([texts[i] for i in chosen])
        drawn_ND: np.ndarray = means_ND + np.sqrt(variances_ND) * generator.standard_normal(means_ND.shape)
        return drawn_ND

    real_ND = drawn(held_out)
    with torch.no_grad():
        prior_ND = model.prior.sample(number, generator=torch.Generator(model.device).manual_seed(seed)).cpu().numpy()
    return sliced_wasserstein(prior_ND, real_ND), sliced_wasserstein(drawn(training), real_ND)
