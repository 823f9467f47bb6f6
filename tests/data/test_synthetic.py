"""The synthetic densities against scipy's Gaussians, the paper's own map, and integrals over the plane."""

import math

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from ldebm.data.synthetic import DENSITIES, Density, Pinwheel

N = 8000


@pytest.fixture(scope="module", params=DENSITIES)
def density(request: pytest.FixtureRequest) -> Density:
    return DENSITIES[request.param]


@pytest.fixture(scope="module")
def sample(density: Density) -> tuple[np.ndarray, np.ndarray]:
    return density.sample(N, np.random.default_rng(0))


def plane(extent: float, nodes: int) -> tuple[np.ndarray, float]:
    """The nodes [nodes^2, 2] of a square grid, and the area that each stands for."""
    axis = np.linspace(-extent, extent, nodes)
    return np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2), (axis[1] - axis[0]) ** 2


def turned(noise_N2: np.ndarray, arm_N: np.ndarray) -> np.ndarray:
    """The pinwheel as its authors wrote it: features as rows, times a rotation matrix each."""
    features_N2 = noise_N2 * np.array([0.3, 0.1]) + np.array([1, 0])
    angles_N = 2 * np.pi * arm_N / 10 + 0.25 * np.exp(features_N2[:, 0])
    rotations = np.stack([np.cos(angles_N), -np.sin(angles_N), np.sin(angles_N), np.cos(angles_N)], axis=1)
    return 4 * 2 * np.einsum("ti,tij->tj", features_N2, rotations.reshape(-1, 2, 2))


def log_density_of_origin(noise_N2: np.ndarray, arm_N: np.ndarray) -> np.ndarray:
    """What one origin gives to the pinwheel's log density, the Jacobian by central differences."""
    step = 1e-5
    columns = [
        (turned(noise_N2 + step * unit, arm_N) - turned(noise_N2 - step * unit, arm_N)) / (2 * step)
        for unit in np.eye(2)
    ]
    determinant_N = columns[0][:, 0] * columns[1][:, 1] - columns[0][:, 1] * columns[1][:, 0]
    return norm.logpdf(noise_N2).sum(axis=1) - np.log(np.abs(determinant_N)) - math.log(10)


def test_the_density_integrates_to_one_and_its_integrals_are_the_samples_means(density, sample) -> None:
    points_G2, area = plane(extent=22, nodes=101)
    log_density_G = density.log_density(points_G2)
    weights_G = np.exp(log_density_G) * area
    assert weights_G.sum() == pytest.approx(1, abs=1e-3)
    points_N2, _ = sample
    # the entropy; a log density has a standard deviation of about 1
    assert density.log_density(points_N2).mean() == pytest.approx(weights_G @ log_density_G, abs=0.04)
    np.testing.assert_allclose(points_N2.mean(axis=0), weights_G @ points_G2, atol=0.35)
    np.testing.assert_allclose((points_N2**2).mean(axis=0), weights_G @ points_G2**2, rtol=0.04)
    share_within = weights_G @ (density.distance(points_G2) <= 3)
    assert 0.9889 < share_within < 0.995
    assert (density.distance(points_N2) <= 3).mean() == pytest.approx(share_within, abs=0.004)


def test_samples_fill_the_plane_as_the_density_says(density, sample) -> None:
    edges = np.linspace(-20, 20, 17)
    counts_CC = np.histogram2d(sample[0][:, 1], sample[0][:, 0], bins=[edges, edges])[0]
    axis = (np.linspace(-20, 20, 129)[:-1] + np.linspace(-20, 20, 129)[1:]) / 2  # 8 nodes a cell and axis
    density_GG = np.exp(density.log_density(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)))
    expected_CC = N * density_GG.reshape(16, 8, 16, 8).sum(axis=(1, 3)) * (40 / 128) ** 2
    some_CC = expected_CC > 5
    squares = (counts_CC - expected_CC)[some_CC] ** 2 / expected_CC[some_CC]
    assert squares.sum() < some_CC.sum() + 4 * math.sqrt(2 * some_CC.sum())  # chi squared, 4 standard deviations


def test_samples_are_float32_reproducible_and_of_equal_weights(density, sample) -> None:
    points_N2, component_N = sample
    assert points_N2.dtype == np.float32 and points_N2.shape == (N, 2)
    assert component_N.dtype == np.int64 and component_N.shape == (N,)
    counts_K = np.bincount(component_N)
    assert len(counts_K) == density.components
    np.testing.assert_allclose(counts_K / N, 1 / density.components, atol=4 / math.sqrt(N * density.components))
    np.testing.assert_array_equal(density.sample(N, np.random.default_rng(0))[0], points_N2)
    assert (density.sample(N, np.random.default_rng(1))[0] != points_N2).any()


def test_there_are_16_gaussians_and_10_arms() -> None:
    assert {name: density.components for name, density in DENSITIES.items()} == {"gaussians": 16, "pinwheel": 10}
    assert all(density.name == name for name, density in DENSITIES.items())


def gaussian_centres() -> np.ndarray:
    axis = np.array([1, 1 / 3, -1 / 3, -1]) * 4 / 1.414 * 4
    return np.array([[x, y] for x in axis for y in axis])


