"""Normalisers and densities of priors against closed forms and quadrature (methods 5.2)."""

import math

import numpy as np
import pytest
import torch

import ldebm.prior.chain_density as chain_density
from ldebm.noise import Noise
from ldebm.posterior import Posterior
from ldebm.prior import DiffusionPrior, GaussianPrior, SymbolVectorPrior
from ldebm.prior.grid import GridDensity
from ldebm.prior.log_partition import Effort, Tilt, _drawn, log_mean_exp, log_partition
from tests.prior.closed_forms import AutogradEnergy, QuadraticEnergy, sampled_moments

B_, C_ = 0.4, 0.5


def quadratic_value(x_MD, row_M):
    return (B_ * x_MD - 0.5 * C_ * x_MD.square()).sum(-1)


QUADRATIC = Tilt(quadratic_value, lambda x_MD, row_M: (quadratic_value(x_MD, row_M), B_ - C_ * x_MD))


def exact_log_z(centre_ND, variance_N):
    d = 1 + C_ * variance_N[:, None]
    m = centre_ND
    each = -0.5 * d.log() + (B_ * m + 0.5 * B_**2 * variance_N[:, None] - 0.5 * C_ * m.square()) / d
    return each.sum(-1)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def test_no_tilt_has_a_normaliser_of_one_exactly():
    centre, variance = torch.randn(5, 3, generator=seeded()), torch.tensor([0.1, 0.5, 1.0, 2.0, 3.0])
    none = Tilt(lambda x, row: x.new_zeros(len(x)), lambda x, row: (x.new_zeros(len(x)), torch.zeros_like(x)))
    for temperatures in (None, 3):
        found = log_partition(none, centre, variance, seeded(), temperatures=temperatures)
        assert not any(part.any() for part in found)


@pytest.mark.parametrize("temperatures", [None, 1, 12])  # the tilt's variance is 4.3: five where none are given
def test_z_and_one_over_z_have_no_bias(temperatures):
    """Many estimates of one normaliser with two particles, so that the one that goes back is half of the weight."""
    rows = 40_000
    centre, variance = torch.full((rows, 3), 3.4), torch.full((rows,), 0.8)
    found = log_partition(QUADRATIC, centre, variance, seeded(2), 2, temperatures)
    exact = exact_log_z(centre[:1], variance[:1])
    forward, reverse = (found.forward_N - exact).exp(), (exact - found.reverse_N).exp()
    for ratio in (forward, reverse):
        assert float(ratio.mean()) == pytest.approx(1.0, abs=4 * float(ratio.std()) / math.sqrt(rows))
        assert 0.02 < float(ratio.std()) < 3.0  # so that 4 standard errors are at most 0.06
    assert float(found.forward_N.mean()) < float(exact) < float(found.reverse_N.mean())


def test_the_standard_error_is_that_of_the_forward_estimate():
    centre, variance = torch.full((2000, 3), 1.5), torch.full((2000,), 0.8)
    found = log_partition(QUADRATIC, centre, variance, seeded(2), 200)
    assert float(found.forward_N.std() / found.error_N.mean()) == pytest.approx(1.0, abs=0.15)


def test_a_tilt_that_is_no_number_neither_raises_nor_runs_for_ever():
    for value in (math.nan, math.inf):
        wild = Tilt(lambda x, row, v=value: x[:, 0] * v, lambda x, row, v=value: (x[:, 0] * v, x * v))
        found = log_partition(wild, torch.zeros(3, 2), torch.ones(3), seeded(), 8)
        assert not bool(found.forward_N.isfinite().any())


def test_rows_are_estimated_each_with_its_own_tilt():
    centre, variance = 2 * torch.randn(300, 3, generator=seeded()), torch.rand(300, generator=seeded(1)) + 0.2
    found = log_partition(QUADRATIC, centre, variance, seeded(2), particles=200)
    exact = exact_log_z(centre, variance)
    assert exact.std() > 1.0
    assert float((found.forward_N - exact).abs().mean()) < 0.1 and float((found.reverse_N - exact).abs().mean()) < 0.1


