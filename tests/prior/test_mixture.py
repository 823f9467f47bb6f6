"""The mixture of Gaussians against the library's, its samples and its terms."""

import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.presets import load_preset
from ldebm.prior import MixturePrior, build_prior


@pytest.fixture
def prior():
    torch.manual_seed(0)
    prior = MixturePrior(3, 4)
    with torch.no_grad():
        prior.logit_K.normal_()
        prior.log_variance_KD.normal_(-1.0, 0.5)
    return prior


def library(prior):
    parts = Independent(Normal(prior.mean_KD, (0.5 * prior.log_variance_KD).exp()), 1)
    return MixtureSameFamily(Categorical(logits=prior.logit_K), parts)


def test_its_density_is_the_librarys_and_known_exactly(prior) -> None:
    z = 2 * torch.randn(200, 3)
    low, high = prior.log_density_bounds(z)
    assert torch.equal(low, high) and torch.allclose(low, library(prior).log_prob(z), atol=1e-4)
    standard = Independent(Normal(torch.zeros(3), torch.ones(3)), 1)
    saved = float((library(prior).log_prob(z) - standard.log_prob(z)).mean().detach())
    assert prior.gains(z, None) == pytest.approx({"gain": saved, "gain_low": saved}, abs=1e-4)


def test_samples_are_the_mixtures_and_obey_a_symbol(prior) -> None:
    generator = torch.Generator().manual_seed(0)
    z = prior.sample(50_000, generator=generator)
    assert torch.allclose(z.mean(0), library(prior).mean, atol=0.03)
    assert torch.allclose(z.var(0), library(prior).variance, rtol=0.03)
    symbol = torch.tensor([2, -1]).repeat(10_000)
    z = prior.sample(20_000, symbol, generator)
    assert torch.allclose(z[::2].mean(0), prior.mean_KD[2], atol=0.03)
    assert torch.allclose(z[1::2].mean(0), library(prior).mean, atol=0.06)


def test_the_encoder_feels_the_rate_and_the_mixture_its_own_likelihood(prior) -> None:
    posterior = Posterior(torch.randn(60, 3, requires_grad=True), torch.full((60, 3), -2.0, requires_grad=True))
    noise_BD = torch.randn(60, 3)

    def of_the_mean(rate_B):
        return torch.autograd.grad(rate_B.sum(), [posterior.mean_BD, posterior.log_variance_BD], retain_graph=True)

    z_BD = posterior.sample(noise_BD)
    terms = prior.terms(z_BD, posterior, Noise(None))
    log_q_B = Independent(Normal(posterior.mean_BD, (0.5 * posterior.log_variance_BD).exp()), 1).log_prob(z_BD)
    exact = of_the_mean(log_q_B - library(prior).log_prob(z_BD))
    standard = Independent(Normal(torch.zeros(3), torch.ones(3)), 1).log_prob(z_BD)
    # The Gaussian part of the rate is taken in closed form: add what its estimate of one draw has more.
    drawn = of_the_mean(log_q_B - standard - posterior.rate_to_standard())
    for found, gradient, extra in zip(of_the_mean(terms.rate_B), exact, drawn, strict=True):
        assert torch.allclose(found + extra, gradient, atol=1e-4)
    assert terms.rate_B.detach() == pytest.approx(posterior.rate_to_standard().detach(), abs=1e-6)
    assert all(value is None for value in torch.autograd.grad(terms.rate_B.sum(), prior.mean_KD, allow_unused=True))

    (learned,) = torch.autograd.grad(terms.contrast, prior.mean_KD, retain_graph=True)
    (likelihood,) = torch.autograd.grad(-library(prior).log_prob(z_BD.detach()).mean(), prior.mean_KD)
    assert torch.allclose(learned, likelihood, atol=1e-5)
    assert not torch.autograd.grad(terms.contrast, posterior.mean_BD, allow_unused=True)[0]
    half = prior.terms(z_BD, posterior, Noise(None), encoder_share=0.0)
    assert torch.allclose(of_the_mean(half.rate_B)[0], posterior.mean_BD)


def test_its_symbols_are_its_components(prior) -> None:
    assert torch.equal(prior.symbol_logits(prior.mean_KD).argmax(-1), torch.arange(4))
    settings = ["model.prior.kind=mixture", "model.symbols=7"]
    assert build_prior(load_preset("best-tiny", settings).model).symbols == 7
