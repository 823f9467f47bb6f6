"""Clusters of any shape: the basins of a density's most prominent modes.

Legend: M points, P dimensions, K clusters, k neighbours. Chazal, Guibas, Oudot and Skraba 2013, "Persistence-based
clustering in Riemannian manifolds", on the graph of nearest neighbours with the density that their distance tells.
"""

from __future__ import annotations

import math

import numpy as np
from sklearn.neighbors import NearestNeighbors

_NEIGHBOURS = 0.005  # share of the points that tell a point's density
_LEAST_NEIGHBOURS = 10


def basins(points_MP: np.ndarray, clusters: int) -> np.ndarray:
    """The cluster [M] of each point, 0 to K - 1: the basin of the mode that climbing the density leads to.

    Of all modes the K most persistent ones remain; the others, most of them accidents of sampling, go to the basin that
    they meet first on the way down. How persistent a mode is: how far the log density falls before that. There are
    fewer clusters where the density has fewer modes.
    """
    points = len(points_MP)
    neighbours = min(max(_LEAST_NEIGHBOURS, round(_NEIGHBOURS * points)), points)
    distance_Mk, near_Mk = NearestNeighbors(n_neighbors=neighbours).fit(points_MP).kneighbors(points_MP)
    log_density_M = -points_MP.shape[1] * np.log(distance_Mk[:, -1].clip(1e-12))
    order_M = np.argsort(-log_density_M, kind="stable")
    place_M = np.empty(points, np.int64)
    place_M[order_M] = np.arange(points)

    above = [near[place_M[near] < place] for near, place in zip(near_Mk, place_M, strict=True)]
    lost = _merged(order_M, place_M, above, log_density_M, math.inf)[1]
    modes = sum(not len(each) for each in above)
    # Parts of the graph that nothing joins stay clusters whatever the threshold.
    joined = clusters - (modes - len(lost))
    persistence = sorted(lost, reverse=True)
    least = persistence[joined] if 0 <= joined < len(persistence) else math.inf if joined < 0 else -math.inf
    root_M = _merged(order_M, place_M, above, log_density_M, least)[0]
    # Where more parts than clusters stay apart, the largest have symbols of their own and the rest share the last.
    _, cluster_M, sizes = np.unique(root_M, return_inverse=True, return_counts=True)
    rank = np.empty(len(sizes), np.int64)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return np.minimum(rank[cluster_M], clusters - 1)


def _merged(
    order_M: np.ndarray, place_M: np.ndarray, above: list[np.ndarray], log_density_M: np.ndarray, least: float
) -> tuple[np.ndarray, list[float]]:
    """Each point's mode once all modes of a persistence up to `least` have been merged, and the merged ones' own."""
    parent_M = np.arange(len(order_M))

    def root(point: int) -> int:
        while parent_M[point] != point:
            parent_M[point] = parent_M[parent_M[point]]
            point = parent_M[point]
        return point

    lost = []
    for point in order_M:  # from the densest down
        if not len(above[point]):
            continue  # a mode
        uphill = above[point][place_M[above[point]].argmin()]
        parent_M[point] = root(uphill)
        for each in above[point]:
            mine, other = root(point), root(each)
            low, high = (other, mine) if place_M[other] > place_M[mine] else (mine, other)
            persistence = log_density_M[low] - log_density_M[point]
            if low != high and persistence <= least:
                lost.append(float(persistence))
                parent_M[low] = high
    return np.array([root(point) for point in range(len(order_M))]), lost
