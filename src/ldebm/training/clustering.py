"""Geometric clustering (paper A.6): clusters of the whitened principal components of the posterior means.

Legend: N texts, M of them that the fit sees, D latent dimensions, P principal components, K symbols. Ids are carried
from epoch to epoch: k-means starts from the last centroids and new clusters are matched to old ones, or the symbol head
would chase a permutation.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.neighbors import KNeighborsClassifier
from threadpoolctl import threadpool_limits
from torch import Tensor

from ldebm.posterior import Posterior
from ldebm.prior.base import Prior
from ldebm.training.modes import basins

_FIT_ROWS = {"directions": 100_000, "places": 100_000, "modes": 10_000}  # the fit sees at most so many texts
_STRETCH = 50_000
_VOTERS = 15  # neighbours that say to which basin a text belongs


class GeometricClustering:
    """Assigns a symbol to every text from where its posterior mean lies.

    Args:
        dimensions: P; at most D are used.
        by: "directions", k-means on the unit sphere, as published: the direction of a latent says what it is about, its
            length how surely; "places", k-means where the latents lie; "modes", the basins of the K most prominent
            modes of their density, which may have any shape.
    """

    def __init__(self, symbols: int, dimensions: int, seed: int, by: str = "directions") -> None:
        self.symbols, self.dimensions, self.seed, self.by = symbols, dimensions, seed, by
        self.labels: np.ndarray | None = None

    def seen(self, prior: Prior, posterior: Posterior, context_BC: Tensor | None) -> Tensor:
        """What is clustered of a batch, BD."""
        del prior, context_BC
        return posterior.mean_BD

    def assign(self, means_ND: np.ndarray | None) -> float:
        """Set `labels` from the posterior means; returns the share of texts whose label changed (nan the first time).

        None, before anything is learned, sets nothing: latents that mean nothing have no clusters.

        k-means starts warm: from the class means of the last assignment, in the new components.
        """
        if means_ND is None:
            return float("nan")
        rows = np.random.default_rng(self.seed).permutation(len(means_ND))[: _FIT_ROWS[self.by]]
        size = min(self.dimensions, means_ND.shape[1], len(rows))
        pca = PCA(size, whiten=True, svd_solver="full").fit(means_ND[rows])
        points_MP = self._points(pca, means_ND[rows])
        old = self.labels
        with threadpool_limits(1):  # with more threads the order of sums, and so the labels, depend on timing
            fitted = self._basins(points_MP) if self.by == "modes" else self._k_means(points_MP, old, rows)
            # A stretch at a time: points of a whole corpus would need as much memory again as its means.
            stretches = [means_ND[start : start + _STRETCH] for start in range(0, len(means_ND), _STRETCH)]
            new = np.concatenate([fitted.predict(self._points(pca, each)) for each in stretches]).astype(np.int64)
        if old is None:
            self.labels = new
            return float("nan")
        self.labels = match(new, old, self.symbols)[new]
        return float(np.mean(self.labels != old))

    def _basins(self, points_MP: np.ndarray) -> KNeighborsClassifier:
        return KNeighborsClassifier(min(_VOTERS, len(points_MP))).fit(points_MP, basins(points_MP, self.symbols))

    def _k_means(self, points_MP: np.ndarray, old_N: np.ndarray | None, rows_M: np.ndarray) -> KMeans:
        symbols = min(self.symbols, len(np.unique(points_MP, axis=0)))
        if old_N is None:
            means = KMeans(symbols, n_init=10, random_state=self.seed)
        else:
            start_KP = self._warm_start(points_MP, old_N[rows_M])[:symbols]
            means = KMeans(symbols, init=start_KP, n_init=1, random_state=self.seed)
        return means.fit(points_MP)

    def _points(self, pca: PCA, means_ND: np.ndarray) -> np.ndarray:
        """What is clustered: whitened components, or their directions."""
        points_NP: np.ndarray = pca.transform(means_ND)
        if self.by == "directions":
            points_NP /= np.linalg.norm(points_NP, axis=1, keepdims=True).clip(1e-8)
        return points_NP

    def _warm_start(self, points_MP: np.ndarray, old_M: np.ndarray) -> np.ndarray:
        """Mean point of each old cluster; a cluster that died starts again at a random text."""
        counts_K = np.bincount(old_M, minlength=self.symbols).astype(points_MP.dtype)
        centroids_KP = np.zeros((self.symbols, points_MP.shape[1]), points_MP.dtype)
        np.add.at(centroids_KP, old_M, points_MP)
        random = np.random.default_rng(self.seed).integers(len(points_MP), size=self.symbols)
        return np.where(counts_K[:, None] > 0, centroids_KP / counts_K.clip(1)[:, None], points_MP[random])


def match(new: np.ndarray, old: np.ndarray, symbols: int) -> np.ndarray:
    """The permutation of new ids (as an array new -> old) that keeps most labels (Hungarian algorithm)."""
    shared_KK = np.zeros((symbols, symbols), np.int64)
    np.add.at(shared_KK, (new, old), 1)
    rows, columns = linear_sum_assignment(shared_KK, maximize=True)
    permutation = np.empty(symbols, np.int64)
    permutation[rows] = columns
    return permutation
