"""Probabilities that can be used: how far they are from how often they come true, and the temperature that mends it.

Legend: N texts, K labels.
"""

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

Array = npt.NDArray[np.floating]
BINS = 15
_COLDEST, _WARMEST = 0.05, 20.0


def expected_calibration_error(probabilities_NK: Array, labels_N: npt.NDArray[np.integer], bins: int = BINS) -> float:
    """Mean distance of the highest probability from the share of right answers, over `bins` stretches of equal width of
    that probability, weighted by their texts; 0 to 1 (Guo et al. 2017).

    Raises ValueError where there are not as many labels as texts, or none.
    """
    if len(probabilities_NK) != len(labels_N) or not len(labels_N):
        raise ValueError(f"needs one label a text, got {len(labels_N)} for {len(probabilities_NK)}")
    sure_N, right_N = probabilities_NK.max(1), probabilities_NK.argmax(1) == labels_N
    bin_N = np.minimum((sure_N * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_N, weights=sure_N - right_N, minlength=bins)
    return float(np.abs(gaps).sum() / len(labels_N))


def temperature(log_p_NK: Array, labels_N: npt.NDArray[np.integer]) -> float:
    """What to divide log-probabilities by so that the labels are most probable: above 1 where they are too sure.

    One more text, whose label nobody can know, counts as well: who has been right every time is not certain.

    Raises ValueError where there are not as many labels as texts, or none.
    """
    if len(log_p_NK) != len(labels_N) or not len(labels_N):
        raise ValueError(f"needs one label a text, got {len(labels_N)} for {len(log_p_NK)}")
    rows = np.arange(len(labels_N))

    def cost(log_temperature: float) -> float:
        scaled_NK = log_softmax(np.asarray(log_p_NK, np.float64) / np.exp(log_temperature), axis=1)
        return float(-(scaled_NK[rows, labels_N].sum() + scaled_NK.mean()) / (len(labels_N) + 1))

    found = minimize_scalar(cost, bounds=(np.log(_COLDEST), np.log(_WARMEST)), method="bounded")
    return float(np.exp(found.x))
