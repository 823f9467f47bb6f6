"""Plain language models that the tables compare with, kept with the seconds that their training took."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch

from ldebm.data.batches import TokenizedCorpus
from ldebm.evaluation.language_model import LanguageModel, Recipe, fit
from ldebm.files import atomic_path
from ldebm.presets import DecoderConfig
from ldebm.run_folder import WEIGHTS
from ldebm.weights import load_tensors, save_tensors

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
    if (folder / WEIGHTS).exists():
        kept = load_tensors(folder / WEIGHTS)
        seconds = float(kept.pop(SECONDS))
        model.load_state_dict(kept)
        return model.eval(), seconds
    training, validation = corpora()
    started = time.monotonic()
    fit(model, training, validation, Recipe(epochs=epochs), 0)
    seconds = time.monotonic() - started
    with atomic_path(folder / WEIGHTS) as path:
        save_tensors(path, model.state_dict() | {SECONDS: torch.tensor(seconds)})
    return model.eval(), seconds
