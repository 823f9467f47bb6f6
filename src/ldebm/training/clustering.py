"""Geometric clustering (paper A.6): k-means on whitened principal components of the posterior means.

Legend: N texts, D latent dimensions, P principal components, K symbols. Ids are carried from epoch to epoch: k-means
starts from the last centroids and new clusters are matched to old ones, or the symbol head would chase a permutation.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

_FIT_ROWS = 100_000  # k-means is fitted on at most so many texts and then assigns all


class GeometricClustering:
    """Assigns a symbol to every text from where its posterior mean lies.

    Args:
        dimensions: P; at most D are used.
        directions: put the points on the unit sphere, as published: the direction of a latent says what it is about,
            its length how surely. Otherwise they are clustered where they lie.
    """

    def __init__(self, symbols: int, dimensions: int, seed: int, directions: bool = True) -> None:
        self.symbols, self.dimensions, self.seed, self.directions = symbols, dimensions, seed, directions
        self.labels_N: np.ndarray | None = None

    def assign(self, means_ND: np.ndarray) -> float:
        """Set `labels_N` from the posterior means; returns the share of texts whose label changed (nan the first time).

        The last assignment is the warm start: its class means in the new components are the first centroids.
        """
        rows = np.random.default_rng(self.seed).permutation(len(means_ND))[:_FIT_ROWS]
        size = min(self.dimensions, means_ND.shape[1], len(rows))
        pca = PCA(size, whiten=True, svd_solver="full").fit(means_ND[rows])
        points_NP = pca.transform(means_ND)
        if self.directions:
            points_NP /= np.linalg.norm(points_NP, axis=1, keepdims=True).clip(1e-8)
        symbols = min(self.symbols, len(np.unique(points_NP[rows], axis=0)))
        old = self.labels_N
        if old is None:
            means = KMeans(symbols, n_init=3, random_state=self.seed)
        else:
            means = KMeans(symbols, init=self._warm_start(points_NP, old, symbols), n_init=1, random_state=self.seed)
        with threadpool_limits(1):  # with more threads the order of sums, and so the labels, depend on timing
            new = means.fit(points_NP[rows]).predict(points_NP).astype(np.int64)
        if old is None:
            self.labels_N = new
            return float("nan")
        self.labels_N = match(new, old, self.symbols)[new]
        return float(np.mean(self.labels_N != old))

    def _warm_start(self, points_NP: np.ndarray, old: np.ndarray, symbols: int) -> np.ndarray:
        """Mean point of each old cluster; a cluster that died starts again at a random text."""
        counts_K = np.bincount(old, minlength=self.symbols).astype(points_NP.dtype)
        centroids_KP = np.zeros((self.symbols, points_NP.shape[1]), points_NP.dtype)
        np.add.at(centroids_KP, old, points_NP)
        random = np.random.default_rng(self.seed).integers(len(points_NP), size=self.symbols)
        centroids_KP = np.where(counts_K[:, None] > 0, centroids_KP / counts_K.clip(1)[:, None], points_NP[random])
        return centroids_KP[:symbols]


def match(new: np.ndarray, old: np.ndarray, symbols: int) -> np.ndarray:
    """The permutation of new ids (as an array new -> old) that keeps most labels (Hungarian algorithm)."""
    shared_KK = np.zeros((symbols, symbols), np.int64)
    np.add.at(shared_KK, (new, old), 1)
    rows, columns = linear_sum_assignment(shared_KK, maximize=True)
    permutation = np.empty(symbols, np.int64)
    permutation[rows] = columns
    return permutation
