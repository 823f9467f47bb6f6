"""The time-conditioned symbol-vector energy network of LDEBM (paper B.1), and its analytic gradient for the chains.

Legend: B rows, D latent dimensions, K symbols, T levels, W width, N residual blocks, C size of a context.
The network gives one number a symbol, f(z, t) in R^K; with the symbol summed out it tilts the latent by
F(z, t) = log mean_k exp f_k(z, t), and p(y | z) = softmax f(z, 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_SLOPE = 0.2


class SpectralLinear(nn.Module):
    """A linear layer (or a stack of them) whose weight is divided by its largest singular value.

    The estimate moves only in `advance`, once a training step: a chain never changes the energy it runs on.
    """

    u: Tensor

    def __init__(self, inputs: int, outputs: int, stack: tuple[int, ...] = ()) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.weight = nn.Parameter(torch.empty(*stack, outputs, inputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(*stack, outputs).uniform_(-bound, bound))
        self.register_buffer("u", F.normalize(torch.randn(*stack, outputs, 1), dim=-2))
        for _ in range(10):
            self.advance()

    @torch.no_grad()
    def advance(self) -> None:
        """One power iteration."""
        self.u.copy_(F.normalize(self.weight @ self._right(), dim=-2))

    def normalised(self) -> Tensor:
        """The weight over its spectral norm; differentiable in the weight."""
        return self.weight / (self.u.mT @ self.weight @ self._right())

    @torch.no_grad()
    def _right(self) -> Tensor:
        return F.normalize(self.weight.mT @ self.u, dim=-2)

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.normalised(), self.bias)


class SymbolEnergy(nn.Module):
    """f(z, t): two layers on z, two on a sinusoidal code of t, joined, N residual blocks, K heads. With a context c,
    f(z, t, c): two layers more.

    Args:
        context: C; 0 for a prior without one.
        learned_scale: multiply each level's output by exp of a learned number that starts at 1 (methods 2.5);
            spectral normalisation bounds the network's slope, and the tilt must be able to outgrow it.
    """

    code_TW: Tensor
    log_scale_T: Tensor

    def __init__(
        self, latent: int, symbols: int, levels: int, width: int, blocks: int, learned_scale: bool, context: int = 0
    ) -> None:
        super().__init__()
        self.z_in = SpectralLinear(latent, width)
        self.z_out = SpectralLinear(width, width)
        self.time_in = SpectralLinear(width, width)
        self.time_out = SpectralLinear(width, width)
        if context:
            self.context_in = SpectralLinear(context, width)
            self.context_out = SpectralLinear(width, width)
        self.join = SpectralLinear((3 if context else 2) * width, width)
        self.blocks = SpectralLinear(width, width, stack=(blocks,))
        self.head = SpectralLinear(width, symbols)
        self.register_buffer("code_TW", _sinusoids(levels, width), persistent=False)
        if learned_scale:
            self.log_scale_T = nn.Parameter(torch.ones(levels))
        else:
            self.register_buffer("log_scale_T", torch.zeros(levels), persistent=False)

    def advance(self) -> None:
        """One power iteration on every layer: once a training step."""
        for layer in self.children():
            assert isinstance(layer, SpectralLinear)
            layer.advance()

    def forward(self, z_BD: Tensor, level_B: Tensor, context_BC: Tensor | None = None) -> Tensor:
        """Symbol logits f(z, t) or, with a context, f(z, t, c): BK."""
        time_TW = self.time_out(F.leaky_relu(self.time_in(self.code_TW), _SLOPE))
        branches = [self.z_out(F.leaky_relu(self.z_in(z_BD), _SLOPE)), time_TW[level_B]]
        if context_BC is not None:
            branches.append(self.read(context_BC))
        x = self.join(F.leaky_relu(torch.cat(branches, -1), _SLOPE))
        for weight, bias in zip(self.blocks.normalised(), self.blocks.bias, strict=True):
            x = x + F.linear(F.leaky_relu(x, _SLOPE), weight, bias)
        logits_BK = self.head(F.leaky_relu(x, _SLOPE))
        return logits_BK * self.log_scale_T.exp()[level_B, None]

    def read(self, context_BC: Tensor) -> Tensor:
        """The branch of the context, BW."""
        read_BW: Tensor = self.context_out(F.leaky_relu(self.context_in(context_BC), _SLOPE))
        return read_BW


class FoldedEnergy:
    """The same function with everything that is constant along a chain worked out once: normalised weights and the
    time branch become plain matrices and one bias a level, the context (of each row of a chain) a bias a row, and the
    gradient in z is written out (methods 4.3).

    Products run in `dtype`; the residual stream and its gradient stay in the latent's own precision, because a
    bfloat16 stream is 9 % off after twelve blocks.
    """

    @torch.no_grad()
    def __init__(self, energy: SymbolEnergy, dtype: torch.dtype, context_BC: Tensor | None = None) -> None:
        width = energy.z_out.weight.shape[0]
        time_TW = energy.time_out(F.leaky_relu(energy.time_in(energy.code_TW), _SLOPE))
        join_z, join_t, *join_c = energy.join.normalised().split(width, dim=1)
        self.context_bias_BW = (
            None if context_BC is None else F.linear(F.leaky_relu(energy.read(context_BC), _SLOPE), *join_c)
        )
        self.dtype = dtype
        self.level_bias_TW = F.linear(F.leaky_relu(time_TW, _SLOPE), join_t, energy.join.bias)
        self.scale_T = energy.log_scale_T.detach().exp()
        self.w_in, self.b_in = energy.z_in.normalised().to(dtype), energy.z_in.bias.to(dtype)
        self.w_out, self.b_out = energy.z_out.normalised().to(dtype), energy.z_out.bias.to(dtype)
        self.w_join = join_z.to(dtype)
        self.w_blocks = list(energy.blocks.normalised().to(dtype))
        self.b_blocks = list(energy.blocks.bias.to(dtype))
        self.w_head, self.b_head = energy.head.normalised().to(dtype), energy.head.bias.to(dtype)

    @torch.no_grad()
    def tilt_and_grad(
        self,
        z_BD: Tensor,
        level_B: Tensor,
        symbol_B: Tensor | None = None,
        guidance: float = 1.0,
        row_B: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """F(z, t) and its gradient in z; rows with a symbol y >= 0 get F + guidance (f_y - F).

        Returns (B, BD) in the precision of `z_BD`.

        Args:
            row_B: the context that each row has; where none is given, row i has context i.
        """
        return self._value_and_grad(z_BD, level_B, lambda f_BK: tilt_and_weights(f_BK, symbol_B, guidance), row_B)

    @torch.no_grad()
    def guide_and_grad(self, z_BD: Tensor, level_B: Tensor, symbol_B: Tensor, guidance: float) -> tuple[Tensor, Tensor]:
        """guidance (f_y - F) alone, 0 for rows without a symbol, and its gradient in z."""
        return self._value_and_grad(z_BD, level_B, lambda f_BK: guide_and_weights(f_BK, symbol_B, guidance), None)

    def _value_and_grad(
        self, z_BD: Tensor, level_B: Tensor, of: Callable[[Tensor], tuple[Tensor, Tensor]], row_B: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """A function of the symbol logits, given with its derivative in them, and its gradient in z."""
        stream, dtype, backward = z_BD.dtype, self.dtype, torch.ops.aten.leaky_relu_backward
        pre_in = torch.addmm(self.b_in, z_BD.to(dtype), self.w_in.T)
        pre_out = torch.addmm(self.b_out, F.leaky_relu(pre_in, _SLOPE), self.w_out.T)
        x = (F.leaky_relu(pre_out, _SLOPE) @ self.w_join.T).to(stream) + self.level_bias_TW[level_B]
        if self.context_bias_BW is not None:
            x += self.context_bias_BW if row_B is None else self.context_bias_BW[row_B]
        before = []
        for weight, bias in zip(self.w_blocks, self.b_blocks, strict=True):
            before.append(x.to(dtype, copy=True))
            x += torch.addmm(bias, F.leaky_relu(before[-1], _SLOPE), weight.T)
        last = x.to(dtype)
        scale_B1 = self.scale_T[level_B, None]
        logits_BK = torch.addmm(self.b_head, F.leaky_relu(last, _SLOPE), self.w_head.T).to(stream) * scale_B1
        value_B, weight_BK = of(logits_BK)

        g = backward((weight_BK * scale_B1).to(dtype) @ self.w_head, last, _SLOPE, False).to(stream)
        for weight, pre in zip(reversed(self.w_blocks), reversed(before), strict=True):
            g += backward(g.to(dtype) @ weight, pre, _SLOPE, False)
        g_out = backward(g.to(dtype) @ self.w_join, pre_out, _SLOPE, False)
        g_in = backward(g_out @ self.w_out, pre_in, _SLOPE, False)
        return value_B, (g_in @ self.w_in).to(stream)


def tilt(logits_BK: Tensor) -> Tensor:
    """F = log mean_k exp f_k: zero where the network is."""
    return logits_BK.logsumexp(-1) - math.log(logits_BK.shape[-1])


def tilt_and_weights(logits_BK: Tensor, symbol_B: Tensor | None, guidance: float) -> tuple[Tensor, Tensor]:
    """The (guided) tilt and its derivative in the logits, BK."""
    tilt_B, weight_BK = tilt(logits_BK), logits_BK.softmax(-1)
    if symbol_B is None:
        return tilt_B, weight_BK
    guide_B, more_BK = guide_and_weights(logits_BK, symbol_B, guidance)
    return tilt_B + guide_B, weight_BK + more_BK


def guide_and_weights(logits_BK: Tensor, symbol_B: Tensor, guidance: float) -> tuple[Tensor, Tensor]:
    """guidance (f_y - F), which is guidance log p(y | z) up to a constant, and its derivative in the logits, BK; 0
    where there is no symbol."""
    index_B1 = symbol_B.clamp(min=0)[:, None]
    weight_B = guidance * (symbol_B >= 0).to(logits_BK.dtype)
    guide_B = weight_B * (logits_BK.gather(1, index_B1).squeeze(1) - tilt(logits_BK))
    one_hot = torch.zeros_like(logits_BK).scatter_(1, index_B1, 1.0)
    return guide_B, weight_B[:, None] * (one_hot - logits_BK.softmax(-1))


def _sinusoids(levels: int, width: int) -> Tensor:
    """The fixed code of the level, base 10,000."""
    rate = torch.exp(-math.log(10_000.0) * torch.arange(0, width, 2) / width)
    angle = torch.arange(levels)[:, None] * rate
    return torch.stack([angle.sin(), angle.cos()], -1).reshape(levels, -1)[:, :width]
