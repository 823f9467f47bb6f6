"""A quadratic energy for which everything about the diffusion prior is known, in one dimension a coordinate.

F(u, t) = b u - c u^2 / 2 at every level. Then p(u_t | u_{t+1}) is Gaussian with precision 1/s^2 + c. A context of one
number is added to b.
"""

import torch
from torch import nn


class QuadraticEnergy(nn.Module):
    """K equal heads, so that the log mean exp is F itself; the interface of SymbolEnergy."""

    def __init__(self, b: float, c: float, symbols: int) -> None:
        super().__init__()
        self.b = nn.Parameter(torch.tensor(b))
        self.c = nn.Parameter(torch.tensor(c))
        self.symbols = symbols

    def advance(self) -> None:
        pass

    def forward(self, u_BD, level_B, context_B1=None):
        del level_B
        slope = self.b if context_B1 is None else self.b + context_B1
        value_B = (slope * u_BD - 0.5 * self.c * u_BD.square()).sum(-1)
        return value_B[:, None].expand(-1, self.symbols)


class AutogradEnergy:
    """The plain way to what FoldedEnergy works out by hand."""

    def __init__(self, energy, dtype, context_BC=None) -> None:
        del dtype
        self.energy, self.context_BC = energy, context_BC

    def tilt_and_grad(self, u_BD, level_B, symbol_B=None, guidance=1.0, row_B=None):
        from ldebm.prior.energy import tilt_and_weights

        with torch.enable_grad():
            u_BD = u_BD.detach().requires_grad_()
            context_BC = self.context_BC if self.context_BC is None or row_B is None else self.context_BC[row_B]
            value_B = tilt_and_weights(self.energy(u_BD, level_B, context_BC), symbol_B, guidance)[0]
            (grad_BD,) = torch.autograd.grad(value_B.sum(), u_BD)
        return value_B.detach(), grad_BD


def expected_bound(schedule, b: float, c: float, u0: float) -> float:
    """E over the forward process from u0 of sum_t F(u_t) - log Z_t(u_{t+1}); the top level's reference is N(0, 1)."""
    total = 0.0
    for t in range(schedule.levels):
        mean, variance = float(schedule.a_total[t]) * u0, float(schedule.sigma_total[t]) ** 2
        total += b * mean - 0.5 * c * (mean**2 + variance)
        if t == schedule.levels - 1:
            total -= _log_z(b, c, 0.0, 0.0, 1.0)
        else:
            a, s2 = float(schedule.a[t + 1]), float(schedule.sigma[t + 1]) ** 2
            above = float(schedule.a_total[t + 1]) * u0
            total -= _log_z(b, c, a * above, a**2 * float(schedule.sigma_total[t + 1]) ** 2, s2)
    return total


def _log_z(b: float, c: float, m: float, m_variance: float, s2: float) -> float:
    """E over m of log integral N(x; m, s2) exp(b x - c x^2 / 2)."""
    import math

    d = 1 + c * s2
    return -0.5 * math.log(d) + (b * m + 0.5 * b**2 * s2 - 0.5 * c * (m**2 + m_variance)) / d


def sampled_moments(schedule, b: float, c: float) -> tuple[float, float]:
    """Mean and variance of u_0 under the model."""
    mean, variance = b / (1 + c), 1 / (1 + c)
    for t in reversed(range(schedule.levels - 1)):
        a, s2 = float(schedule.a[t + 1]), float(schedule.sigma[t + 1]) ** 2
        precision = 1 / s2 + c
        mean, variance = (a * mean / s2 + b) / precision, 1 / precision + (a / s2 / precision) ** 2 * variance
    return mean, variance
