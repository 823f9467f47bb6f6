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
# Figures of latents that take the prior for one: that of responses moves with their contexts.
_WITHOUT_CONTEXT = {"rate", "rate_matched_gaussian", "latent_mutual_information", "active_units"}


def evaluate_responses(
    model: DialogueModel,
    responses: Sequence[Response],
    training_texts: Iterable[str],
    samples: int = 1000,
    seed: int = 0,
    labels: Sequence[str | None] | None = None,
) -> list[Measurement]:
    """Measure a model on held-out responses, as `evaluate` does on texts; what it generates answers their contexts."""
    found = evaluate(ResponseModel(model, responses), responses, training_texts, samples, seed, labels)
    answers, likelihood = _answers(model, responses, samples, seed), _likelihood(model, responses, seed)
    return [*answers, *likelihood, *(row for row in found if row.name not in _WITHOUT_CONTEXT)]


def _answers(model: DialogueModel, responses: Sequence[Response], samples: int, seed: int) -> list[Measurement]:
    asked = [text.dialogue.turns for text in read(responses, seed=seed, limit=samples).texts]
    answers = model.respond([turns[:-1] for turns in asked], [turns[-1].speaker for turns in asked], seed=seed)
    written, true = (
        [model.tokenizer.words(text) for text in texts] for texts in (answers, [turns[-1].text for turns in asked])
    )
    others = [written[row] for row in np.random.default_rng(seed).permutation(len(written))]
    floor = f"floor: {bleu(others, true):.4g}, the responses to other contexts"
    of = f"corpus BLEU-4 without smoothing of the greedy responses to {len(asked):,} contexts against the true turns"
    return [Measurement("response_bleu", bleu(written, true), of, floor, BLEU)]


def _likelihood(model: DialogueModel, responses: Sequence[Response], seed: int) -> list[Measurement]:
    if not model.prior.has_rate or isinstance(model.prior, DenoisingPrior):  # no rate, or one that costs a hundredfold
        return []
    some = [text.dialogue for text in read(responses, seed=seed, limit=BOUNDED).texts]
    bound = likelihood_figures.of_texts(model, some, SAMPLES, seed=seed)["nll_bound"]
    definition = f"{likelihood_figures.definitions(str(SAMPLES))['nll_bound']}; given the context, {len(some):,} turns"
    return [
        Measurement("nll_bound", bound, definition, "floor: 0", NATS_A_TEXT),
        Measurement(
            "rate_to_reference",
            _rate(model, some),
            f"mean KL of the posterior and the prior's Gaussian, both given the context, {len(some):,} turns",
            "floor: 0, the posterior knows no more than the context",
            NATS_A_TEXT,
        ),
    ]


@torch.no_grad()
def _rate(model: DialogueModel, examples: Sequence[Dialogue]) -> float:
    total = 0.0
    with model.evaluating(torch.float32):
        for _, batch in model.batches(examples):
            context_BC = model.context_of(batch)
            total += float(model.prior.rate_to_reference(model.infer(batch, context_BC), context_BC).sum())
    return total / len(examples)
