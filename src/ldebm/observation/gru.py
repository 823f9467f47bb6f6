"""Running `nn.GRU` in the precision and along the path that a machine computes fastest; parameters stay in fp32."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from ldebm.observation.recurrence import Recurrence


def run_gru(
    gru: nn.GRU, packed: PackedSequence, hidden: Tensor | None, dtype: torch.dtype
) -> tuple[PackedSequence, Tensor]:
    """(outputs, last hidden states in fp32) of a one-layer `gru` on packed texts: padding is never read.

    On a CPU the recurrence is ours (see `recurrence`), elsewhere the library's own kernels run.
    """
    lowered = {name: weight.to(dtype) for name, weight in gru.named_parameters()}
    packed = packed._replace(data=packed.data.to(dtype))
    hidden = None if hidden is None else hidden.to(dtype)
    if packed.data.device.type == "cpu":
        outputs, last = _on_cpu(gru, lowered, packed, hidden)
    else:
        outputs, last = torch.func.functional_call(gru, lowered, (packed,) if hidden is None else (packed, hidden))
    return outputs, last.float()


def _on_cpu(
    gru: nn.GRU, weights: dict[str, Tensor], packed: PackedSequence, hidden: Tensor | None
) -> tuple[PackedSequence, Tensor]:
    sizes = packed.batch_sizes.tolist()
    states, lasts = [], []
    for direction, suffix in enumerate(("_l0", "_l0_reverse") if gru.bidirectional else ("_l0",)):
        inputs_N3H = F.linear(packed.data, weights[f"weight_ih{suffix}"], weights[f"bias_ih{suffix}"])
        if hidden is None:
            first_BH = packed.data.new_zeros(sizes[0], gru.hidden_size)
        else:
            first_BH = hidden[direction] if packed.sorted_indices is None else hidden[direction][packed.sorted_indices]
        state_NH, last_BH = Recurrence.apply(
            inputs_N3H, first_BH, weights[f"weight_hh{suffix}"], weights[f"bias_hh{suffix}"], sizes, direction == 1
        )
        states.append(state_NH)
        lasts.append(last_BH if packed.unsorted_indices is None else last_BH[packed.unsorted_indices])
    return packed._replace(data=torch.cat(states, -1)), torch.stack(lasts)


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
    sizes = packed.batch_sizes.to(packed.data.device)
    place = torch.arange(len(packed.data), device=packed.data.device)
    start = torch.cumsum(sizes, 0) - sizes
    rank = place - start.repeat_interleave(sizes)
    return rank if packed.sorted_indices is None else packed.sorted_indices[rank]
