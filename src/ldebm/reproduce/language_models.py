"""Plain language models that the tables compare with, kept with the seconds that their training took."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import torch

from ldebm.data.batches import TokenizedCorpus
from ldebm.evaluation.language_model import LanguageModel, Recipe, WordModel, fit
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
    """One LSTM layer with a decoder's embedding, width and dropout, and the seconds that its training took."""
    torch.manual_seed(0)
    model = LanguageModel(vocabulary, decoder.hidden_size, decoder.dropout).to(device)
    return model, trained_once(folder, model, corpora, Recipe(epochs=epochs))


def trained_once(
    folder: Path,
    model: WordModel,
    corpora: Callable[[], tuple[TokenizedCorpus, TokenizedCorpus]],
    recipe: Recipe,
    seed: int = 0,
) -> float:
    """Give `model` the weights that lie in `folder`, else train it on the first of the corpora, select on the second
    and keep it there. Returns the seconds that its training took."""

    def found() -> dict[str, torch.Tensor]:
        started = time.monotonic()
        fit(model, *corpora(), recipe, seed)
        return model.state_dict() | {SECONDS: torch.tensor(time.monotonic() - started)}

    kept = kept_tensors(folder / WEIGHTS, found)
    seconds = float(kept.pop(SECONDS))
    model.load_state_dict(kept)
    model.eval()
    return seconds