def test_gaussians_are_scipys_mixture() -> None:
    density = DENSITIES["gaussians"]
    points_N2 = np.random.default_rng(1).uniform(-20, 20, size=(500, 2))
    variance = (0.5 / 1.414 * 4) ** 2
    each_KN = np.stack([multivariate_normal(m, variance * np.eye(2)).logpdf(points_N2) for m in gaussian_centres()])
    np.testing.assert_allclose(density.log_density(points_N2), logsumexp(each_KN, axis=0) - math.log(16), rtol=1e-10)
    nearest_N = each_KN.argmax(axis=0)
    np.testing.assert_array_equal(density.component(points_N2), nearest_N)
    offsets_N2 = points_N2 - gaussian_centres()[nearest_N]
    np.testing.assert_allclose(density.distance(points_N2), np.linalg.norm(offsets_N2, axis=1) / math.sqrt(variance))


def test_gaussians_within_three_deviations_of_their_own_centre_and_recovered() -> None:
    density = DENSITIES["gaussians"]
    points_N2, component_N = density.sample(N, np.random.default_rng(2))
    own_N = np.linalg.norm(points_N2 - gaussian_centres()[component_N], axis=1) / (0.5 / 1.414 * 4)
    assert (own_N <= 3).mean() == pytest.approx(1 - math.exp(-4.5), abs=0.004)
    # Neighbours meet 8/3 standard deviations from either; along an axis the inner two centres have two, the outer one.
    recovered = (1 - 1.5 * norm.sf(8 / 3)) ** 2
    assert recovered == pytest.approx(0.98854, abs=1e-5)
    assert (density.component(points_N2) == component_N).mean() == pytest.approx(recovered, abs=0.004)


def test_pinwheel_undoes_the_authors_map() -> None:
    density = DENSITIES["pinwheel"]
    generator = np.random.default_rng(3)
    noise_N2, arm_N = generator.standard_normal((1000, 2)), generator.integers(10, size=1000)
    points_N2 = turned(noise_N2, arm_N)
    recovered_N = density.component(points_N2) == arm_N
    np.testing.assert_allclose(
        density.distance(points_N2)[recovered_N], np.linalg.norm(noise_N2[recovered_N], axis=1), atol=1e-9
    )
    # far enough out no other arm adds to the density
    alone_N = (noise_N2[:, 0] > 0.5) & (np.abs(noise_N2[:, 1]) < 2)
    assert alone_N.sum() > 200 and recovered_N[alone_N].all()
    expected_N = log_density_of_origin(noise_N2, arm_N)
    np.testing.assert_allclose(density.log_density(points_N2)[alone_N], expected_N[alone_N], atol=1e-4)


def test_pinwheel_arms_overlap_at_the_hub_and_are_told_apart_outside() -> None:
    density = DENSITIES["pinwheel"]
    points_N2, arm_N = density.sample(N, np.random.default_rng(4))
    recovered_N = density.component(points_N2) == arm_N
    # what the best possible guess gets right, from the integral of the largest posterior probability
    assert recovered_N.mean() == pytest.approx(0.980, abs=0.006)
    radius_N = np.linalg.norm(points_N2, axis=1) / 8
    assert 0.2 < recovered_N[radius_N < 0.25].mean() < 0.8
    assert recovered_N[radius_N > 0.8].mean() > 0.996


def test_pinwheel_finds_every_origin_beyond_the_folds() -> None:
    generator = np.random.default_rng(5)
    noise_N2, arm_N = generator.uniform(-8, 8, size=(1000, 2)), generator.integers(10, size=1000)
    points_N2 = turned(noise_N2, arm_N)
    features_N2 = noise_N2 * np.array([0.3, 0.1]) + np.array([1, 0])
    determinant_N = 1 + 0.25 * np.exp(features_N2[:, 0]) * features_N2[:, 1]
    assert (determinant_N < 0).sum() > 50
    excess_N = DENSITIES["pinwheel"].log_density(points_N2) - log_density_of_origin(noise_N2, arm_N)
    assert (excess_N > -1e-6)[np.abs(determinant_N) > 0.05].all()  # others may add to it


def test_a_pinwheel_that_reaches_the_folds_still_integrates_to_one() -> None:
    class Wide(Pinwheel):
        deviations = (0.5, 0.2)  # half a per cent of its points lie beyond a fold

    points_G2, area = plane(extent=24, nodes=121)
    assert np.exp(Wide().log_density(points_G2)).sum() * area == pytest.approx(1, abs=1e-3)


def test_far_points_are_far_and_everything_stays_finite(density) -> None:
    points_N2 = np.array([[0, 0], [31, 0], [0, 45], [-48, 1], [60, 1], [1e4, 2]])
    distance_N = density.distance(points_N2)
    assert np.isfinite(density.log_density(points_N2)).all() and np.isfinite(distance_N).all()
    assert distance_N[0] > 3 and (distance_N[1:] > 9).all() and distance_N[-1] > 1000


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((3, 3)), "in the plane"),
        (np.zeros(2), "in the plane"),
        (np.array([[0, np.nan]]), "finite"),
        (np.array([[np.inf, 0]]), "finite"),
    ],
)
def test_points_are_finite_and_in_the_plane(density, points, message) -> None:
    for method in (density.log_density, density.component, density.distance):
        with pytest.raises(ValueError, match=message):
            method(points)
