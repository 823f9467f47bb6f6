"""What stands beside the energy at each level: tables of the conditional density that it tilts, and of its chain.

Legend: T levels, row t describes p(z_t | z_{t+1}), the last row the marginal p(z_{T-1}). Both forms are
    p(z_t | z_{t+1})  proportional to  exp(sharpness_t F(input_t z_t, t)) N(z_t; pull_t z_{t+1}, variance_t I).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ldebm.prior.schedule import NoiseSchedule


class Transition(nn.Module):
    """Per-level coefficients as buffers of length T.

    Args:
        reference: "recovery", the published form (A.1, A.3): around z_{t+1} / a, energy sharpened by 1 / b_t^2, chain
            started at z_{t+1}; or "gaussian" (methods 2.4): the reverse step of the Gaussian chain in whitened
            coordinates, chain started from a draw of it.
        step_size: recovery: delta of A.3; gaussian: Langevin step as a share of the level's variance.
    """

    pull: Tensor
    variance: Tensor
    step: Tensor  # size of a Langevin step, in units of variance
    sharpness: Tensor
    input: Tensor  # scale of what the energy network sees
    start_pull: Tensor
    start_sd: Tensor
    weight: Tensor  # of the level in the objective

    def __init__(self, schedule: NoiseSchedule, reference: str, step_size: float) -> None:
        super().__init__()
        a, variance = schedule.a[1:], schedule.sigma[1:].square()
        inner = torch.ones_like(a)
        inner[-1] = 0.0  # the top level is a marginal: nothing above pulls on it
        one = torch.ones_like(a)
        if reference == "recovery":
            scale = torch.where(inner.bool(), a, one)
            step = schedule.sigma_total[:-1] / schedule.sigma_total[0] * step_size * variance
            tables = {
                "pull": inner / scale,
                "variance": variance / scale**2,
                "step": step / scale**2,
                "sharpness": 1 / step,
                "input": scale,
                "start_pull": 1 / scale,
                "start_sd": torch.zeros_like(a),
                "weight": schedule.sigma[1] / schedule.sigma[1:],
            }
        else:
            variance = torch.where(inner.bool(), variance, one)
            tables = {
                "pull": inner * a,
                "variance": variance,
                "step": step_size * variance,
                "sharpness": one,
                "input": one,
                "start_pull": inner * a,
                "start_sd": variance.sqrt(),
                "weight": one * schedule.levels,  # one level drawn of T stands for all of them
            }
        for name, table in tables.items():
            self.register_buffer(name, table.clone(), persistent=False)

    def start(self, z_next_BD: Tensor, level_B: Tensor, noise_BD: Tensor) -> Tensor:
        """Where the chain for z_t begins, given z_{t+1}."""
        return self.start_pull[level_B, None] * z_next_BD + self.start_sd[level_B, None] * noise_BD

    def log_reference(self, z_BD: Tensor, z_next_BD: Tensor, level_B: Tensor) -> Tensor:
        """log N(z_t; pull z_{t+1}, variance) without its constant, B."""
        gap_BD = z_BD - self.pull[level_B, None] * z_next_BD
        return -0.5 * (gap_BD.square() / self.variance[level_B, None]).sum(-1)
