"""Dropout from random bytes: on a CPU the library draws one number an element, which costs more than the GRU's own
elementwise work. The rate is rounded to a 256th and scaled exactly, so the expectation is kept."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ByteDropout(nn.Module):
    """Zero a share `p` of the elements in training, scale the others by 1 / (1 - p)."""

    def __init__(self, p: float) -> None:
        super().__init__()
        self.threshold = round(256 * p)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.threshold == 0:
            return x
        # From -2^63 without an upper end means all 64 bits: eight elements a draw.
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64, device=x.device).random_(-(2**63), None)
        kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= self.threshold
        return x * (kept.to(x.dtype) * (256 / (256 - self.threshold)))
