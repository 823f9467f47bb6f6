"""Langevin dynamics against the exact law of its own discrete chain, and against known densities."""

import math

import pytest
import torch

from ldebm.prior.langevin import langevin

CHAINS, STEPS = 20_000, 300


def gaussian(variance: torch.Tensor):
    """log density (up to a constant) and gradient of N(0, diag(variance))."""

    def log_density_and_grad(z):
        return -0.5 * (z.square() / variance).sum(-1), -z / variance

    return log_density_and_grad


def run(variance, h, steps=STEPS, adjust=False, noise_factor=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    start = torch.randn(CHAINS, len(variance), generator=generator) * variance.sqrt()
    target = gaussian(variance)
    if noise_factor != 1.0:  # a wrong noise scale is a wrong step size in the noise only: scale z to imitate it

        def wrong(z):
            log_p, grad = target(z)
            return log_p / noise_factor**2, grad / noise_factor**2

        # drift h' / 2 * grad / f^2 with h' = h f^2 is the right drift; noise sqrt(h') = f sqrt(h) is not.
        return langevin(wrong, start, h * noise_factor**2, steps, generator)
    return langevin(target, start, h, steps, generator, adjust)


def misses_exact_law(z, variance, h):
    """Whether mean or variance differ from the exact discrete stationary law by more than 4 % (standard error 1 %)."""
    exact = variance / (1 - h / (4 * variance))
    off_mean = (z.mean(0).abs() / exact.sqrt()).max() > 0.04
    off_variance = ((z.var(0) / exact) - 1).abs().max() > 0.05
    return bool(off_mean or off_variance)


@pytest.mark.parametrize("h", [0.1, 0.5, 1.0])
def test_settles_at_the_exact_discrete_law_of_a_gaussian(h):
    variance = torch.tensor([1.0, 2.0])
    assert not misses_exact_law(run(variance, h).z_BD, variance, h)


@pytest.mark.parametrize("factor", [math.sqrt(2), 1 / math.sqrt(2)])
def test_a_wrong_noise_scale_would_be_seen(factor):
    variance = torch.tensor([1.0, 2.0])
    assert misses_exact_law(run(variance, 0.5, noise_factor=factor).z_BD, variance, 0.5)


def test_bias_of_the_variance_is_of_first_order_in_the_step():
    variance = torch.ones(4)  # four coordinates of each chain: a standard error of 0.5 % of the variance
    biases = [float(run(variance, h, steps=60, seed=3).z_BD.double().var() - 1) for h in (0.8, 0.4)]
    exact = [1 / (1 - h / 4) - 1 for h in (0.8, 0.4)]
    assert biases == pytest.approx(exact, abs=0.02)
    assert 1.7 < biases[0] / biases[1] < 2.7


def test_the_adjusted_chain_has_no_bias():
    variance = torch.tensor([1.0, 1.0])
    chain = run(variance, 1.0, steps=100, adjust=True)
    assert chain.z_BD.var(0) == pytest.approx(torch.ones(2), rel=0.04)
    assert 0.5 < float(chain.acceptance_B.mean()) < 0.98


def test_the_unadjusted_chain_reports_what_the_adjusted_one_would_accept():
    variance = torch.tensor([1.0, 1.0])
    plain = float(run(variance, 0.5).acceptance_B.mean())
    adjusted = float(run(variance, 0.5, adjust=True).acceptance_B.mean())
    assert plain == pytest.approx(adjusted, abs=0.02)


def test_the_chain_is_a_function_of_start_and_seed_and_owns_no_state():
    variance = torch.tensor([1.0])
    assert torch.equal(run(variance, 0.3, 5).z_BD, run(variance, 0.3, 5).z_BD)
    assert not torch.equal(run(variance, 0.3, 5).z_BD, run(variance, 0.3, 5, seed=1).z_BD)


def test_callback_sees_every_step():
    seen = []
    langevin(gaussian(torch.ones(1)), torch.zeros(3, 1), 0.1, 4, None, callback=lambda step, z: seen.append((step, z)))
    assert [step for step, _ in seen] == [0, 1, 2, 3]


def test_a_step_size_a_chain():
    start = torch.ones(2, 1)
    sizes = torch.tensor([[1e-12], [0.5]])
    z = langevin(gaussian(torch.ones(1)), start, sizes, 10, torch.Generator().manual_seed(0)).z_BD
    assert abs(float(z[0]) - 1) < 1e-4 < abs(float(z[1]) - 1)


def test_no_steps_is_refused():
    with pytest.raises(ValueError, match="at least one step"):
        langevin(gaussian(torch.ones(1)), torch.zeros(1, 1), 0.1, 0, None)
