"""How close samples come to data in space. N and M points, D dimensions, K components of a mixture.

Finite sets never agree: read each number beside its floor, that of data against other data, and for sets of the same
size.
"""

import math

import numpy as np
import numpy.typing as npt
from scipy.spatial.distance import cdist

Array = npt.NDArray[np.floating]
Integers = npt.NDArray[np.integer]

BLOCK = 500  # rows of a distance matrix that are held at a time


def energy_distance(x_ND: Array, y_MD: Array) -> float:
    """Squared energy distance 2 E|x - y| - E|x - x'| - E|y - y'|, Euclidean, in the unit of the coordinates.

    Range 0 (the same points) upwards. The V-statistic, means over all pairs with a point and itself among them: it is
    the distance of the two sets as they stand, so it is never negative, and multiples of the floor make sense, which
    they do not for the unbiased U-statistic, whose floor is 0. The floor is (1/N + 1/M) E|x - x'| on average. Raises
    ValueError where a set is empty or no matrix, or the dimensions differ. Source: Székely & Rizzo 2013.
    """
    x_ND, y_MD = _point_sets(x_ND, y_MD)
    return 2 * _mean_distance(x_ND, y_MD) - _mean_distance(x_ND, x_ND) - _mean_distance(y_MD, y_MD)


def energy_distance_floor(x_ND: Array, others: int) -> float:
    """What `energy_distance` is in expectation between N points and `others` more of the density that `x_ND` is from.

    (1/N + 1/M) E|x - x'|, the part of the V-statistic that comes from pairing points with themselves.
    """
    if len(x_ND) < 2 or others < 1:
        raise ValueError(f"needs two points and one other, got {len(x_ND)} and {others}")
    x, _ = _point_sets(x_ND, x_ND)
    return (1 / len(x) + 1 / others) * _mean_distance(x, x) * len(x) / (len(x) - 1)


def sliced_wasserstein(x_ND: Array, y_ND: Array, projections: int = 500, seed: int = 0) -> float:
    """Sliced Wasserstein-2 distance: root of the mean, over random directions, of the squared W2 along a direction.

    In the unit of the coordinates; range 0 to W2 / sqrt(D), up to Monte Carlo error. Along a direction W2 pairs the
    points by rank. The floor falls with N. Raises ValueError where the sets are empty, no matrices or of different
    shapes, or there are no projections. Source: Bonneel et al. 2015.
    """
    x_ND, y_ND = _point_sets(x_ND, y_ND)
    if len(x_ND) != len(y_ND):
        raise ValueError(f"sliced Wasserstein needs equally many points, got {len(x_ND)} and {len(y_ND)}")
    if projections < 1:
        raise ValueError(f"sliced Wasserstein needs a projection or more, got {projections}")
    directions_PD = np.random.default_rng(seed).standard_normal((projections, x_ND.shape[1]))
    directions_PD /= np.linalg.norm(directions_PD, axis=1, keepdims=True)
    squares = [np.mean((np.sort(x_ND @ d_D) - np.sort(y_ND @ d_D)) ** 2) for d_D in directions_PD]
    return math.sqrt(math.fsum(squares) / projections)


def weights_total_variation(component_N: Integers, weights_K: Array) -> float:
    """Total variation distance of the components' shares of the points from their weights, 0.5 sum |share - weight|.

    Range 0 to 1 (less the smallest weight). The floor is about 0.5 sum sqrt(2 w (1 - w) / (pi N)): 0.015 for 10,000
    points and 16 equal weights. Raises ValueError without points, where a component is none of 0 to K - 1, and where
    the weights are no distribution.
    """
    weights_K = np.asarray(weights_K, dtype=np.float64)
    if weights_K.ndim != 1 or not (weights_K >= 0).all() or not math.isclose(weights_K.sum(), 1, abs_tol=1e-6):
        raise ValueError("the weights are to be a distribution over the components: not negative, summing to 1")
    counts_K = _counts(component_N, len(weights_K))
    return float(0.5 * np.abs(counts_K / counts_K.sum() - weights_K).sum())


def components_covered(
    component_N: Integers, within_N: npt.NDArray[np.bool_], components: int, least: float = 0.1
) -> int:
    """Number of components that hold at least `least` times their fair share N / K of the points.

    Only points `within` their component count (say, within three of its standard deviations); the fair share is that
    of all points. Range 0 to K; data have K. Raises ValueError without points, where a component is none of 0 to K - 1,
    and where the two arrays differ in shape.
    """
    component_N, within_N = np.asarray(component_N), np.asarray(within_N, dtype=np.bool_)
    if component_N.shape != within_N.shape:
        raise ValueError(f"needs to know of each point if it is within, got {component_N.shape} and {within_N.shape}")
    _counts(component_N, components)  # also the points that are not within are to be of a component
    counts_K = np.bincount(component_N[within_N], minlength=components)
    return int((counts_K >= least * len(component_N) / components).sum())


def within(distance_N: Array, deviations: float = 3.0) -> float:
    """Share of the points at most so many standard deviations from their component. Range 0 to 1.

    Data in the plane, by the distance from the component that they were drawn from: 1 - exp(-deviations^2 / 2), 0.9889
    at three. Raises ValueError without points.
    """
    distance_N = np.asarray(distance_N)
    if distance_N.ndim != 1 or distance_N.size == 0:
        raise ValueError(f"needs one distance a point, got an array of shape {distance_N.shape}")
    return float((distance_N <= deviations).mean())


def _mean_distance(x_ND: Array, y_MD: Array) -> float:
    blocks = (x_ND[start : start + BLOCK] for start in range(0, len(x_ND), BLOCK))
    return math.fsum(cdist(block_BD, y_MD).sum() for block_BD in blocks) / (len(x_ND) * len(y_MD))


def _counts(component_N: Integers, components: int) -> npt.NDArray[np.int64]:
    component_N = np.asarray(component_N)
    if component_N.ndim != 1 or component_N.size == 0:
        raise ValueError(f"needs one component a point, got an array of shape {component_N.shape}")
    if component_N.min() < 0 or component_N.max() >= components:
        raise ValueError(f"there are {components} components, got {component_N.min()} to {component_N.max()}")
    return np.bincount(component_N, minlength=components)


def _point_sets(x_ND: Array, y_MD: Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    a_ND, b_MD = np.asarray(x_ND).astype(np.float64), np.asarray(y_MD).astype(np.float64)
    if a_ND.ndim != 2 or b_MD.ndim != 2 or a_ND.size == 0 or b_MD.size == 0 or a_ND.shape[1] != b_MD.shape[1]:
        raise ValueError(f"needs two sets of points of the same dimension, got shapes {a_ND.shape} and {b_MD.shape}")
    return a_ND, b_MD
