"""Geometric clustering: it finds clusters, keeps their names, and survives what real latents do."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from ldebm.training.clustering import GeometricClustering, match


def blobs(n=600, k=5, seed=0, spread=0.15):
    generator = np.random.default_rng(seed)
    directions = np.linalg.qr(generator.normal(size=(8, 8)))[0][:k]
    truth = generator.integers(k, size=n)
    return (directions[truth] * 3 + spread * generator.normal(size=(n, 8))).astype(np.float32), truth


def test_clusters_of_the_data_are_found():
    points, truth = blobs()
    clustering = GeometricClustering(5, 4, seed=0)
    assert np.isnan(clustering.assign(points))
    assert adjusted_rand_score(truth, clustering.labels) > 0.95


def test_labels_keep_their_names_from_epoch_to_epoch():
    points, _ = blobs()
    clustering = GeometricClustering(5, 4, seed=0)
    clustering.assign(points)
    first = clustering.labels.copy()
    moved = points + 0.05 * np.random.default_rng(1).normal(size=points.shape).astype(np.float32)
    assert clustering.assign(moved) < 0.02
    assert np.mean(clustering.labels == first) > 0.98


def test_names_survive_a_turn_of_the_latent_space():
    """Principal components turn with the latents: matched names do not."""
    points, _ = blobs()
    clustering = GeometricClustering(5, 4, seed=0)
    clustering.assign(points)
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(8, 8)))[0].astype(np.float32)
    assert clustering.assign(points @ turn) < 0.05


def test_match_is_the_best_permutation():
    old = np.array([0, 0, 1, 1, 2, 2])
    new = np.array([2, 2, 0, 0, 1, 1])
    assert (match(new, old, 3)[new] == old).all()
    assert sorted(match(np.array([0, 0, 0]), np.array([1, 1, 2]), 4).tolist()) == [0, 1, 2, 3]


@pytest.mark.parametrize("points", [np.zeros((30, 4), np.float32), np.ones((3, 4), np.float32)])
def test_latents_without_structure_do_not_break_it(points):
    points = points + 1e-3 * np.random.default_rng(0).normal(size=points.shape).astype(np.float32)
    clustering = GeometricClustering(5, 16, seed=0)
    for _ in range(2):
        clustering.assign(points)
        assert clustering.labels.min() >= 0 and clustering.labels.max() < 5


def test_the_same_seed_gives_the_same_labels():
    points, _ = blobs(spread=1.0)
    labels = []
    for _ in range(2):
        clustering = GeometricClustering(5, 4, seed=3)
        clustering.assign(points)
        labels.append(clustering.labels)
    assert (labels[0] == labels[1]).all()
