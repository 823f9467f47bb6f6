"""LDEBM of points in the plane: the same prior and objective behind an encoder and a decoder of points.

Legend: N points, X = 2 dimensions, D latent dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ldebm.data.batches import PointBatch, PointCorpus
from ldebm.objective import READ_ROWS, WRITE_ROWS, LatentModel
from ldebm.observation import PointDecoder, PointEncoder
from ldebm.presets.config import Config


class PointModel(LatentModel[np.ndarray]):
    """A generative model of points: `encode`, `posterior` and `symbol_probabilities` take [N, X] float32."""

    encoder: PointEncoder
    decoder: PointDecoder

    def __init__(self, config: Config) -> None:
        points, latent_size = config.model.points, config.model.latent_size
        super().__init__(config, PointEncoder(points, latent_size), PointDecoder(points, latent_size))

    @torch.no_grad()
    def sample_latents(self, n: int, seed: int = 0, adjust: bool = False) -> np.ndarray:
        """Draw from the prior (Algorithm 2), [n, D] float32; `adjust`: with Metropolis-adjusted chains."""
        generator = torch.Generator(self.device).manual_seed(seed)
        with self.evaluating():
            drawn = [
                self.prior.sample(min(WRITE_ROWS, n - start), generator=generator, adjust=adjust).cpu().numpy()
                for start in range(0, n, WRITE_ROWS)
            ]
        return np.concatenate(drawn) if drawn else np.empty((0, self.config.model.latent_size), np.float32)

    @torch.no_grad()
    def decode(self, latents_ND: np.ndarray) -> np.ndarray:
        """The mean of p(x | z) for each latent, [N, X] float32."""
        with self.evaluating():
            z_ND = torch.from_numpy(np.asarray(latents_ND, np.float32)).to(self.device)
            return self.decoder.decode(z_ND).cpu().numpy()

    def batches(self, examples: np.ndarray) -> Iterator[tuple[np.ndarray, PointBatch]]:
        corpus = PointCorpus(np.asarray(examples, np.float32))
        for start in range(0, len(corpus), READ_ROWS):
            index = np.arange(start, min(start + READ_ROWS, len(corpus)))
            yield index, corpus.batch(index).to(self.device)
