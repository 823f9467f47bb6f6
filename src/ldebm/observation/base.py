"""What every kind of observation offers: an encoder q(z | x), a decoder p(x | z). B examples, D latent dimensions."""

from __future__ import annotations

import abc
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn

from ldebm.data.batches import Batch
from ldebm.noise import Noise
from ldebm.observation.mean_norm import MeanNorm
from ldebm.posterior import Posterior

Observed = TypeVar("Observed", bound=Batch)


class Encoder(nn.Module, abc.ABC, Generic[Observed]):
    """q(z | x). `norm` is the normalisation of the means, where there is one; `compute_dtype` is for large products."""

    norm: MeanNorm | None

    def __init__(self) -> None:
        super().__init__()
        self.compute_dtype = torch.float32

    @abc.abstractmethod
    def encode(self, batch: Observed) -> Posterior:
        """The posterior of each example; the same alone, in any batch and under any padding."""


class Decoder(nn.Module, abc.ABC, Generic[Observed]):
    """p(x | z)."""

    def __init__(self) -> None:
        super().__init__()
        self.compute_dtype = torch.float32

    @abc.abstractmethod
    def log_likelihood(self, z_BD: Tensor, batch: Observed, noise: Noise | None = None) -> Tensor:
        """log p(x | z) of each example in nats, B."""
