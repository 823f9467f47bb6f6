"""Distances between sets of points against scipy and closed forms, and counts by hand."""

import math
import tracemalloc

import numpy as np
import pytest
import scipy.stats

from ldebm.evaluation.density import (
    components_covered,
    energy_distance,
    energy_distance_floor,
    sliced_wasserstein,
    weights_total_variation,
    within,
)


@pytest.fixture
def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def test_energy_distance_is_scipys_squared_on_a_line(generator) -> None:
    x, y = generator.normal(size=1203), 1.5 * generator.normal(size=700) + 0.4  # blocks, the last of them not full
    expected = scipy.stats.energy_distance(x, y) ** 2  # scipy takes the root
    assert energy_distance(x[:, None], y[:, None]) == pytest.approx(expected)


def test_energy_distance_by_hand_in_the_plane() -> None:
    x, y = np.array([[0.0, 0.0], [3.0, 4.0]]), np.array([[0.0, 0.0]])
    # E|x - y| = 5/2; E|x - x'| = 5/2, a point and itself among the pairs; E|y - y'| = 0
    assert energy_distance(x, y) == pytest.approx(2 * 2.5 - 2.5)
    assert energy_distance(y, x) == pytest.approx(2.5)
    assert energy_distance(x, x) == 0


def test_energy_distance_of_equal_distributions_is_its_floor(generator) -> None:
    # E|x - x'| = sqrt(pi) for standard normals in the plane
    distances = [energy_distance(*generator.normal(size=(2, 200, 2))) for _ in range(60)]
    assert min(distances) > 0
    assert np.mean(distances) == pytest.approx(2 / 200 * math.sqrt(math.pi), rel=0.1)


