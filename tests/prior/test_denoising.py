"""The small diffusion network's sampler and density against closed forms."""

import math

import pytest
import torch

from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.prior import DenoisingPrior


def denoising_prior(latent, steps=400):
    torch.manual_seed(0)
    prior = DenoisingPrior(latent, 3, 32, 2, steps).eval()
    prior.refer_to(Posterior(torch.randn(3000, latent) @ torch.randn(latent, latent) + 1, torch.zeros(3000, latent)))
    return prior


def of_gaussian(variance_D):
    """The velocity for u ~ N(0, variance): E[v | x] of jointly Gaussian v and x."""

    def velocity(x_BD, angle_B1):
        cos, sin = angle_B1.cos(), angle_B1.sin()
        return cos * sin * (1 - variance_D) / (cos.square() * variance_D + sin.square()) * x_BD

    return velocity


def test_the_flow_of_a_gaussian_has_its_density_and_its_samples():
    prior, variance_D = denoising_prior(3), torch.tensor([0.05, 0.6, 2.0])
    prior._velocity = of_gaussian(variance_D)
    z_BD = prior.sample(20_000, generator=torch.Generator().manual_seed(0))
    u_BD = prior.reference.whiten(z_BD)
    assert torch.allclose(u_BD.var(0), variance_D, rtol=0.05)
    exact_B = torch.distributions.Normal(0, variance_D.sqrt()).log_prob(u_BD[:50]).sum(-1) - prior.reference.log_det()
    lower_B, upper_B = prior.log_density_bounds(z_BD[:50])
    assert torch.equal(lower_B, upper_B) and torch.allclose(lower_B, exact_B, atol=5e-3)
    gain = prior.gains(z_BD[:50], None)["gain"]
    assert gain == pytest.approx(float((exact_B - prior.reference.log_density(z_BD[:50])).mean()), abs=5e-3)


def test_the_density_of_any_network_has_an_integral_of_one():
    prior = denoising_prior(2, steps=100)
    with torch.no_grad():
        for layer in prior.velocity[::2]:
            layer.weight.mul_(2.0)
    axis_G = torch.linspace(-9, 9, 181)
    log_p_N, _ = prior.log_density_bounds(prior.reference.colour(torch.cartesian_prod(axis_G, axis_G)))
    integral = (log_p_N + prior.reference.log_det()).exp().sum() * (axis_G[1] - axis_G[0]) ** 2
    assert float(integral) == pytest.approx(1.0, abs=0.01)
    normal = prior.reference.log_density(prior.sample(2000))
    assert float((prior.log_density_bounds(prior.sample(2000))[0] - normal).abs().mean()) > 0.3  # far from a Gaussian


def test_the_loss_is_zero_for_the_exact_velocity_of_a_point_mass_and_samples_lead_back_to_it():
    """With u always zero, v = cos(s) noise = x / tan(s)."""
    prior = DenoisingPrior(2, 3, 32, 2, 200).eval()
    prior._velocity = lambda x_BD, angle_B1: x_BD * angle_B1.cos() / angle_B1.sin()
    noise = Noise(torch.Generator().manual_seed(0), total=64)
    assert float(prior.contrast(torch.zeros(64, 2), noise)) < 1e-8
    assert float(prior.sample(100).abs().max()) < 1e-3


def test_the_loss_teaches_a_posterior_mean():
    """Gradient descent on the loss of N(0, 1/4) latents finds the velocity of the closed form."""
    torch.manual_seed(0)
    prior, noise = DenoisingPrior(1, 3, 32, 2, 200), Noise(torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(prior.parameters(), 5e-3)
    for _ in range(400):
        optimiser.zero_grad()
        prior.contrast(0.5 * torch.randn(512, 1), noise).backward()
        optimiser.step()
    x_B1, angle_B1 = torch.linspace(-1, 1, 9)[:, None], torch.full((9, 1), math.pi / 4)
    found = prior._velocity(x_B1, angle_B1)
    assert torch.allclose(found, of_gaussian(torch.tensor([0.25]))(x_B1, angle_B1), atol=0.06)
