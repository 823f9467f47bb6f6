"""The variational posterior q(z | x): a diagonal Gaussian. Legend: B texts, D latent dimensions."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Posterior:
    """Mean and log variance, both BD."""

    mean_BD: Tensor
    log_variance_BD: Tensor

    def sample(self, noise_BD: Tensor) -> Tensor:
        """z = mean + standard deviation * noise (reparameterised)."""
        return self.mean_BD + (0.5 * self.log_variance_BD).exp() * noise_BD

    def rate_to_standard(self) -> Tensor:
        """KL(q || N(0, I)) in nats, B."""
        variance_BD = self.log_variance_BD.exp()
        return 0.5 * (self.mean_BD.square() + variance_BD - 1 - self.log_variance_BD).sum(-1)
