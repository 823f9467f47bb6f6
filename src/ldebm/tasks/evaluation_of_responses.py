"""Every figure of a model of responses: those of texts, and how near its responses are to what was said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch

from ldebm.data.dialogues import Dialogue
from ldebm.dialogue_model import DialogueModel
from ldebm.evaluation.reconstruction import bleu
from ldebm.prior import DenoisingPrior
from ldebm.tasks import likelihood_figures
from ldebm.tasks.evaluation_of_runs import BLEU, NATS_A_TEXT, Measurement, evaluate
from ldebm.tasks.reading import read
from ldebm.tasks.responses import Response, ResponseModel

BOUNDED, SAMPLES = 1_000, 20  # responses whose likelihood is bounded, and posterior samples of each
# Rates to one Gaussian for all: that of responses moves with their contexts.
_WITHOUT_CONTEXT = {"rate", "rate_matched_gaussian"}


def evaluate_responses(
    model: DialogueModel,
    responses: Sequence[Response],
    training_texts: Iterable[str],
    samples: int = 1000,
    seed: int = 0,
    labels: Sequence[str | None] | None = None,
) -> list[Measurement]:
    """Measure a model on held-out responses, as `evaluate` does on texts; what it generates answers their contexts.

    Turns of speakers whom the run does not know are read, but not answered. Raises DataError where it knows none.
    """
    as_texts = ResponseModel(model, responses)
    found = evaluate(as_texts, responses, training_texts, samples, seed, labels)
    answers, likelihood = _answers(as_texts, min(samples, len(responses)), seed), _likelihood(model, responses, seed)
    return [*answers, *likelihood, *(row for row in found if row.name not in _WITHOUT_CONTEXT)]


def _answers(model: ResponseModel, samples: int, seed: int) -> list[Measurement]:
    """Of the responses whose other figures `evaluate` has."""
    split = model.tokenizer.words
    true = [split(each.turns[-1].text) for each in model.drawn(samples, seed)]
    written = [split(text) for text in model.generate(samples, seed=seed)]
    others = [written[row] for row in np.random.default_rng(seed).permutation(len(written))]
    floor = f"floor: {bleu(others, true):.4g}, the responses to other contexts"
    of = f"corpus BLEU-4 without smoothing of the greedy responses to {samples:,} contexts against the true turns"
    return [Measurement("response_bleu", bleu(written, true), of, floor, BLEU)]


def _likelihood(model: DialogueModel, responses: Sequence[Response], seed: int) -> list[Measurement]:
    some = [text.dialogue for text in read(responses, seed=seed, limit=BOUNDED).texts]
    rate = Measurement(
        "rate_to_reference",
        _rate(model, some),
        "mean KL of the posterior and the prior's Gaussian, which moves with the context (N(0, I) of the symbol-vector "
        f"prior), {len(some):,} turns",
        "floor: 0, the posterior knows no more than the prior's Gaussian",
        NATS_A_TEXT,
    )
    if not model.prior.has_rate or isinstance(model.prior, DenoisingPrior):
        return [rate]  # no density, or one that costs a hundredfold
    bound = likelihood_figures.of_texts(model, some, SAMPLES, seed=seed)["nll_bound"]
    definition = f"{likelihood_figures.definitions(str(SAMPLES))['nll_bound']}; given the context, {len(some):,} turns"
    return [rate, Measurement("nll_bound", bound, definition, "floor: 0", NATS_A_TEXT)]


@torch.no_grad()
def _rate(model: DialogueModel, examples: Sequence[Dialogue]) -> float:
    total = 0.0
    with model.evaluating(torch.float32):
        for _, batch in model.batches(examples):
            context_BC = model.context_of(batch)
            total += float(model.prior.rate_to_reference(model.infer(batch, context_BC), context_BC).sum())
    return total / len(examples)
