"""Basins of modes: clusters of any shape, exactly as many as asked for where the density has them."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_mutual_info_score

from ldebm.data.synthetic import DENSITIES
from ldebm.training.clustering import GeometricClustering
from ldebm.training.modes import basins


@pytest.mark.parametrize(("name", "least"), [("gaussians", 0.95), ("pinwheel", 0.88)])
def test_components_are_found_where_k_means_cuts_across_them(name, least):
    density = DENSITIES[name]
    points, component = density.sample(6000, np.random.default_rng(0))
    found = basins(points / points.std(0), density.components)
    assert sorted(set(found)) == list(range(density.components))
    score = adjusted_mutual_info_score(component, found)
    assert score > least
    if name == "pinwheel":
        means = KMeans(density.components, n_init=3, random_state=0).fit_predict(points)
        assert score > adjusted_mutual_info_score(component, means) + 0.1


def test_the_most_persistent_modes_remain():
    """Three blobs, two of them near each other: as two clusters the near ones are one."""
    generator = np.random.default_rng(0)
    truth = generator.integers(3, size=3000)
    points = np.array([[0.0, 0.0], [2.5, 0.0], [9.0, 0.0]])[truth] + 0.6 * generator.normal(size=(3000, 2))
    three, two = basins(points, 3), basins(points, 2)
    assert adjusted_mutual_info_score(truth, three) > 0.85
    assert adjusted_mutual_info_score(truth == 2, two) > 0.95


def test_fewer_modes_than_clusters_and_parts_that_nothing_joins():
    generator = np.random.default_rng(0)
    few = basins(generator.normal(size=(15, 2)), 6)
    assert len(set(few)) == few.max() + 1 <= 6
    apart = np.repeat(np.array([[0.0, 0.0], [1e3, 0.0], [0.0, 1e3]]), 40, axis=0) + generator.normal(size=(120, 2))
    assert len(set(basins(apart, 3))) == 3
    assert set(basins(apart, 2)) == {0, 1}
    unequal = np.concatenate([apart, np.full((15, 2), 5e3) + generator.normal(size=(15, 2))])
    shared = basins(unequal, 3)  # the smallest part shares the last symbol with another
    assert set(shared[-15:]) == {2} and np.bincount(shared).tolist() == [40, 40, 55]
    assert len(set(basins(np.zeros((20, 2)), 3))) <= 3


def test_clustering_by_modes_gives_every_text_a_label_and_keeps_names():
    density = DENSITIES["pinwheel"]
    points, component = density.sample(12_000, np.random.default_rng(1))
    clustering = GeometricClustering(density.components, 2, seed=0, by="modes")
    clustering.assign(points)
    assert adjusted_mutual_info_score(component, clustering.labels) > 0.88
    moved = points + 0.02 * np.random.default_rng(2).normal(size=points.shape).astype(np.float32)
    assert clustering.assign(moved) < 0.05
