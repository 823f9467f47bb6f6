"""The Gaussian that a prior refers to: N(0, I), or the running mean and covariance of the aggregate posterior, or of a
context N(shift(c), C) with the covariance of what the shift leaves.

Legend: B texts, D latent dimensions, C size of a context. u = C^(-1/2) (z - m) has unit covariance: in these
coordinates the Gaussian chain of methods 2.4 is N(0, I) at every level and its reverse step is the scalar
N(a u', sigma^2 I).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ldebm.distributed import batch_mean
from ldebm.posterior import Posterior

_MOMENTUM = 0.01  # a hundred batches of memory
_LEAST_VARIANCE = 1e-4
_REACH = 3.0  # of a mean that moves with the context: without a bound latents and mean run away together


def log_standard_normal(u_BD: Tensor) -> Tensor:
    """log N(u; 0, I) in nats, B."""
    return -0.5 * (u_BD.square().sum(-1) + u_BD.shape[-1] * math.log(2 * math.pi))


class ReferenceGaussian(nn.Module):
    """N(m, C) with the maps to and from whitened coordinates.

    Args:
        matched: follow the aggregate posterior; otherwise it stays N(0, I).
        context: size of the contexts; 0 for none. Matched then means a mean that moves with the context, and a C that
            follows what the context leaves unsaid, but never below one in any direction: down it would follow the
            posterior to nothing; where it does not follow up, energies and latents run away together (on SMD, as soon
            as the encoder feels the energies' pull), and where it does they still may, unless the encoder's means have
            a bound too.
    """

    mean_D: Tensor
    covariance_DD: Tensor
    root_DD: Tensor
    inverse_root_DD: Tensor

    def __init__(self, latent_size: int, matched: bool, context: int = 0) -> None:
        super().__init__()
        self.matched = matched
        self.shift = None
        if matched and context:
            last = nn.Linear(context, latent_size)
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)
            self.shift = nn.Sequential(nn.Linear(context, context), nn.GELU(), last)
        self.register_buffer("mean_D", torch.zeros(latent_size))
        for name in ("covariance_DD", "root_DD", "inverse_root_DD"):
            self.register_buffer(name, torch.eye(latent_size))

    def centre(self, context_BC: Tensor | None = None) -> Tensor:
        """The mean, D, or of each context, BD. Without a gradient: `misfit` is what the shift learns by."""
        return self.mean_D if self.shift is None else self._moved(context_BC).detach()

    def offset(self, context_BC: Tensor) -> Tensor:
        """C^(-1/2) shift(c), BD: what a whitened latent lacks of one whitened without its context."""
        return self.centre(context_BC) @ self.inverse_root_DD

    def _moved(self, context_BC: Tensor | None) -> Tensor:
        assert self.shift is not None
        moved_BD: Tensor = _REACH * torch.tanh(self.shift(context_BC) / _REACH)
        return moved_BD

    def whiten(self, z_BD: Tensor, context_BC: Tensor | None = None) -> Tensor:
        """u = C^(-1/2) (z - m); the symmetric root, which does not jump when eigenvalues cross."""
        return (z_BD - self.centre(context_BC)) @ self.inverse_root_DD if self.matched else z_BD

    def colour(self, u_BD: Tensor, context_BC: Tensor | None = None) -> Tensor:
        """z = m + C^(1/2) u."""
        return u_BD @ self.root_DD + self.centre(context_BC) if self.matched else u_BD

    def misfit(self, z_BD: Tensor, context_BC: Tensor | None) -> Tensor:
        """-log N(z; shift(c), I) up to what does not depend on the shift, mean over the batch: what the shift, and
        whoever reads the context, learns by. Zero without one."""
        if self.shift is None:
            return z_BD.new_zeros(())
        return 0.5 * (z_BD.detach() - self._moved(context_BC)).square().sum(-1).mean()

    def rate(self, posterior: Posterior, context_BC: Tensor | None = None) -> Tensor:
        """KL(q || N(m, C)) in nats, B."""
        if not self.matched:
            return posterior.rate_to_standard()
        u_BD = self.whiten(posterior.mean_BD, context_BC)
        precision_D = self.inverse_root_DD.square().sum(0)
        trace_B = (posterior.log_variance_BD.exp() * precision_D).sum(-1)
        log_det = 2 * self.log_det()
        return 0.5 * (trace_B + u_BD.square().sum(-1) - u_BD.shape[-1] + log_det - posterior.log_variance_BD.sum(-1))

    def log_density(self, z_BD: Tensor, context_BC: Tensor | None = None) -> Tensor:
        """log N(z; m, C) in nats, B."""
        return log_standard_normal(self.whiten(z_BD, context_BC)) - self.log_det()

    def log_det(self) -> Tensor:
        """log |det C^(1/2)|: what colouring takes off a log density."""
        return torch.linalg.slogdet(self.root_DD).logabsdet if self.matched else self.root_DD.new_zeros(())

    @torch.no_grad()
    def update(self, posterior: Posterior, momentum: float = _MOMENTUM, context_BC: Tensor | None = None) -> None:
        """Move the moments towards those of this batch's aggregate posterior; once a training step."""
        if not self.matched:
            return
        around = batch_mean(posterior.mean_BD) if self.shift is None else self.centre(context_BC)
        centred_BD = posterior.mean_BD - around
        covariance_DD = batch_mean(centred_BD[:, :, None] * centred_BD[:, None, :])
        covariance_DD += batch_mean(posterior.log_variance_BD.exp()).diag()
        if not bool(covariance_DD.isfinite().all()):
            return  # the loss will not be finite either, and its check says so before anything moves
        if self.shift is None:
            self.mean_D.lerp_(around, momentum)
        self.covariance_DD.lerp_(covariance_DD, momentum)
        values_D, vectors_DD = torch.linalg.eigh(self.covariance_DD.double())
        root_D = values_D.clamp_min(_LEAST_VARIANCE if self.shift is None else 1.0).sqrt()
        self.root_DD.copy_((vectors_DD * root_D) @ vectors_DD.mT)
        self.inverse_root_DD.copy_((vectors_DD / root_D) @ vectors_DD.mT)
