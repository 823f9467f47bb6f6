"""The prior's second stage: it moves the prior alone, and towards the latents."""

import numpy as np
import torch

from ldebm.data.batches import TokenizedCorpus
from ldebm.training.refit import refit
from tests import tiny


def trained_corpus(model):
    return TokenizedCorpus.build(tiny.corpus(200).train, model.tokenizer, 20, None)


def test_only_the_prior_moves_and_the_model_given_stays_as_it_is():
    model = tiny.model().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = refit(model, trained_corpus(model), 5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    moved = {name for name, value in found.state_dict().items() if not torch.equal(value, before[name])}
    assert moved and all(name.startswith("prior.") for name in moved)
    again = refit(model, trained_corpus(model), 5)
    assert all(torch.allclose(value, found.state_dict()[name], atol=1e-6) for name, value in again.state_dict().items())


def test_a_second_stage_fits_a_prior_that_was_wrong():
    """Latents on two sides of the origin, a prior that has not learned: samples come to look like them."""
    model = tiny.model("model.prior.steps=20", "training.energy_learning_rate=0.01").eval()
    corpus = trained_corpus(model)

    class TwoSides(torch.nn.Module):
        compute_dtype = torch.float32

        def encode(self, batch):
            from ldebm.posterior import Posterior

            side = (batch.index_B % 2 * 2 - 1).float()[:, None]
            mean = torch.cat([1.5 * side, torch.zeros(len(batch), 7)], -1)
            return Posterior(mean, torch.full_like(mean, -2.0))

    model.encoder = TwoSides()
    found = refit(model, corpus, 300)
    z = found.prior.sample(2000, generator=torch.Generator().manual_seed(0))[:, 0].numpy()
    kurtosis = float(np.mean((z / z.std()) ** 4))
    assert abs(float(z.mean())) < 0.3 and kurtosis < 2.3  # two sides: near 1.2; a Gaussian: 3
