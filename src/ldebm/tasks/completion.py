"""Completion: a text with words missing, its latent inferred from those that are there, several fillings ranked.

Gibbs steps towards p(z, missing words | visible words): Langevin moves on log p(x | z) + log p(z) with the words filled
in, then the words drawn anew given z, among the fillings that a beam search finds. Legend: B rows (one a chain of a
text), S chains, W beams, N fillings, L tokens, D latent dimensions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ldebm.data.batches import TextBatch
from ldebm.data.tokenizer import BOS, EOS, PAD, UNK, Tokenizer
from ldebm.errors import UserError, shorten
from ldebm.model import LDEBM
from ldebm.noise import Noise
from ldebm.observation import SequenceDecoder

BLANK = re.compile(r"_{2,}")
CHAINS, ROUNDS, STEPS = 8, 4, 8  # chains of a text; rounds of Langevin steps and new words
_STEP = 0.1  # of the Langevin moves, in variances of the posterior
BEAMS = 16  # of a chain
KEPT = 32  # fillings that are ranked: every one is scored with every chain's latent


@dataclass(frozen=True)
class Completion:
    """A filled text, the words that were filled in, and its share of the probability of all fillings considered."""

    text: str
    words: tuple[str, ...]
    probability: float


def complete(model: LDEBM, text: str, n: int = 5, seed: int = 0, rounds: int = ROUNDS) -> list[Completion]:
    """The `n` most probable fillings of `text`, each `___` a word, the most probable first.

    Args:
        rounds: 0 fills from the posterior of the visible words as the encoder infers it.

    Raises UserError where the text has no blank or is too long, and for a tokenizer that cuts words into pieces.
    """
    if model.tokenizer.kind == "bpe":
        raise UserError(
            "this run's tokenizer cuts words into pieces, a blank is a whole word: train with data.tokenizer=word"
        )
    ids = with_blanks(text, model.tokenizer)
    if PAD not in ids:
        raise UserError(
            f"there is no blank in '{shorten(text)}': write ___ (two underscores or more) for each missing word"
        )
    if len(ids) > model.config.data.max_length:
        raise UserError(
            f"'{shorten(text)}' has {len(ids) - 2} words, and this run reads at most {model.config.data.max_length - 2}"
        )
    [(filled_NL, z_SD)] = fillings(model, [ids], seed, rounds)
    probability_N = shares(model, z_SD, filled_NL).exp()
    blanks = [place for place, token in enumerate(ids) if token == PAD]
    found = []
    for row in probability_N.argsort(descending=True)[:n].tolist():
        words = tuple(model.tokenizer.decode([int(filled_NL[row, place])]) for place in blanks)
        between = BLANK.split(text)
        filled = "".join(part + word for part, word in zip(between, [*words, ""], strict=True))
        found.append(Completion(filled, words, float(probability_N[row])))
    return found


def with_blanks(text: str, tokenizer: Tokenizer) -> list[int]:
    """The ids of a text, PAD for each blank."""
    ids = [BOS]
    for place, part in enumerate(BLANK.split(text)):
        ids += [PAD] * (place > 0) + tokenizer.encode([part], 10**6)[0][1:-1]
    return [*ids, EOS]


def fillings(
    model: LDEBM, texts: Sequence[Sequence[int]], seed: int = 0, rounds: int = ROUNDS
) -> list[tuple[Tensor, Tensor]]:
    """Of each text, as ids with blanks: the best distinct fillings [N, L] that its chains found, never with the unknown
    word, and the chains' latents [S, D].

    Raises UserError for a model of bags of words.
    """
    if not isinstance(model.decoder, SequenceDecoder):
        raise UserError("this run writes bags of words, in which a blank has no place: train with observation=sequence")
    generator = torch.Generator(model.device).manual_seed(seed)
    batch = padded([ids for ids in texts for _ in range(CHAINS)], model.device)
    row_B = torch.arange(len(batch), device=model.device)
    noise = Noise(generator, total=len(batch))
    with model.evaluating(torch.float32), torch.no_grad():
        posterior = model.encoder.encode(batch)
    z_BD = posterior.sample(noise.normal(*posterior.mean_BD.shape, device=model.device))
    variance_BD = posterior.log_variance_BD.exp()
    with model.evaluating():  # the search in the machine's precision; `shares` ranks what it finds in fp32
        found_BWL, score_BW = model.decoder.fill(z_BD, batch, BEAMS, (UNK,))
        for _ in range(rounds):
            chosen_B = torch.multinomial(score_BW.softmax(-1), 1, generator=generator).squeeze(1)
            whole = TextBatch(batch.symbols_B, batch.index_B, found_BWL[row_B, chosen_B], batch.lengths_B)
            z_BD = _refine(model, z_BD, whole, variance_BD, noise)
            found_BWL, score_BW = model.decoder.fill(z_BD, batch, BEAMS, (UNK,))
    chains = (slice(start, start + CHAINS) for start in range(0, len(batch), CHAINS))
    return [
        (distinct(found_BWL[part], score_BW[part], len(ids)), z_BD[part])
        for part, ids in zip(chains, texts, strict=True)
    ]


@torch.no_grad()
def shares(model: LDEBM, z_SD: Tensor, filled_NL: Tensor) -> Tensor:
    """log of each filling's share of the probability of all these fillings, N.

    With z_s from p(z | visible words), p(missing | visible) is the mean over chains of p(x | z_s) / p(visible | z_s):
    each chain's shares are taken first, then their mean.
    """
    with model.evaluating(torch.float32):
        batch = padded(filled_NL.tolist(), z_SD.device)
        each_SN = torch.stack([model.decoder.log_likelihood(z_D.expand(len(batch), -1), batch) for z_D in z_SD])
    return each_SN.log_softmax(-1).logsumexp(0) - math.log(len(z_SD))


def distinct(found_BWL: Tensor, score_BW: Tensor, length: int) -> Tensor:
    """The different fillings [N, L] that have a probability, at most those of the KEPT highest scores of any row."""
    possible_M = score_BW.flatten().isfinite()
    score_M = score_BW.flatten()[possible_M]
    filled_NL, place_M = found_BWL.flatten(0, 1)[possible_M, :length].unique(dim=0, return_inverse=True)
    best_N = score_M.new_full((len(filled_NL),), -math.inf).scatter_reduce(0, place_M, score_M, "amax")
    kept_N = best_N.topk(min(KEPT, len(best_N))).indices.sort().values
    return filled_NL[kept_N]


def _refine(model: LDEBM, z_BD: Tensor, batch: TextBatch, variance_BD: Tensor, noise: Noise) -> Tensor:
    """Langevin steps on log p(x | z) + log p(z), preconditioned by the posterior's variance."""
    for _ in range(STEPS):
        with torch.enable_grad():
            z_BD = z_BD.detach().requires_grad_()
            (by_words_BD,) = torch.autograd.grad(model.decoder.log_likelihood(z_BD, batch).sum(), z_BD)
        slope_BD = by_words_BD + model.prior.score(z_BD, noise)
        step_BD = _STEP * variance_BD
        z_BD = z_BD.detach() + step_BD / 2 * slope_BD + step_BD.sqrt() * noise.normal(*z_BD.shape, device=z_BD.device)
    return z_BD


def padded(rows: Sequence[Sequence[int]], device: torch.device) -> TextBatch:
    """Rows of ids as a batch. Between a row's marks PAD is a blank, behind its length nothing."""
    tokens = [torch.tensor(list(row), device=device) for row in rows]
    return TextBatch(
        tokens_BL=nn.utils.rnn.pad_sequence(tokens, batch_first=True, padding_value=PAD),
        lengths_B=torch.tensor([len(row) for row in rows], device=device),
        symbols_B=torch.full((len(rows),), -1, device=device),
        index_B=torch.arange(len(rows), device=device),
    )
