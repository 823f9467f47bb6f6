"""Points of the plane, X = 2: an encoder and a decoder of a few layers (paper B.2, synthetic column).

Legend: B points, D latent dimensions.
"""

from __future__ import annotations

import itertools
import math

from torch import Tensor, nn

from ldebm.data.batches import PointBatch
from ldebm.noise import Noise
from ldebm.observation.base import Decoder, Encoder
from ldebm.observation.heads import posterior_of
from ldebm.observation.mean_norm import MeanNorm
from ldebm.posterior import Posterior
from ldebm.presets.config import PointsConfig

DIMENSIONS = 2


class PointEncoder(Encoder[PointBatch]):
    """q(z | x): hidden layers, two linear heads; means normalised as those of texts where the configuration says so."""

    def __init__(self, config: PointsConfig, latent_size: int) -> None:
        super().__init__()
        self.scale = config.scale
        self.layers = _layers(DIMENSIONS, config)
        self.mean = nn.Linear(config.width, latent_size, bias=not config.normalise_means)
        self.log_variance = nn.Linear(config.width, latent_size)
        self.norm = MeanNorm(latent_size) if config.normalise_means else None

    def encode(self, batch: PointBatch) -> Posterior:
        features = self.layers(batch.points_BX / self.scale)
        return posterior_of(self.mean(features), self.log_variance(features), self.norm)


class PointDecoder(Decoder[PointBatch]):
    """p(x | z) = N(decode(z), variance I), with the variance that the configuration states."""

    def __init__(self, config: PointsConfig, latent_size: int) -> None:
        super().__init__()
        self.scale, self.variance = config.scale, config.variance
        self.layers = _layers(latent_size, config)
        self.out = nn.Linear(config.width, DIMENSIONS)

    def log_likelihood(self, z_BD: Tensor, batch: PointBatch, noise: Noise | None = None) -> Tensor:
        """log p(x | z) in nats, B."""
        del noise
        gap_BX = batch.points_BX - self.decode(z_BD)
        constant = 0.5 * gap_BX.shape[-1] * math.log(2 * math.pi * self.variance)
        return -0.5 * gap_BX.square().sum(-1) / self.variance - constant

    def decode(self, z_BD: Tensor) -> Tensor:
        """The mean of p(x | z), BX."""
        return self.scale * self.out(self.layers(z_BD))


def _layers(inputs: int, config: PointsConfig) -> nn.Sequential:
    sizes = [inputs] + [config.width] * config.layers
    linear = [nn.Linear(before, after) for before, after in itertools.pairwise(sizes)]
    return nn.Sequential(*(part for layer in linear for part in (layer, nn.ReLU())))
