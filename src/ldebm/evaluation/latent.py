"""What latents and symbols hold of a text. N texts, D latent dimensions, K symbols; q is the Gaussian posterior."""

import math

import numpy as np
import numpy.typing as npt
from scipy.special import entr, logsumexp

Array = npt.NDArray[np.floating]


def mutual_information(probabilities_NK: Array) -> float:
    """I(x; y) of text and symbol, H(mean p(y|x)) - mean H(p(y|x)), in nats.

    Range 0 (every text has the same symbol probabilities) to log K (each text sure of its symbol, all symbols equally
    often). It rises with K and is biased upwards for few texts. Source: LDEBM's and DGM-VAE's MI column.
    """
    p_NK = _matrix(probabilities_NK)
    if p_NK.min() < 0 or np.abs(p_NK.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("each row of the symbol probabilities is to be a distribution: not negative, summing to 1")
    return float(entr(p_NK.mean(axis=0)).sum() - entr(p_NK).sum(axis=1).mean())


def active_units(means_ND: Array, threshold: float = 0.01) -> float:
    """Number of latent dimensions whose posterior mean varies over the texts by a variance above the threshold.

    Range 0 (posterior collapse) to D. Source: Burda et al. 2016.
    """
    return float((_matrix(means_ND).var(axis=0) > threshold).sum())


def gaussian_rate(means_ND: Array, variances_ND: Array) -> float:
    """Mean KL(q(z|x) || N(0, I)), in nats a text. Range 0 (posterior collapse) upwards."""
    m_ND, v_ND = _posterior(means_ND, variances_ND)
    return float(0.5 * (m_ND**2 + v_ND - 1 - np.log(v_ND)).sum(axis=1).mean())


def matched_rate(means_ND: Array, variances_ND: Array) -> float:
    """Mean KL(q(z|x) || N(m, C)), m and C the mean and covariance of the aggregate posterior, in nats a text.

    The lowest rate that any Gaussian prior can have for this encoder: range 0 to the standard rate, at least I(x; z).
    Since C is the mean of q's covariance about m, the quadratic terms cancel and (log det C - mean log det of q's) /
    2 is left.
    """
    m_ND, v_ND = _posterior(means_ND, variances_ND)
    centred_ND = m_ND - m_ND.mean(axis=0)
    covariance_DD = centred_ND.T @ centred_ND / len(m_ND) + np.diag(v_ND.mean(axis=0))
    return float(0.5 * (np.linalg.slogdet(covariance_DD).logabsdet - np.log(v_ND).sum(axis=1).mean()))


def latent_mutual_information(means_ND: Array, variances_ND: Array, texts: int = 2000, seed: int = 0) -> float:
    """I(x; z) of text and latent over a random subsample of n = min(texts, N) of the texts, in nats.

    Monte Carlo, one z a text, of E[log q(z|x) - log q(z)], q(z) the subsample's mixture; it equals the rate less
    KL(q(z) || prior). Range 0 (posterior collapse; below it only by Monte Carlo error) to log n (every text can be
    told from its latent): near log n it says "at least". Source: Hoffman & Johnson 2016.
    """
    m_ND, v_ND = _posterior(means_ND, variances_ND)
    generator = np.random.default_rng(seed)
    chosen = generator.choice(len(m_ND), size=min(texts, len(m_ND)), replace=False)
    m_ND, v_ND = m_ND[chosen], v_ND[chosen]
    z_ND = m_ND + np.sqrt(v_ND) * generator.standard_normal(m_ND.shape)
    squares_NN = z_ND**2 @ (1 / v_ND).T - 2 * z_ND @ (m_ND / v_ND).T + (m_ND**2 / v_ND).sum(axis=1)
    log_density_NN = -0.5 * (squares_NN + np.log(v_ND).sum(axis=1))  # [latent, text], less the constant they share
    log_mixture_N = logsumexp(log_density_NN, axis=1) - math.log(len(m_ND))
    return float((log_density_NN.diagonal() - log_mixture_N).mean())


def _matrix(values: Array) -> npt.NDArray[np.float64]:
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.size == 0:
        raise ValueError(f"needs one row a text, got an array of shape {matrix.shape}")
    return matrix


def _posterior(means_ND: Array, variances_ND: Array) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    m_ND, v_ND = _matrix(means_ND), _matrix(variances_ND)
    if m_ND.shape != v_ND.shape or not (v_ND > 0).all():
        raise ValueError(f"needs one positive variance a mean, got shapes {m_ND.shape} and {v_ND.shape}")
    return m_ND, v_ND