def test_more_temperatures_are_more_exact():
    centre, variance = 3 * torch.randn(300, 3, generator=seeded()), torch.ones(300)
    exact = exact_log_z(centre, variance)
    gap = [
        float((log_partition(QUADRATIC, centre, variance, seeded(), 8, n).forward_N - exact).abs().mean())
        for n in (2, 32)
    ]
    assert gap[1] < 0.5 * gap[0]


def test_a_particle_is_drawn_as_often_as_its_weight_says():
    log_weight_SN = torch.tensor([0.5, 0.25, 0.0, 0.25]).log()[:, None].expand(4, 40_000)
    share_S = _drawn(log_weight_SN, Noise(seeded())).bincount(minlength=4) / 40_000
    assert share_S.tolist() == pytest.approx([0.5, 0.25, 0.0, 0.25], abs=0.02)
    assert float(log_mean_exp(torch.zeros(7, 1))) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize(("particles", "temperatures"), [(1, None), (8, 0)])
def test_too_little_effort_is_told(particles, temperatures):
    with pytest.raises(ValueError, match="two particles and a temperature"):
        log_partition(QUADRATIC, torch.zeros(1, 2), torch.ones(1), seeded(), particles, temperatures)


def flat(prior):
    """The prior with F = 0."""
    with torch.no_grad():
        prior.energy.head.weight.zero_()
        prior.energy.head.bias.zero_()
        prior.energy.head.normalised = lambda: prior.energy.head.weight  # 0 / 0 otherwise
    return prior


def diffusion_prior(latent, **more):
    torch.manual_seed(0)
    return DiffusionPrior(latent, 3, 4, 16, 2, 5, 0.1, "gaussian", **more).eval()


def test_without_an_energy_the_bracket_is_the_gaussian_exactly():
    """The released estimator misses this by 60 to 115 nats (methods, finding 1)."""
    prior = flat(diffusion_prior(8))
    prior.refer_to(Posterior(torch.randn(3000, 8) @ torch.randn(8, 8) + 1, torch.zeros(3000, 8)))
    z = torch.randn(20, 8) * 3
    lower, upper = prior.log_density_bounds(z, seeded(), Effort(paths=16, particles=2))
    exact = torch.distributions.MultivariateNormal(prior.reference.mean_D, prior.reference.covariance_DD).log_prob(z)
    assert torch.allclose(lower, exact, atol=1e-3) and torch.allclose(upper, exact, atol=1e-3)


def test_with_a_quadratic_energy_the_bracket_holds_the_closed_form(monkeypatch):
    monkeypatch.setattr(chain_density, "FoldedEnergy", AutogradEnergy)
    prior = diffusion_prior(2)
    prior.energy = QuadraticEnergy(B_, C_, 3)
    z = torch.randn(30, 2, generator=seeded())
    lower, upper = prior.log_density_bounds(z, seeded(1), Effort(paths=256, particles=64))
    mean, variance = sampled_moments(prior.schedule, B_, C_)
    exact = torch.distributions.Normal(mean, math.sqrt(variance)).log_prob(z).sum(-1)
    covers = (lower <= exact) & (exact <= upper)
    assert float(covers.float().mean()) >= 0.9
    assert float((upper - lower).mean()) < 0.15
    gaussian = torch.distributions.Normal(0, 1).log_prob(z).sum(-1)
    assert float((exact - gaussian).abs().mean()) > 0.2  # the energy matters


def test_a_draw_of_the_density_has_no_bias(monkeypatch):
    monkeypatch.setattr(chain_density, "FoldedEnergy", AutogradEnergy)
    prior = diffusion_prior(2)
    prior.energy = QuadraticEnergy(B_, C_, 3)
    lower, upper = prior.log_density_draws(torch.tensor([[0.5, -1.0]]).expand(6000, 2), seeded(1), particles=2)
    mean, variance = sampled_moments(prior.schedule, B_, C_)
    exact = torch.distributions.Normal(mean, math.sqrt(variance)).log_prob(torch.tensor([0.5, -1.0])).sum()
    ratio = (lower - exact).exp()
    assert float(ratio.mean()) == pytest.approx(1.0, abs=4 * float(ratio.std()) / math.sqrt(6000))
    assert 0.1 < float(ratio.std()) < 2.0  # a draw is noisy: that there is no bias is no accident
    assert float((upper - exact).exp().mean()) > float(ratio.mean())
    flat_prior, z = flat(diffusion_prior(2)), torch.randn(5, 2)
    assert torch.allclose(*flat_prior.log_density_draws(z, seeded()), atol=1e-5)
    assert torch.allclose(flat_prior.log_density_draws(z)[0], flat_prior.reference.log_density(z), atol=1e-5)


