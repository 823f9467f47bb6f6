"""Cross-entropy of a tied softmax without the passes over the logits that a chain of library calls makes.

Legend: N tokens, H hidden units, V vocabulary.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class LinearCrossEntropy(torch.autograd.Function):
    """-log softmax(hidden @ table^T)[target] of every token, N, in fp32.

    Only the probabilities are kept, in the products' precision, and turned into the gradient in place.
    """

    @staticmethod
    def forward(ctx: Any, hidden_NH: Tensor, table_VH: Tensor, target_N: Tensor) -> Tensor:
        p_NV = torch.softmax(hidden_NH @ table_VH.T, -1)
        ctx.save_for_backward(hidden_NH, table_VH, target_N, p_NV)
        chosen_N = p_NV.gather(1, target_N[:, None]).squeeze(1).float()
        return -chosen_N.clamp_min(torch.finfo(torch.float32).tiny).log()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        hidden_NH, table_VH, target_N, p_NV = ctx.saved_tensors
        grad_N = grads[0].to(p_NV.dtype)
        by_logits_NV = p_NV.mul_(grad_N[:, None])
        place_N = torch.arange(len(target_N), device=target_N.device) * p_NV.shape[1] + target_N
        by_logits_NV.view(-1).index_add_(0, place_N, grad_N, alpha=-1)
        return by_logits_NV @ table_VH, by_logits_NV.T @ hidden_NH, None
