"""Running `nn.GRU` in the precision that a machine computes fastest, with the parameters kept in fp32."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence



def run_gru(
    gru: nn.GRU, packed: PackedSequence, hidden: Tensor | None, dtype: torch.dtype
) -> tuple[PackedSequence, Tensor]:
    """(outputs, last hidden states in fp32) of `gru` on packed texts; packing means that padding is never read."""
    packed = packed._replace(data=packed.data.to(dtype))
    arguments = (packed,) if hidden is None else (packed, hidden.to(dtype))
    if dtype is torch.float32:
        outputs, last = gru(*arguments)
    else:
        lowered = {name: weight.to(dtype) for name, weight in gru.named_parameters()}
        outputs, last = torch.func.functional_call(gru, lowered, arguments)
    return outputs, last.float()


def fastest_dtype(device: torch.device) -> torch.dtype:
    """bfloat16 where the hardware multiplies it natively, else float32."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    if device.type == "cpu":
        able = torch.cpu.get_capabilities()
        return torch.bfloat16 if able.get("avx512_bf16") or able.get("amx_bf16") else torch.float32
    return torch.float32


def rows_of(packed: PackedSequence) -> Tensor:
    """For every packed token the row of the batch that it belongs to."""
    order = packed.sorted_indices
    sizes = packed.batch_sizes.to(packed.data.device)
    place = torch.arange(len(packed.data), device=packed.data.device)
    start = torch.cumsum(sizes, 0) - sizes
    rank = place - start.repeat_interleave(sizes)
    return rank if order is None else order[rank]


