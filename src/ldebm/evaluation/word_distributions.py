"""Comparing word distributions: what is characteristic of one, and which are the same. K symbols, V words."""

import numpy as np
import numpy.typing as npt
from scipy.special import entr, rel_entr

Array = npt.NDArray[np.floating]


def divergence_contributions(counts_KV: Array) -> npt.NDArray[np.float64]:
    """Each word's part p(w|k) log(p(w|k) / p(w)) of KL(p(word | symbol k) || p(word)), in nats.

    Above 0 for a word that the symbol uses more than all texts do. A rare word weighs little, and so does a function
    word, whose share is large but the same everywhere. p(w) is that of all symbols together;
    a symbol without counts contributes 0.
    """
    _check_counts(counts_KV)
    totals_K1 = counts_KV.sum(axis=1, keepdims=True)
    conditional_KV = counts_KV / np.where(totals_K1 > 0, totals_K1, 1)
    marginal_V = counts_KV.sum(axis=0) / counts_KV.sum()
    return np.asarray(rel_entr(conditional_KV, marginal_V), dtype=np.float64)


def frequency_ratios(counts_KV: Array) -> npt.NDArray[np.float64]:
    """How many times as frequent each word is with a symbol as with all others together, p(w|k) / p(w|not k), [K, V].

    Infinite for a word that no other symbol uses, 0 for one that the symbol does not use or where no other has counts.
    """
    _check_counts(counts_KV)
    with_K1, all_V = counts_KV.sum(axis=1, keepdims=True), counts_KV.sum(axis=0)
    used_KV, elsewhere_KV = counts_KV * (all_V.sum() - with_K1), (all_V - counts_KV) * with_K1
    unused_KV = np.where(used_KV > 0, np.inf, 0.0)
    return np.divide(used_KV, elsewhere_KV, out=unused_KV, where=elsewhere_KV > 0)


def jensen_shannon(counts_KV: Array) -> npt.NDArray[np.float64]:
    """Jensen-Shannon divergence of the word distributions of each pair of symbols, [K, K], in nats.

    Range 0 (the same words equally often) to log 2 (no word shared). Sampling noise adds about (types - 1) / (4 tokens)
    to two symbols of that many tokens each. Every symbol needs counts. Source: Lin 1991.
    """
    _check_counts(counts_KV)
    totals_K1 = counts_KV.sum(axis=1, keepdims=True)
    if not (totals_K1 > 0).all():
        raise ValueError("a Jensen-Shannon divergence needs counts for every symbol")
    p_KV = counts_KV / totals_K1
    entropy_K = entr(p_KV).sum(axis=1)
    divergence_KK = np.zeros((len(p_KV), len(p_KV)))
    for k, p_V in enumerate(p_KV):
        mixed_K = entr((p_V + p_KV[k + 1 :]) / 2).sum(axis=1)
        divergence_KK[k, k + 1 :] = np.maximum(mixed_K - (entropy_K[k] + entropy_K[k + 1 :]) / 2, 0)
    return divergence_KK + divergence_KK.T


def _check_counts(counts_KV: Array) -> None:
    if counts_KV.ndim != 2 or counts_KV.size == 0 or counts_KV.min() < 0 or counts_KV.sum() <= 0:
        raise ValueError(f"needs counts, none negative and not all 0, one row a symbol; got shape {counts_KV.shape}")
