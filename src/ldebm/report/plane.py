"""The plane of the map: of all planes through the latent space the one on which symbols stand most apart.

Legend: N texts, D latent dimensions.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

_OUTLIERS = 0.5  # percent at each end that are moved to the edge, so that they do not shrink the rest


def plane(means_ND: npt.NDArray[np.floating], symbols_N: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Where each text lies on the map, [N, 2], from 0 to 1 on both axes.

    The axes are the two best linear discriminants of the symbols (Fisher), with the covariance shrunk (Ledoit-Wolf);
    where there are fewer, as with two symbols, principal components of what they leave take their place.
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
    """At most two, [N, 0..2]: as many as there are symbols less one; none where every text has a symbol of its own."""
    most = min(2, len(np.unique(symbols_N)) - 1, centred_ND.shape[1])
    varies_D = centred_ND.var(axis=0) > 0
    if most < 1 or not varies_D.any() or len(np.unique(symbols_N)) == len(symbols_N):
        return np.empty((len(centred_ND), 0))
    found = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto", n_components=most)
    projected: np.ndarray = found.fit_transform(centred_ND[:, varies_D], symbols_N)
    return projected
