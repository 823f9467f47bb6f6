"""LDEBM of responses: encoder, prior and decoder all know what came before.

Legend: B dialogues, R responses, D latent dimensions, C size of a context, K symbols.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ldebm.data.batches import DialogueBatch, TokenizedDialogues, in_order
from ldebm.data.dialogues import Dialogue, Turn, turns_of
from ldebm.data.tokenizer import Tokenizer
from ldebm.errors import UserError, shorten, suggest
from ldebm.model import never_written, rows_at_once
from ldebm.noise import Noise
from ldebm.objective import READ_ROWS, LatentModel
from ldebm.observation import ContextAttention, ContextEncoder, SequenceDecoder, SequenceEncoder
from ldebm.observation.sequence import Mode
from ldebm.posterior import Posterior
from ldebm.presets.config import Config

_RESPONSE = "?"  # stands where the response will


class DialogueModel(LatentModel[Sequence[Dialogue]]):
    """A generative model of the next turn. An example is a dialogue whose last turn is the response."""

    encoder: SequenceEncoder
    decoder: SequenceDecoder

    def __init__(self, config: Config, tokenizer: Tokenizer) -> None:
        model, vocabulary, size = config.model, len(tokenizer), config.model.context.hidden_size
        super().__init__(
            config,
            SequenceEncoder(model.encoder, vocabulary, model.latent_size, size),
            response_decoder(config, vocabulary, model.latent_size),
            size,
        )
        self.context = ContextEncoder(model.context, vocabulary, len(config.data.speakers))
        self.tokenizer = tokenizer

    def context_of(self, batch: DialogueBatch) -> Tensor:
        context_BC: Tensor = self.context(batch)
        return context_BC

    def heard(
        self, batch: DialogueBatch, context_BC: Tensor | None, noise: Noise
    ) -> tuple[DialogueBatch, Tensor | None]:
        """Some responses alone, as if nothing had been said before: what the latent has of them then, which the prior
        knows of the context, is what a symbol can ask for against the context."""
        share = self.config.model.context.alone
        if not (self.training and share):
            return batch, context_BC
        assert context_BC is not None
        alone_B = noise.uniform(len(batch), device=context_BC.device) < share
        nothing_BC = self.context_of(batch.alone(torch.ones_like(alone_B)))
        return batch.alone(alone_B), torch.where(alone_B[:, None], nothing_BC, context_BC)

    def infer(self, batch: DialogueBatch, context_BC: Tensor | None = None) -> Posterior:
        return self.encoder.encode(batch, context_BC)

    def log_likelihood(
        self, z_BD: Tensor, batch: DialogueBatch, noise: Noise | None = None, context_BC: Tensor | None = None
    ) -> Tensor:
        assert context_BC is not None
        return self.decoder.log_likelihood(torch.cat([z_BD, context_BC], -1), batch, noise)

    def set_compute_dtype(self, dtype: torch.dtype) -> None:
        super().set_compute_dtype(dtype)
        self.context.compute_dtype = dtype

    @torch.no_grad()
    def respond(
        self,
        contexts: Sequence[Sequence[Turn]],
        speakers: Sequence[str],
        symbol: int | None = None,
        mode: Mode = "greedy",
        temperature: float = 1.0,
        top_p: float = 1.0,
        beams: int = 5,
        guidance: float = 1.0,
        each: int = 1,
        seed: int = 0,
    ) -> list[str]:
        """A response to each context, said by the speaker: a latent from the prior given the context, then words.

        Args:
            contexts: previous turns, the oldest first; of many the last ones are read. None: the first turn of all.
            symbol, mode, temperature, top_p, beams, guidance: as for `LDEBM.generate`.
            each: responses to a context, which is read once; they stand together, each from a latent of its own.

        Raises UserError for an unknown symbol, for any of a prior that has learned none, for a speaker whom the run
        does not know, and for a `guidance` that is negative or not finite.
        """
        self.known_symbol(symbol)
        self.known_guidance(guidance)
        for speaker in set(speakers):
            known_speaker(speaker, self.config.data.speakers)
        generator = torch.Generator(self.device).manual_seed(seed)
        examples = [
            Dialogue((*context, Turn(speaker, _RESPONSE))) for context, speaker in zip(contexts, speakers, strict=True)
        ]
        responses = [""] * (each * len(examples))
        with self.evaluating():
            for index, batch in self.batches(examples, max(1, rows_at_once(READ_ROWS, mode, beams) // each)):
                rows_R = (each * index[:, None] + np.arange(each)).ravel()
                context_RC = self.context_of(batch).repeat_interleave(each, 0)
                steer_R = None if symbol is None else torch.full((len(rows_R),), symbol, device=self.device)
                z_RD = self.prior.sample(len(rows_R), steer_R, generator, guidance, context_nC=context_RC)
                how = {"temperature": temperature, "top_p": top_p, "beams": beams}
                for row, text in zip(rows_R, self._write(z_RD, context_RC, batch, mode, generator, **how), strict=True):
                    responses[row] = text
        return responses

    @torch.no_grad()
    def reconstruct(self, examples: Sequence[Dialogue], mode: Mode = "greedy", beams: int = 5) -> list[str]:
        """Each dialogue's last turn written again from its posterior mean, given the turns before it."""
        generator = torch.Generator(self.device).manual_seed(0)
        written = [""] * len(examples)
        with self.evaluating(torch.float32):
            for index, batch in self.batches(examples, rows_at_once(READ_ROWS, mode, beams)):
                context_BC = self.context_of(batch)
                z_BD = self.infer(batch, context_BC).mean_BD
                texts = self._write(z_BD, context_BC, batch, mode, generator, beams=beams)
                for row, text in zip(index, texts, strict=True):
                    written[row] = text
        return written

    def _write(
        self, z_RD: Tensor, context_RC: Tensor, batch: DialogueBatch, mode: Mode, generator: torch.Generator, **how: Any
    ) -> list[str]:
        seen_RE, forbidden = torch.cat([z_RD, context_RC], -1), never_written(self.tokenizer)
        rows = self.decoder.decode(seen_RE, mode, generator, forbidden=forbidden, context=batch, **how)
        return [self.tokenizer.decode(ids) for ids in rows]

    def batches(
        self, examples: Sequence[Dialogue], rows: int = READ_ROWS
    ) -> Iterator[tuple[np.ndarray, DialogueBatch]]:
        """Batches of the dialogues' last turns, `rows` at most, with the rows they come from. Raises UserError where
        one has no turn."""
        if not all(dialogue.turns for dialogue in examples):
            raise UserError("a dialogue without a turn has no response that could be read")
        kept = [Dialogue(dialogue.turns[-self.config.model.context.turns - 1 :]) for dialogue in examples]
        corpus = TokenizedDialogues.of_turns(turns_of(kept), self.tokenizer, self.config)
        last_N = np.cumsum([len(dialogue.turns) for dialogue in kept], dtype=np.int64) - 1
        for index in in_order(corpus.lengths_N[last_N], rows):
            yield index, corpus.batch(last_N[index]).to(self.device)


def response_decoder(config: Config, vocabulary: int, latent_size: int = 0) -> SequenceDecoder:
    """p(x | z, c): of the latent, the context's vector, and the words of the context."""
    model, data = config.model, config.data
    attention = ContextAttention(model.decoder.hidden_size, len(data.speakers), model.context.turns)
    seen = latent_size + model.context.hidden_size
    return SequenceDecoder(model.decoder, vocabulary, seen, data.max_length, attention)


def known_speaker(speaker: str, speakers: Sequence[str]) -> str:
    """The speaker, if it is one of the run's. Raises UserError."""
    if speaker not in speakers:
        known = shorten(", ".join(speakers), 200)
        raise UserError(f"unknown speaker {shorten(speaker)!r}; the run's are {known}.{suggest(speaker, speakers)}")
    return speaker
