"""The recurrence of a GRU over packed texts, with its gradient written out: the way taken on a CPU.

Autograd through `nn.GRU` on a CPU makes one weight gradient a time step and adds them up in the product's precision;
here they are one product over all tokens. Tested equal to `nn.GRU`.

Legend: B texts in order of falling length, N tokens of all texts laid out step by step, H hidden units.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


class Recurrence(torch.autograd.Function):
    """h_t = (1 - u) n + u h_{t-1} with the reset gate r, update gate u and candidate n of `torch.nn.GRU`."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs_N3H: Tensor,
        first_BH: Tensor,
        weight_3HH: Tensor,
        bias_3H: Tensor,
        sizes: list[int],
        back: bool,
    ) -> tuple[Tensor, Tensor]:
        """(all states NH, the last state of each text BH).

        Args:
            inputs_N3H: the inputs' part of the gates.
            sizes: texts that are still going at each step.
            back: read the texts from their ends.
        """
        size = first_BH.shape[1]
        state_BH = first_BH.clone()
        before_NH, states_NH = (inputs_N3H.new_empty(len(inputs_N3H), size) for _ in range(2))
        gates_N2H = inputs_N3H.new_empty(len(inputs_N3H), 2 * size)
        candidate_NH, recurrent_NH = (inputs_N3H.new_empty(len(inputs_N3H), size) for _ in range(2))
        for rows, count in _steps(sizes, back):
            before = before_NH[rows].copy_(state_BH[:count])
            hidden = torch.addmm(bias_3H, before, weight_3HH.T)
            gates = torch.add(inputs_N3H[rows, : 2 * size], hidden[:, : 2 * size], out=gates_N2H[rows]).sigmoid_()
            recurrent = recurrent_NH[rows].copy_(hidden[:, 2 * size :])
            candidate = torch.addcmul(inputs_N3H[rows, 2 * size :], gates[:, :size], recurrent, out=candidate_NH[rows])
            state = torch.lerp(candidate.tanh_(), before, gates[:, size:], out=states_NH[rows])
            state_BH[:count] = state
        ctx.save_for_backward(weight_3HH, before_NH, gates_N2H, candidate_NH, recurrent_NH)
        ctx.sizes, ctx.back = sizes, back
        ctx.set_materialize_grads(False)
        return states_NH, state_BH

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        by_states_NH, by_last_BH = grads
        weight_3HH, before_NH, gates_N2H, candidate_NH, recurrent_NH = ctx.saved_tensors
        size, most = weight_3HH.shape[1], ctx.sizes[0]
        by_state_BH = before_NH.new_zeros(most, size) if by_last_BH is None else by_last_BH.clone()
        by_inputs_N3H = before_NH.new_empty(len(before_NH), 3 * size)
        by_hidden_N3H = torch.empty_like(by_inputs_N3H)
        for rows, count in reversed(_steps(ctx.sizes, ctx.back)):
            grad = by_state_BH[:count] if by_states_NH is None else by_state_BH[:count] + by_states_NH[rows]
            gates, candidate = gates_N2H[rows], candidate_NH[rows]
            reset, update = gates[:, :size], gates[:, size:]
            by_before = grad * update
            by_candidate = torch.ops.aten.tanh_backward(grad - by_before, candidate)
            by_gates = torch.empty_like(gates)
            torch.mul(by_candidate, recurrent_NH[rows], out=by_gates[:, :size])
            torch.mul(grad, before_NH[rows] - candidate, out=by_gates[:, size:])
            by_gates = torch.ops.aten.sigmoid_backward(by_gates, gates)
            by_inputs_N3H[rows, : 2 * size] = by_gates
            by_inputs_N3H[rows, 2 * size :] = by_candidate
            by_hidden = by_hidden_N3H[rows]
            by_hidden[:, : 2 * size] = by_gates
            torch.mul(by_candidate, reset, out=by_hidden[:, 2 * size :])
            torch.addmm(by_before, by_hidden, weight_3HH, out=by_state_BH[:count])
        return by_inputs_N3H, by_state_BH, by_hidden_N3H.T @ before_NH, by_hidden_N3H.sum(0), None, None


def _steps(sizes: list[int], back: bool) -> list[tuple[slice, int]]:
    """For each step in the order of reading: its rows of the packed layout, and how many texts are still going."""
    steps, start = [], 0
    for count in sizes:
        steps.append((slice(start, start + count), count))
        start += count
    return steps[::-1] if back else steps
