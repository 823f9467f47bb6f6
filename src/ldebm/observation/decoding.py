"""Turning a step-by-step decoder into texts: greedy, sampled and beam search, batched, ending when all rows have ended.

Legend: B texts, V vocabulary, W beams.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ldebm.data.tokenizer import BOS, EOS, PAD
from ldebm.observation.attention import Memory


@dataclass(frozen=True)
class DecoderState:
    """What one step hands to the next, a row a text; `latent` and, in a dialogue, `memory` are constant along the
    text."""

    hidden: Tensor
    latent: Tensor
    memory: Memory | None = None

    def rows(self, index: Tensor) -> DecoderState:
        memory = None if self.memory is None else self.memory.rows(index)
        return DecoderState(self.hidden[index], self.latent[index], memory)


# (last token of each row, state) -> (log-odds of the next token, a fresh BV that may be written to; state)
Step = Callable[[Tensor, DecoderState], tuple[Tensor, DecoderState]]
# log-odds BV -> chosen token B
Choice = Callable[[Tensor], Tensor]


def most_probable(logits_BV: Tensor) -> Tensor:
    """Greedy choice."""
    return logits_BV.argmax(-1)


def sampled(generator: torch.Generator | None, temperature: float, top_p: float) -> Choice:
    """Sampling at a temperature from the smallest set of tokens that holds `top_p` of the probability."""

    def choose(logits_BV: Tensor) -> Tensor:
        p_BV = (logits_BV.float() / temperature).softmax(-1)
        if top_p == 1.0:
            return _drawn(p_BV, generator)
        p_BV, order_BV = p_BV.sort(-1, descending=True)
        before_BV = p_BV.cumsum(-1) - p_BV  # the first token is always kept
        chosen_B = _drawn(torch.where(before_BV < top_p, p_BV, 0.0), generator)
        return order_BV.gather(1, chosen_B[:, None]).squeeze(1)

    return choose


def _drawn(p_BV: Tensor, generator: torch.Generator | None) -> Tensor:
    """An id of each row with its share of the row's sum. One number a row: torch.multinomial draws one an id, which
    takes four times as long."""
    edges_BV = p_BV.cumsum(-1)
    total_B1 = edges_BV[:, -1:]
    place_B1 = total_B1 * torch.rand(total_B1.shape, generator=generator, device=p_BV.device)
    below_B1 = torch.nextafter(total_B1, torch.zeros_like(total_B1))  # the product may round up to the whole
    return torch.searchsorted(edges_BV, torch.minimum(place_B1, below_B1), right=True).squeeze(1)


@torch.no_grad()
def write(
    step: Step, state: DecoderState, max_length: int, choose: Choice, forbidden: Sequence[int]
) -> list[list[int]]:
    """Write one text a row, token by token; ids without the marks.

    Args:
        max_length: most ids of a text, begin and end marks counted.
        forbidden: ids that are never chosen, besides padding and the begin mark.
    """
    rows, device = state.hidden.shape[0], state.hidden.device
    tokens_BL = torch.full((rows, max_length), PAD, dtype=torch.long, device=device)
    row_B = torch.arange(rows, device=device)  # rows of tokens_BL that the state stands for
    last_B = torch.full((rows,), BOS, dtype=torch.long, device=device)
    barred = torch.tensor([PAD, BOS, *forbidden], device=device)
    for position in range(max_length - 2):
        logits_BV, state = step(last_B, state)
        last_B = choose(logits_BV.index_fill_(1, barred, -math.inf))
        open_B = last_B != EOS
        tokens_BL[row_B[open_B], position] = last_B[open_B]
        if not bool(open_B.all()):  # finished rows leave the batch: texts differ in length by a factor of ten
            kept = open_B.nonzero().squeeze(1)
            if len(kept) == 0:
                break
            row_B, last_B, state = row_B[kept], last_B[kept], state.rows(kept)
    return _without_padding(tokens_BL)


@torch.no_grad()
def search(step: Step, state: DecoderState, max_length: int, beams: int, forbidden: Sequence[int]) -> list[list[int]]:
    """The most probable text of each row that beam search finds; no length normalisation, p(x | z) is the score."""
    rows, device = state.hidden.shape[0], state.hidden.device
    barred = torch.tensor([PAD, BOS, *forbidden], device=device)
    state = state.rows(torch.arange(rows, device=device).repeat_interleave(beams))
    last = torch.full((rows * beams,), BOS, dtype=torch.long, device=device)
    tokens_NL = torch.full((rows * beams, max_length), PAD, dtype=torch.long, device=device)
    score_BW = torch.full((rows, beams), -math.inf, device=device)
    score_BW[:, 0] = 0.0  # the beams of a row start equal: only one may be extended
    first_N = torch.arange(rows, device=device).repeat_interleave(beams) * beams
    for position in range(max_length - 1):
        logits_NV, state = step(last, state)
        log_p_NV = logits_NV.float().index_fill(1, barred, -math.inf).log_softmax(-1)
        ended_N = (last == EOS) | (last == PAD)
        log_p_NV[ended_N] = -math.inf
        log_p_NV[ended_N, PAD] = 0.0  # an ended beam stays as it is
        if position == max_length - 2:  # no room for another word
            log_p_NV[~ended_N, :EOS] = -math.inf
            log_p_NV[~ended_N, EOS + 1 :] = -math.inf
        vocabulary = log_p_NV.shape[1]
        total_BN = (score_BW[:, :, None] + log_p_NV.view(rows, beams, -1)).view(rows, -1)
        score_BW, choice_BW = total_BN.topk(beams)
        parent_N = (choice_BW // vocabulary).view(-1) + first_N
        last = (choice_BW % vocabulary).view(-1)
        state, tokens_NL = state.rows(parent_N), tokens_NL[parent_N]
        tokens_NL[:, position] = torch.where(last == EOS, PAD, last)
        best_N = score_BW.argmax(-1) + torch.arange(rows, device=device) * beams
        if bool(((last == EOS) | (last == PAD))[best_N].all()):
            break  # scores only fall: no open beam can overtake a best one that has ended
    return _without_padding(tokens_NL[best_N])


@torch.no_grad()
def fill(
    step: Step, state: DecoderState, tokens_BL: Tensor, lengths_B: Tensor, beams: int, forbidden: Sequence[int]
) -> tuple[Tensor, Tensor]:
    """The most probable texts that hold the given tokens and fill the blanks, by beam search: a given token scores, a
    blank branches. Returns (tokens [B, W, L], log p in nats [B, W]), the most probable first; where fewer than W texts
    are possible the others score minus infinity.

    Args:
        tokens_BL: ids with both marks; PAD between them stands for a word that is to be filled in.
        forbidden: ids that are never filled in, besides the marks.
    """
    rows, length = tokens_BL.shape
    device = tokens_BL.device
    hidden_BWH = state.hidden[:, None].repeat(1, beams, 1)
    filled_BWL = tokens_BL[:, None].repeat(1, beams, 1)
    score_BW = torch.full((rows, beams), -math.inf, device=device)
    score_BW[:, 0] = 0.0
    opened_B = torch.zeros(rows, dtype=torch.bool, device=device)
    first_W = torch.arange(beams, device=device) == 0
    barred = torch.tensor([PAD, BOS, EOS, *forbidden], device=device)
    for place in range(1, length):
        inside_B = place < lengths_B
        blank_B = inside_B & (tokens_BL[:, place] == PAD)
        # Until its first blank a row is one beam, and behind its end none.
        row_N, beam_N = (inside_B[:, None] & (opened_B[:, None] | first_W)).nonzero(as_tuple=True)
        before = DecoderState(hidden_BWH[row_N, beam_N], state.latent[row_N])
        logits_NV, after = step(filled_BWL[row_N, beam_N, place - 1], before)
        hidden_BWH[row_N, beam_N] = after.hidden
        free_N = blank_B[row_N]
        given = row_N[~free_N], beam_N[~free_N]
        given_NV = logits_NV[~free_N].float()
        chosen_N1 = given_NV.gather(1, filled_BWL[(*given, place)][:, None])
        score_BW[given] += chosen_N1.squeeze(1) - given_NV.logsumexp(-1)
        if not bool(blank_B.any()):
            continue
        blank = row_N[free_N], beam_N[free_N]
        log_p_NV = logits_NV[free_N].float().log_softmax(-1).index_fill_(1, barred, -math.inf)
        words = log_p_NV.shape[1]
        total_BWV = log_p_NV.new_full((int(blank_B.sum()), beams, words), -math.inf)
        total_BWV[blank_B.cumsum(0)[blank[0]] - 1, blank[1]] = score_BW[blank][:, None] + log_p_NV
        score_BW[blank_B], choice_BW = total_BWV.flatten(1).topk(beams)
        parent_BW = choice_BW // words
        kept_BWL = filled_BWL[blank_B].gather(1, parent_BW[:, :, None].expand(-1, -1, length))
        kept_BWL[:, :, place] = choice_BW % words
        filled_BWL[blank_B] = kept_BWL
        hidden_BWH[blank_B] = hidden_BWH[blank_B].gather(1, parent_BW[:, :, None].expand(-1, -1, hidden_BWH.shape[2]))
        opened_B |= blank_B
    order_BW = score_BW.argsort(1, descending=True)
    return filled_BWL.gather(1, order_BW[:, :, None].expand(-1, -1, length)), score_BW.gather(1, order_BW)


def _without_padding(tokens_BL: Tensor) -> list[list[int]]:
    return [[token for token in row if token != PAD] for row in tokens_BL.tolist()]
