"""Bounds of texts' likelihoods: their order, and an exact value where the latent says nothing."""

import math

import pytest
import torch

from ldebm.tasks import likelihood_figures
from tests import tiny

TEXTS = tiny.texts(20, seed=3)[0]


def model_of(kind):
    return tiny.model(f"model.prior.kind={kind}").eval()


@pytest.mark.parametrize("kind", ["gaussian", "symbol_vector", "diffusion"])
def test_bounds_are_in_order_and_all_texts_count(kind) -> None:
    found = likelihood_figures.of_texts(model_of(kind), TEXTS, samples=30)
    assert found.keys() == likelihood_figures.definitions().keys()
    assert found["nll_bound_low"] - 0.5 < found["nll_bound"] < found["negative_elbo"]
    tokens = sum(len(row) - 1 for row in model_of(kind).tokenizer.encode(TEXTS, 20)) / len(TEXTS)
    assert found["perplexity"] == pytest.approx(math.exp(found["nll_bound"] / tokens))
    assert found["bits_per_word"] == pytest.approx(math.log2(found["perplexity"]))
    assert likelihood_figures.of_texts(model_of(kind), TEXTS, samples=30) == found


def test_where_the_decoder_ignores_the_latent_the_bound_is_its_likelihood() -> None:
    model = model_of("gaussian")
    with torch.no_grad():
        for weight in (model.decoder.first.weight, model.decoder.latent_to_output.weight):
            weight.zero_()
        model.decoder.gru.weight_ih_l0[:, -model.config.model.latent_size :].zero_()
    exact = 0.0
    for _, batch in model.batches(TEXTS):
        z_BD = torch.zeros(len(batch), model.config.model.latent_size)
        exact -= float(model.decoder.log_likelihood(z_BD, batch).sum().detach())
    few, many = (likelihood_figures.of_texts(model, TEXTS, samples=n)["nll_bound"] for n in (1, 2000))
    assert few > exact / len(TEXTS) + 0.5  # what the useless latent costs
    assert many == pytest.approx(exact / len(TEXTS), abs=0.1)