def test_energy_distance_takes_little_memory(generator) -> None:
    x, y = generator.normal(size=(2, 3000, 2)).astype(np.float32)
    tracemalloc.start()
    energy_distance(x, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3000 * 3000 * 8 / 4  # a quarter of the whole matrix


def test_sliced_wasserstein_on_a_line_is_w2(generator) -> None:
    x = generator.normal(size=(400, 1))
    shifted = generator.permutation(x) + 0.7
    assert sliced_wasserstein(x, shifted) == pytest.approx(0.7)
    scaled = generator.permutation(3 * x - 1)  # increasing: it is the optimal map
    assert sliced_wasserstein(x, scaled) == pytest.approx(math.sqrt(np.mean((2 * x - 1) ** 2)))
    other = generator.normal(size=(400, 1))
    assert sliced_wasserstein(x, other) >= scipy.stats.wasserstein_distance(x[:, 0], other[:, 0])  # W2 >= W1
    assert sliced_wasserstein(x, generator.permutation(x)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("dimensions", [2, 5])
def test_sliced_wasserstein_of_a_shift_is_its_length_over_the_root_of_the_dimensions(generator, dimensions) -> None:
    x, shift = generator.normal(size=(50, dimensions)), generator.normal(size=dimensions)
    expected = np.linalg.norm(shift) / math.sqrt(dimensions)
    first = sliced_wasserstein(x, generator.permutation(x + shift), projections=4000)
    assert first == pytest.approx(expected, rel=0.05)
    assert sliced_wasserstein(x, x + shift, projections=4000) == pytest.approx(first)
    assert sliced_wasserstein(x, x + shift, projections=4000, seed=1) != pytest.approx(first, rel=1e-6)


def test_weights_total_variation_by_hand() -> None:
    component = np.array([0, 0, 0, 1, 3, 3, 3, 3])
    assert weights_total_variation(component, np.full(4, 0.25)) == pytest.approx(0.5 * (1 / 8 + 1 / 8 + 1 / 4 + 1 / 4))
    assert weights_total_variation(component, np.array([3 / 8, 1 / 8, 0, 1 / 2])) == pytest.approx(0)
    assert weights_total_variation(np.zeros(5, dtype=int), np.array([0, 1])) == 1


def test_weights_total_variation_has_the_floor_it_says(generator) -> None:
    floors = [weights_total_variation(generator.integers(16, size=10_000), np.full(16, 1 / 16)) for _ in range(40)]
    assert np.mean(floors) == pytest.approx(0.5 * 16 * math.sqrt(2 * 15 / 16**2 / (math.pi * 10_000)), rel=0.1)


def test_components_covered_counts_only_points_within() -> None:
    # 100 points, 4 components: a fair share is 25, a tenth of it 2.5
    component = np.repeat([0, 1, 2, 3], [90, 3, 3, 4])
    inside = np.ones(100, dtype=bool)
    assert components_covered(component, inside, components=4) == 4
    inside[90] = False  # leaves component 1 with two points
    assert components_covered(component, inside, components=4) == 3
    assert components_covered(component, inside, components=4, least=0.15) == 2
    assert components_covered(component, np.zeros(100, dtype=bool), components=4) == 0
    assert components_covered(np.repeat([0, 2], [30, 10]), np.ones(40, dtype=bool), components=4, least=1) == 2


def test_within_by_hand() -> None:
    assert within(np.array([0.0, 2.9, 3.0, 3.1, np.inf])) == pytest.approx(3 / 5)
    assert within(np.array([0.5, 1.5]), deviations=1) == 0.5


@pytest.mark.parametrize("distance", [energy_distance, sliced_wasserstein])
def test_sets_of_points_have_points_of_one_dimension(distance) -> None:
    for x, y in (
        (np.zeros((0, 2)), np.zeros((3, 2))),
        (np.zeros((3, 2)), np.zeros((0, 2))),
        (np.zeros((3, 2)), np.zeros((3, 1))),
        (np.zeros(3), np.zeros(3)),
    ):
        with pytest.raises(ValueError, match="two sets of points of the same dimension"):
            distance(x, y)


def test_what_else_raises() -> None:
    with pytest.raises(ValueError, match="equally many points, got 3 and 4"):
        sliced_wasserstein(np.zeros((3, 2)), np.zeros((4, 2)))
    with pytest.raises(ValueError, match="a projection or more, got 0"):
        sliced_wasserstein(np.zeros((3, 2)), np.zeros((3, 2)), projections=0)
    half = np.array([0.5, 0.5])
    for component in (np.array([], dtype=int), np.array([[0, 1]])):
        with pytest.raises(ValueError, match="one component a point"):
            weights_total_variation(component, half)
        with pytest.raises(ValueError, match="one component a point"):
            components_covered(component, np.ones(component.shape, dtype=bool), components=2)
    for component in (np.array([0, 2]), np.array([-1, 0])):
        with pytest.raises(ValueError, match="there are 2 components"):
            weights_total_variation(component, half)
        with pytest.raises(ValueError, match="there are 2 components"):
            components_covered(component, np.zeros(2, dtype=bool), components=2)
    for weights in (np.array([0.5, 0.6]), np.array([1.5, -0.5]), np.array([[0.5, 0.5]])):
        with pytest.raises(ValueError, match="a distribution over the components"):
            weights_total_variation(np.array([0, 1]), weights)
    with pytest.raises(ValueError, match="if it is within"):
        components_covered(np.array([0, 1]), np.ones(3, dtype=bool), components=2)
    for distances in (np.array([]), np.zeros((2, 2))):
        with pytest.raises(ValueError, match="one distance a point"):
            within(distances)


def test_the_floor_is_the_mean_energy_distance_of_data_against_data() -> None:
    random = np.random.default_rng(0)
    found = [energy_distance(random.normal(size=(100, 2)), random.normal(size=(300, 2))) for _ in range(200)]
    assert energy_distance_floor(random.normal(size=(2000, 2)), 300) == pytest.approx(
        (1 / 2000 + 1 / 300) * np.sqrt(np.pi), rel=0.05
    )
    assert np.mean(found) == pytest.approx((1 / 100 + 1 / 300) * np.sqrt(np.pi), rel=0.15)
    with pytest.raises(ValueError, match="two points"):
        energy_distance_floor(np.zeros((1, 2)), 3)
