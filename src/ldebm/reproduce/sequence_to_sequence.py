"""The row of the dialogue tables that has no latent: the context's encoder and the decoder of the other rows."""

from __future__ import annotations

import torch
from torch import Tensor

from ldebm.data.batches import DialogueBatch, TextBatch
from ldebm.dialogue_model import response_decoder
from ldebm.evaluation.language_model import WordModel
from ldebm.observation import ContextEncoder
from ldebm.observation.sequence import Mode
from ldebm.presets import Config


class SequenceToSequence(WordModel):
    """p(x | c): a response given what came before it."""

    def __init__(self, config: Config, vocabulary: int) -> None:
        super().__init__()
        self.context = ContextEncoder(config.model.context, vocabulary, len(config.data.speakers))
        self.decoder = response_decoder(config, vocabulary)

    def set_compute_dtype(self, dtype: torch.dtype) -> None:
        self.context.compute_dtype = self.decoder.compute_dtype = dtype

    def log_likelihood(self, batch: TextBatch, skip: int | None = None) -> Tensor:
        assert isinstance(batch, DialogueBatch) and skip is None
        return self.decoder.log_likelihood(self.context(batch), batch)

    @torch.no_grad()
    def respond(
        self, batch: DialogueBatch, mode: Mode, generator: torch.Generator, forbidden: tuple[int, ...]
    ) -> list[list[int]]:
        """A response to each context of the batch, as ids without the marks; `forbidden` ids are never written."""
        return self.decoder.decode(self.context(batch), mode, generator, forbidden=forbidden, context=batch)
