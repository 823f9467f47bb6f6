"""The density of a two-dimensional prior by quadrature: the truth that estimates of it are checked against.

Legend: G grid points a side, T levels. Only for D = 2.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.interpolate import RectBivariateSpline
from torch import Tensor

from ldebm.prior.base import Prior
from ldebm.prior.diffusion import DiffusionPrior
from ldebm.prior.energy import tilt
from ldebm.prior.gaussian import GaussianPrior
from ldebm.prior.reference import ReferenceGaussian
from ldebm.prior.symbol_vector import SymbolVectorPrior

_REACH = 6.0  # the grid covers -6 .. 6 standard deviations of the reference in both directions


class GridDensity:
    """log p(z) of `prior` on a grid over the plane, in whitened coordinates.

    Args:
        side: G; the spacing 12 / (G - 1) must resolve the tilt.

    Raises ValueError for a prior that is not two-dimensional, or whose levels are not tilts of one Gaussian chain.
    """

    def __init__(self, prior: Prior, side: int = 601) -> None:
        if prior.latent_size != 2:
            raise ValueError(f"a grid covers two dimensions, the latent has {prior.latent_size}")
        self.prior = prior
        self.axis_G = np.linspace(-_REACH, _REACH, side)
        self._cell = (self.axis_G[1] - self.axis_G[0]) ** 2
        self._reference: ReferenceGaussian | None = None
        if isinstance(prior, DiffusionPrior) and prior.tilted:
            self._reference = prior.reference
            log_p_GG = self._of_chain(prior)
        elif isinstance(prior, SymbolVectorPrior):
            log_p_GG = self._normalised(self._tilt(prior.energy) + self._log_normal())
        elif isinstance(prior, GaussianPrior):
            self._reference = prior.reference
            log_p_GG = self._log_normal()
        else:
            raise ValueError(f"no density on a grid for {type(prior).__name__} in this form")
        self.log_density_GG = log_p_GG
        self._spline = RectBivariateSpline(self.axis_G, self.axis_G, log_p_GG, kx=3, ky=3)

    def __call__(self, z_N2: Tensor) -> np.ndarray:
        """log p(z) in nats at any points, [N]."""
        u_N2, log_det = z_N2, 0.0
        if self._reference is not None:
            u_N2, log_det = self._reference.whiten(z_N2), float(self._reference.log_det())
        u = u_N2.double().cpu().numpy()
        log_p_N: np.ndarray = self._spline.ev(u[:, 0], u[:, 1]) - log_det
        return log_p_N

    def mean_log_density(self) -> float:
        """E[log p(z)] of z from the density itself, nats: minus its entropy."""
        log_det = float(self._reference.log_det()) if self._reference is not None else 0.0
        return float((np.exp(self.log_density_GG) * self.log_density_GG).sum() * self._cell) - log_det

    def _of_chain(self, prior: DiffusionPrior) -> np.ndarray:
        """Down the levels: p_t(u) = exp F_t(u) times the integral of r_t(u | v) p_{t+1}(v) / Z_t(v) over v.

        The Gaussian r_t is a product over the two axes, so the integrals are products with G x G matrices.
        """
        tables, density_GG = prior.transition, np.empty(0)
        for level in reversed(range(prior.levels)):
            tilt_GG = self._tilt(lambda u, level=level: prior._logits(u, torch.full((len(u),), level)))
            shift = tilt_GG.max()
            grown_GG = np.exp(tilt_GG - shift)
            if level == prior.levels - 1:
                density_GG = grown_GG * np.exp(self._log_normal())
                density_GG /= density_GG.sum() * self._cell
                continue
            pull, variance = float(tables.pull[level]), float(tables.variance[level])
            gap_GG = self.axis_G[:, None] - pull * self.axis_G
            kernel_GG = np.exp(-0.5 * gap_GG**2 / variance) / math.sqrt(2 * math.pi * variance)
            z_GG = kernel_GG.T @ grown_GG @ kernel_GG * self._cell
            share_GG = np.divide(density_GG, z_GG, out=np.zeros_like(z_GG), where=z_GG > 0)
            density_GG = grown_GG * (kernel_GG @ share_GG @ kernel_GG.T) * self._cell
        return np.log(density_GG.clip(1e-300))

    @torch.no_grad()
    def _tilt(self, logits) -> np.ndarray:  # type: ignore[no-untyped-def]
        """F at the grid's points, GG."""
        u_G, v_G = np.meshgrid(self.axis_G, self.axis_G, indexing="ij")
        points = torch.from_numpy(np.stack([u_G.ravel(), v_G.ravel()], -1)).float()
        values = [tilt(logits(part).double()).numpy() for part in points.split(20_000)]
        return np.concatenate(values).reshape(u_G.shape)

    def _log_normal(self) -> np.ndarray:
        squares_G = self.axis_G**2
        return -0.5 * (squares_G[:, None] + squares_G) - math.log(2 * math.pi)

    def _normalised(self, log_GG: np.ndarray) -> np.ndarray:
        top = log_GG.max()
        return log_GG - top - math.log(np.exp(log_GG - top).sum() * self._cell)
