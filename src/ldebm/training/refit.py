"""The prior learned once more on latents that no longer move (Cui and Han 2024; methods 2): a row of its own in tables.

Legend: N examples of the corpus, B of a batch, D latent dimensions.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import numpy as np
import torch

from ldebm.data.batches import EncodedCorpus, in_order
from ldebm.noise import Noise
from ldebm.objective import READ_ROWS, LatentModel, symbol_loss
from ldebm.posterior import Posterior
from ldebm.training.averaging import average
from ldebm.training.schedules import cosine

Model = TypeVar("Model", bound=LatentModel[Any])
_BATCH, _DECAY = 512, 0.998


def refit(model: Model, corpus: EncodedCorpus, steps: int) -> Model:
    """A copy of `model`, one without contexts, whose prior has had `steps` more updates of 512 posteriors each,
    with encoder and decoder as they are. The symbols keep their meaning: those that the model reads now are what the
    energy goes on learning."""
    settings, moving = model.config.training, copy.deepcopy(model)
    posterior = _posteriors(model, corpus)
    with torch.no_grad():
        symbol_N = model.prior.symbol_logits(posterior.mean_BD).argmax(-1)
    found, prior = copy.deepcopy(model), moving.prior.train()
    generator = torch.Generator(model.device).manual_seed(model.config.seed)
    optimiser = torch.optim.Adam(
        prior.parameters(), settings.energy_learning_rate, weight_decay=settings.energy_weight_decay
    )
    noise = Noise(generator, total=_BATCH)
    for step in range(steps):
        row_B = torch.randint(len(symbol_N), (_BATCH,), generator=generator, device=model.device)
        some = Posterior(posterior.mean_BD[row_B], posterior.log_variance_BD[row_B])
        z_BD = some.sample(noise.normal(*some.mean_BD.shape, device=model.device))
        terms = prior.terms(z_BD, some, noise, encoder_share=0.0)
        loss = settings.contrast_weight * terms.contrast
        if prior.has_symbols:
            loss = loss + symbol_loss(terms.logits_of_levels, symbol_N[row_B])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(prior.parameters(), settings.energy_clip)
        for group in optimiser.param_groups:
            group["lr"] = settings.energy_learning_rate * cosine(step / steps)
        optimiser.step()
        average(found.prior, prior, _DECAY, step + 1)
    found.prior.refer_to(posterior)
    return found.eval()


@torch.no_grad()
def _posteriors(model: LatentModel[Any], corpus: EncodedCorpus) -> Posterior:
    """q(z | x) of every example of the corpus."""
    size = (len(corpus), model.config.model.latent_size)
    mean_ND, log_variance_ND = (torch.empty(size, device=model.device) for _ in range(2))
    with model.evaluating(torch.float32):
        for index in in_order(corpus.lengths_N, READ_ROWS):
            posterior = model.encoder.encode(corpus.batch(index).to(model.device))
            row_B = torch.from_numpy(np.ascontiguousarray(index)).to(model.device)
            mean_ND[row_B], log_variance_ND[row_B] = posterior.mean_BD, posterior.log_variance_BD
    return Posterior(mean_ND, log_variance_ND)