def test_paths_come_in_equal_sets():
    for paths in (8, 40):
        with pytest.raises(ValueError, match=f"16 equal sets, received {paths}"):
            diffusion_prior(2).log_density_bounds(torch.zeros(1, 2), seeded(), Effort(paths=paths))


def test_the_published_form_has_no_density():
    torch.manual_seed(0)
    prior = DiffusionPrior(2, 3, 4, 16, 2, 5, 0.1, "recovery")
    with pytest.raises(ValueError, match="no density"):
        prior.log_density_bounds(torch.zeros(1, 2))
    with pytest.raises(ValueError, match="no density on a grid"):
        GridDensity(prior)


def test_the_bracket_of_the_symbol_vector_prior_holds_the_grid():
    torch.manual_seed(0)
    prior = SymbolVectorPrior(2, 3, 32, 5, 0.4)
    with torch.no_grad():
        prior.energy[-1].weight.mul_(10)
    z = torch.randn(50, 2)
    lower, upper = prior.log_density_bounds(z, seeded(), Effort(paths=64))
    exact = GridDensity(prior)(z)
    assert ((lower.numpy() <= exact) & (exact <= upper.numpy())).mean() >= 0.9
    assert float((upper - lower).mean()) < 0.15


def test_the_grid_of_a_gaussian_is_its_density():
    prior = GaussianPrior(2, 3, matched=True)
    prior.refer_to(Posterior(torch.randn(3000, 2) @ torch.tensor([[2.0, 0.3], [0.0, 0.5]]) + 1, torch.zeros(3000, 2)))
    z = torch.randn(40, 2)
    exact = torch.distributions.MultivariateNormal(prior.reference.mean_D, prior.reference.covariance_DD).log_prob(z)
    assert np.allclose(GridDensity(prior)(z), exact.numpy(), atol=1e-3)
    assert all(torch.equal(*pair) for pair in [prior.log_density_bounds(z)])
    assert torch.allclose(prior.log_density_bounds(z)[0], exact, atol=1e-3)


def test_the_grid_of_a_chain_is_the_closed_form_of_a_quadratic_energy():
    prior = diffusion_prior(2)
    prior.energy = QuadraticEnergy(B_, C_, 3)
    grid = GridDensity(prior, side=301)
    z = torch.randn(60, 2, generator=seeded())
    mean, variance = sampled_moments(prior.schedule, B_, C_)
    exact = torch.distributions.Normal(mean, math.sqrt(variance)).log_prob(z).sum(-1)
    assert np.allclose(grid(z), exact.numpy(), atol=2e-3)


def test_a_grid_covers_the_plane_only():
    with pytest.raises(ValueError, match="two dimensions, the latent has 3"):
        GridDensity(GaussianPrior(3, 2, matched=False))


def test_the_bracket_holds_the_grid_for_a_network_that_differs_from_level_to_level():
    prior = diffusion_prior(2)
    with torch.no_grad():
        prior.energy.log_scale_T.copy_(torch.tensor([3.5, 3.0, 2.5, 3.0]))
    z = torch.randn(12, 2, generator=seeded())
    lower, upper = prior.log_density_bounds(z, seeded(1), Effort(paths=256, particles=128))
    exact = GridDensity(prior, side=301)(z)
    assert ((lower.numpy() <= exact) & (exact <= upper.numpy())).mean() >= 0.8
    gaussian = torch.distributions.Normal(0, 1).log_prob(z).sum(-1).numpy()
    assert np.abs(exact - gaussian).mean() > 2 * float((upper - lower).mean())  # the energy matters
