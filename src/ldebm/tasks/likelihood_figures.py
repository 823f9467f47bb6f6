"""How probable held-out texts are under a model: bounds by importance weighting, no text left out."""

from __future__ import annotations

import math

import torch

from ldebm.data.batches import TextBatch
from ldebm.evaluation.likelihood import importance_bound, log_weights
from ldebm.objective import LatentModel, Seen

SAMPLES, PARTICLES = 100, 8


def definitions(samples: str = str(SAMPLES)) -> dict[str, str]:
    """What each figure is, of so many posterior samples."""
    return {
        "nll_bound": f"upper bound of -log p(x), nats a text, end mark counted: importance weighting with {samples} "
        "posterior samples, each with a path through the levels of its own and every normaliser estimated so that "
        "1 / Z is unbiased; 0 upwards",
        "nll_bound_low": "the same with normalisers estimated so that Z is unbiased: lower in expectation; the "
        "difference says how much the normalisers' estimates matter",
        "negative_elbo": f"the same from one sample a text, mean over {samples}: reconstruction and rate, nats a text",
        "perplexity": "exp of nll_bound a token, end marks counted; 1 upwards",
        "bits_per_word": "nll_bound a token, end marks counted, over log 2; 0 upwards",
    }


def of_texts(
    model: LatentModel[Seen], examples: Seen, samples: int = SAMPLES, particles: int = PARTICLES, seed: int = 0
) -> dict[str, float]:
    """The figures of `definitions` for held-out texts, or for the last turns of dialogues given the turns before.

    As the model cuts them into tokens: unknown words as the unknown word, at most `data.max_length`. Raises ValueError
    where the prior has no density.
    """
    generator = torch.Generator(model.device).manual_seed(seed)
    bound = low = elbo = 0.0
    tokens = 0
    for _, batch in model.batches(examples):
        assert isinstance(batch, TextBatch)
        lower_SB, upper_SB = log_weights(model, batch, samples, generator, particles)
        bound -= float(importance_bound(lower_SB).double().sum())
        low -= float(importance_bound(upper_SB).double().sum())
        elbo -= float(lower_SB.mean(0).double().sum())
        tokens += int((batch.lengths_B - 1).sum())
    return {
        "nll_bound": bound / len(examples),
        "nll_bound_low": low / len(examples),
        "negative_elbo": elbo / len(examples),
        "perplexity": math.exp(bound / tokens),
        "bits_per_word": bound / tokens / math.log(2),
    }
