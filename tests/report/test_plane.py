"""The map's plane shows the symbols apart, whatever the latents look like."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from ldebm.report.plane import plane


def hidden_groups(groups: int, size: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Groups apart in two of ten dimensions, where all others vary ten times as much."""
    random = np.random.default_rng(0)
    symbols_N = np.repeat(np.arange(groups), size)
    means_ND = random.normal(size=(len(symbols_N), 10)) * ([1.0] * 2 + [10.0] * 8)
    angle_N = 2 * np.pi * symbols_N / groups
    means_ND[:, :2] += 6 * np.column_stack([np.cos(angle_N), np.sin(angle_N)])
    return means_ND.astype(np.float32), symbols_N


@pytest.mark.parametrize("groups", [2, 3, 5])
def test_groups_that_only_some_directions_tell_apart_are_apart_on_the_map(groups):
    means_ND, symbols_N = hidden_groups(groups)
    places_N2 = plane(means_ND, symbols_N)
    neighbours = KNeighborsClassifier(15).fit(places_N2, symbols_N)
    assert neighbours.score(places_N2, symbols_N) > 0.95


def test_the_map_fills_its_square():
    places_N2 = plane(*hidden_groups(4))
    assert places_N2.min() == 0 and places_N2.max() == 1
    assert np.all(np.ptp(places_N2, axis=0) == 1)


@pytest.mark.parametrize(
    "means_ND, symbols",
    [
        (np.random.default_rng(0).normal(size=(50, 4)), [0] * 50),  # one symbol
        (np.random.default_rng(0).normal(size=(50, 1)), [0, 1] * 25),  # one dimension
        (np.zeros((50, 3)), [0, 1] * 25),  # a collapsed latent
        (np.eye(3), [0, 1, 2]),  # a text a symbol
        (np.zeros((1, 3)), [2]),
        (np.random.default_rng(0).normal(size=(10, 32)), [0, 1, 2, 3, 4, 5, 6, 7, 8, 8]),  # more dimensions than texts
        (np.random.default_rng(0).normal(size=(40, 32)), [*range(20)] * 2),
        (np.repeat(np.random.default_rng(0).normal(size=(4, 8)), 50, axis=0), np.repeat(range(4), 50)),  # four texts
    ],
)
def test_there_is_a_map_of_anything(means_ND, symbols):
    places_N2 = plane(means_ND.astype(np.float32), np.array(symbols))
    assert places_N2.shape == (len(symbols), 2)
    assert np.isfinite(places_N2).all() and places_N2.min() >= 0 and places_N2.max() <= 1
