"""Plain language models that the tables compare with, kept with the seconds that their training took."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch

from ldebm.data.batches import TokenizedCorpus
from ldebm.evaluation.language_model import LanguageModel, Recipe, fit
from ldebm.presets import DecoderConfig
from ldebm.run_folder import WEIGHTS
from ldebm.weights import kept_tensors

SECONDS = "train_seconds"
EPOCHS = 30


def trained(
    folder: Path,
    decoder: DecoderConfig,
    vocabulary: int,
    device: torch.device,
    corpora: Callable[[], tuple[TokenizedCorpus, TokenizedCorpus]],
    epochs: int = EPOCHS,
) -> tuple[LanguageModel, float]:
    """One LSTM layer with a decoder's embedding, width and dropout, and the seconds that its training took; read from
    `folder` where it has been trained, else trained on the first of the corpora and selected on the second."""
    torch.manual_seed(0)
    model = LanguageModel(vocabulary, decoder.hidden_size, decoder.dropout).to(device)

    def found() -> dict[str, torch.Tensor]:
        started = time.monotonic()
        fit(model, *corpora(), Recipe(epochs=epochs), 0)
        return model.state_dict() | {SECONDS: torch.tensor(time.monotonic() - started)}

    kept = kept_tensors(folder / WEIGHTS, found)
    seconds = float(kept.pop(SECONDS))
    model.load_state_dict(kept)
    return model.eval(), seconds
