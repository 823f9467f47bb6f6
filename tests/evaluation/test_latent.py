"""Rates against torch's divergences, and mutual informations against closed forms."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from ldebm.evaluation.latent import (
    active_units,
    gaussian_rate,
    latent_mutual_information,
    matched_rate,
    mutual_information,
)


@pytest.fixture
def posterior() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    means = generator.normal(size=(200, 4)) @ generator.normal(size=(4, 4)) + 1.5
    return means.astype(np.float32), generator.uniform(0.05, 2, size=(200, 4)).astype(np.float32)


def test_mutual_information_at_its_ends_and_between() -> None:
    assert mutual_information(np.eye(5)) == pytest.approx(math.log(5))
    assert mutual_information(np.full((7, 4), 0.25)) == pytest.approx(0)
    assert mutual_information(np.eye(5)[[2, 2, 2]]) == pytest.approx(0)  # sure, but always of the same symbol
    # a binary channel that flips with probability 0.1 tells log 2 - H(0.1)
    flip = -(0.1 * math.log(0.1) + 0.9 * math.log(0.9))
    assert mutual_information(np.array([[0.9, 0.1], [0.1, 0.9]])) == pytest.approx(math.log(2) - flip)


@pytest.mark.parametrize("rows", [[[0.5, 0.4]], [[1.5, -0.5]], [0.5, 0.5], np.empty((0, 3))])
def test_mutual_information_wants_distributions(rows) -> None:
    with pytest.raises(ValueError, match=r"row"):
        mutual_information(np.asarray(rows))


def test_active_units_are_those_whose_mean_varies() -> None:
    signs = np.array([[1.0], [-1.0]] * 10)
    means = signs * np.array([0.0, 0.0999, 0.1001, 3.0]) + np.array(
        [5.0, 0.0, 0.0, 0.0]
    )  # variances 0, 0.00998, 0.01002, 9
    assert active_units(means) == 2
    assert active_units(means, threshold=0.001) == 3


def test_gaussian_rate_is_the_divergence_from_the_standard_normal(posterior) -> None:
    means, variances = (torch.from_numpy(part).double() for part in posterior)
    q, prior = Normal(means, variances.sqrt()), Normal(torch.zeros_like(means), torch.ones_like(means))
    assert gaussian_rate(*posterior) == pytest.approx(kl_divergence(q, prior).sum(1).mean().item())
    assert gaussian_rate(np.zeros((3, 2)), np.ones((3, 2))) == 0


def test_matched_rate_is_the_divergence_from_the_aggregate_posteriors_gaussian(posterior) -> None:
    means, variances = (torch.from_numpy(part).double() for part in posterior)
    covariance = torch.cov(means.T, correction=0) + torch.diag(variances.mean(0))
    q = MultivariateNormal(means, covariance_matrix=torch.diag_embed(variances))
    matched = MultivariateNormal(means.mean(0).expand_as(means), covariance_matrix=covariance)
    assert matched_rate(*posterior) == pytest.approx(kl_divergence(q, matched).mean().item())


def test_the_rates_and_the_information_are_ordered(posterior) -> None:
    information = latent_mutual_information(*posterior)
    assert 0.5 < information < matched_rate(*posterior) < gaussian_rate(*posterior)


def test_latent_mutual_information_of_a_gaussian_channel() -> None:
    # z = m + noise with m ~ N(0, 8), noise ~ N(0, 1): I = log(1 + 8) / 2 a dimension
    means = np.random.default_rng(0).normal(scale=math.sqrt(8), size=(2000, 2))
    estimates = [latent_mutual_information(means, np.ones_like(means), seed=seed) for seed in range(3)]
    assert np.mean(estimates) == pytest.approx(math.log(9), rel=0.03)


def test_latent_mutual_information_follows_its_definition_term_by_term(posterior) -> None:
    means, variances = posterior[0][:50], posterior[1][:50]
    q = Independent(Normal(torch.from_numpy(means).double(), torch.from_numpy(variances).double().sqrt()), 1)
    torch.manual_seed(0)
    z = q.sample((4000,))  # [draws, N, D]
    mixture = torch.logsumexp(torch.stack([q.log_prob(z[:, [n]]) for n in range(50)], dim=1), dim=2) - math.log(50)
    expected = (q.log_prob(z) - mixture).mean().item()
    estimates = [latent_mutual_information(means, variances, seed=seed) for seed in range(400)]
    assert np.mean(estimates) == pytest.approx(expected, abs=0.02)


def test_latent_mutual_information_at_its_ends() -> None:
    apart = 100 * np.arange(30.0)[:, None]
    assert latent_mutual_information(apart, np.full((30, 1), 0.01)) == pytest.approx(math.log(30))
    assert latent_mutual_information(apart, np.full((30, 1), 0.01), texts=10) == pytest.approx(math.log(10))
    halves = np.repeat([[-50.0], [50.0]], 20, axis=0)
    assert latent_mutual_information(halves, np.ones((40, 1))) == pytest.approx(math.log(2))
    assert latent_mutual_information(np.ones((20, 3)), np.ones((20, 3))) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("rate", [gaussian_rate, matched_rate, latent_mutual_information])
def test_variances_are_positive_and_one_a_mean(rate) -> None:
    with pytest.raises(ValueError, match="one positive variance"):
        rate(np.zeros((2, 3)), np.array([[1.0, 1, 1], [1, 0, 1]]))
    with pytest.raises(ValueError, match="one positive variance"):
        rate(np.zeros((2, 3)), np.ones((2, 2)))
    with pytest.raises(ValueError, match="one row a text"):
        rate(np.zeros(3), np.ones(3))
