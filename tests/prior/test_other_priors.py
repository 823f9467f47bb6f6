"""Gaussian and symbol-vector priors, the running reference, and the information term."""

import math

import pytest
import torch

from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.presets import load_preset
from ldebm.prior import DiffusionPrior, GaussianPrior, SymbolVectorPrior, build_prior
from ldebm.prior.base import gradient_only, mutual_information
from ldebm.prior.energy import tilt_and_weights
from ldebm.prior.reference import ReferenceGaussian


def posterior(rows=300, latent=3):
    torch.manual_seed(0)
    return Posterior(torch.randn(rows, latent) @ torch.randn(latent, latent) + 1, torch.randn(rows, latent) - 2)


def test_matched_reference_has_the_aggregate_moments_and_its_maps_are_inverse():
    reference = ReferenceGaussian(3, matched=True)
    q = posterior()
    reference.update(q, momentum=1.0)
    covariance = q.mean_BD.T.cov(correction=0) + q.log_variance_BD.exp().mean(0).diag()
    assert torch.allclose(reference.covariance_DD, covariance, atol=1e-4)
    z = q.sample(torch.randn(300, 3))
    assert torch.allclose(reference.colour(reference.whiten(z)), z, atol=1e-4)
    whole = reference.whiten(q.sample(torch.randn(300, 3)).repeat(1, 1))
    assert whole.mean(0).abs().max() < 0.2


def test_the_matched_gaussian_is_the_gaussian_of_least_rate():
    q = posterior()
    matched, standard = ReferenceGaussian(3, matched=True), ReferenceGaussian(3, matched=False)
    matched.update(q, momentum=1.0)
    assert float(matched.rate(q).mean()) < float(standard.rate(q).mean())
    moved = ReferenceGaussian(3, matched=True)
    moved.update(Posterior(q.mean_BD + 0.3, q.log_variance_BD), momentum=1.0)
    assert float(matched.rate(q).mean()) < float(moved.rate(q).mean())


def test_standard_rate_is_the_closed_form():
    q = posterior()
    exact = torch.distributions.kl_divergence(
        torch.distributions.Normal(q.mean_BD, (0.5 * q.log_variance_BD).exp()),
        torch.distributions.Normal(torch.zeros(3), torch.ones(3)),
    ).sum(-1)
    assert torch.allclose(q.rate_to_standard(), exact, atol=1e-5)


def test_gaussian_prior_samples_its_reference_and_has_no_opinion_on_symbols():
    prior = GaussianPrior(3, 4, matched=True)
    prior.refer_to(posterior())
    samples = prior.sample(50_000, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(samples.T.cov(), prior.reference.covariance_DD, rtol=0.1, atol=0.1)
    assert not prior.symbol_logits(samples).any()


def with_a_line(prior):
    """F(z) = 0.7 z in the network's place."""
    line = torch.nn.Linear(1, 2, bias=False)
    torch.nn.init.constant_(line.weight, 0.7)
    prior.energy = torch.nn.Sequential(line)
    prior._tilt_and_grad = lambda z_BD, *_, **named: (0.7 * z_BD[:, 0], torch.full_like(z_BD, 0.7))


def test_the_gradient_written_out_is_autograds_and_is_the_one_in_use(monkeypatch):
    torch.manual_seed(0)
    prior = SymbolVectorPrior(3, 5, width=16, steps=4, step_size=0.4)
    z = torch.randn(40, 3, requires_grad=True)
    symbol = torch.arange(40) % 6 - 1
    for arguments in ((None, 1.0), (symbol, 1.0), (symbol, 2.5)):
        plain_B = tilt_and_weights(prior.energy(z), *arguments)[0]
        (plain_BD,) = torch.autograd.grad(plain_B.sum(), z)
        fast_B, fast_BD = prior._tilt_and_grad(z.detach(), *arguments)
        assert torch.allclose(fast_B, plain_B, atol=1e-6) and torch.allclose(fast_BD, plain_BD, atol=1e-6)
    monkeypatch.setattr(torch.autograd, "grad", None)  # nothing on the way asks for it
    prior.sample(5, generator=torch.Generator().manual_seed(0))


def test_symbol_vector_chain_settles_at_its_tilted_density():
    """With F(z) = b z the tilted density is N(b, 1); s^2 = 0.25 adds the known bias of the variance."""
    prior = SymbolVectorPrior(1, 2, width=8, steps=200, step_size=0.5)
    with_a_line(prior)
    samples = prior.sample(20_000, generator=torch.Generator().manual_seed(0))
    assert float(samples.mean()) == pytest.approx(0.7, abs=0.03)
    assert float(samples.var()) == pytest.approx(1 / (1 - 0.25 / 4), rel=0.04)


def test_symbol_vector_gain_of_a_line_is_closed_form():
    """E[F] - log E_N(0,1) exp F with F = b z at z = 2: 2 b - b^2 / 2."""
    prior = SymbolVectorPrior(1, 2, width=8, steps=1, step_size=0.5)
    with_a_line(prior)
    found = prior.gains(torch.full((5, 1), 2.0), torch.Generator().manual_seed(0))
    assert found["gain"] == pytest.approx(1.4 - 0.245, abs=0.05)
    assert found["gain_low"] == pytest.approx(1.4 - 0.245, abs=0.05)


def test_symbol_vector_gradients_reach_the_part_they_are_for():
    torch.manual_seed(0)
    prior = SymbolVectorPrior(3, 4, width=8, steps=3, step_size=0.5)
    z = torch.randn(10, 3, requires_grad=True)
    terms = prior.terms(z, Posterior(z, torch.zeros(10, 3)), Noise(torch.Generator(), total=10))
    weights = list(prior.parameters())
    assert all(
        g is None for g in torch.autograd.grad(terms.rate_B.sum(), weights, allow_unused=True, retain_graph=True)
    )
    to_z, *to_weights = torch.autograd.grad(terms.contrast, [z, *weights], allow_unused=True, retain_graph=True)
    assert to_z is None and all(bool(grad.any()) for grad in to_weights[:-1])  # the last bias moves both alike
    pull = terms.rate_B.sum() - 0.5 * z.square().sum()  # what the energy adds to the Gaussian's pull
    assert bool(torch.autograd.grad(pull, z)[0].abs().max() > 1e-4)


def test_free_bits_switch_small_rates_off():
    prior = SymbolVectorPrior(2, 2, width=8, steps=1, step_size=0.5, free_bits=1.0)
    z = torch.tensor([[0.1, 3.0]])
    rate = prior.terms(z, Posterior(z, torch.zeros(1, 2)), Noise(None, total=1)).rate_B
    assert float(rate) == pytest.approx(4.5)


def test_information_of_sure_even_symbols_is_log_k_and_of_unsure_ones_zero():
    assert float(mutual_information(100 * torch.eye(4))) == pytest.approx(math.log(4), abs=1e-4)
    assert float(mutual_information(torch.zeros(7, 4))) == pytest.approx(0.0, abs=1e-6)
    assert float(mutual_information(torch.tensor([[100.0, 0.0]] * 5))) == pytest.approx(0.0, abs=1e-4)


def test_gradient_only_has_no_value():
    x = torch.tensor(3.0, requires_grad=True)
    y = gradient_only(x**2)
    y.backward()
    assert float(y.detach()) == 0.0 and float(x.grad) == 6.0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("gaussian", GaussianPrior), ("symbol_vector", SymbolVectorPrior), ("diffusion", DiffusionPrior)],
)
def test_the_configuration_chooses_the_prior(kind, expected):
    assert type(build_prior(load_preset("best-tiny", [f"model.prior.kind={kind}"]).model)) is expected
