"""The plane of the map: of all planes through the latent space the one on which symbols stand most apart.

Legend: N texts, D latent dimensions, K symbols, W discriminants.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.linalg import eigh

_RIDGE = 0.01  # of the mean variance of a dimension
_OUTLIERS = 0.5  # percent at each end that are moved to the edge, so that they do not shrink the rest


def plane(means_ND: npt.NDArray[np.floating], symbols_N: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Where each text lies on the map, [N, 2], from 0 to 1 on both axes.

    The axes are the two best linear discriminants of the symbols (Fisher): directions in which the symbols' means vary
    most beside their texts. A small ridge on the latter serves few texts and dimensions that do not vary. Where there
    are fewer discriminants, as with two symbols, principal components of what they leave take their place.
    """
    centred_ND = means_ND.astype(np.float64) - means_ND.mean(axis=0, dtype=np.float64)
    axes = _discriminants(centred_ND, symbols_N)
    if wanted := 2 - axes.shape[1]:
        rest_ND = centred_ND - axes @ np.linalg.lstsq(axes, centred_ND, rcond=None)[0] if axes.size else centred_ND
        components, lengths, _ = np.linalg.svd(rest_ND, full_matrices=False)
        found = (components * lengths)[:, :wanted]
        axes = np.hstack([axes, found, np.zeros((len(axes), wanted - found.shape[1]))])
    low_2, high_2 = np.percentile(axes, (_OUTLIERS, 100 - _OUTLIERS), axis=0)
    return ((axes - low_2) / np.maximum(high_2 - low_2, 1e-12)).clip(0, 1)


def _discriminants(centred_ND: npt.NDArray[np.float64], symbols_N: npt.NDArray[np.integer]) -> np.ndarray:
    """The two best, [N, 0..2]: as many as there are symbols less one."""
    _, symbol_N, counts_K = np.unique(symbols_N, return_inverse=True, return_counts=True)
    dimensions = centred_ND.shape[1]
    wanted = min(2, len(counts_K) - 1, dimensions)
    if not wanted:
        return np.empty((len(centred_ND), 0))
    centres_KD = np.zeros((len(counts_K), dimensions))
    np.add.at(centres_KD, symbol_N, centred_ND / counts_K[symbol_N, None])
    within_ND = centred_ND - centres_KD[symbol_N]
    within_DD = within_ND.T @ within_ND / len(within_ND)
    between_DD = (centres_KD.T * counts_K) @ centres_KD / len(within_ND)
    ridge = _RIDGE * (within_DD.trace() + between_DD.trace()) / dimensions + np.finfo(float).tiny ** 0.5
    last = [dimensions - wanted, dimensions - 1]  # of the eigenvalues, which ascend
    _, vectors_DW = eigh(between_DD, within_DD + ridge * np.eye(dimensions), subset_by_index=last)
    projected: np.ndarray = centred_ND @ vectors_DW[:, ::-1]
    return projected
