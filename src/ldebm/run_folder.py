"""Run folders: what `ldebm train` leaves behind and every other verb reads."""

from __future__ import annotations

from pathlib import Path

from ldebm.data.tokenizer import Tokenizer
from ldebm.errors import RunError
from ldebm.files import atomic_path
from ldebm.model import LDEBM, choose_device, choose_dtype
from ldebm.presets import config_from_yaml, config_to_yaml
from ldebm.weights import load_tensors, save_tensors

CONFIG, WEIGHTS, TOKENIZER, METRICS, CARD = (
    "config.yaml",
    "model.safetensors",
    "tokenizer.json",
    "metrics.jsonl",
    "README.md",
)


def write_model(model: LDEBM, folder: Path) -> None:
    """Configuration, tokenizer and weights, each written aside and renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / CONFIG) as path:
        path.write_text(config_to_yaml(model.config), encoding="utf-8")
    with atomic_path(folder / TOKENIZER) as path:
        model.tokenizer.save(path)
    with atomic_path(folder / WEIGHTS) as path:
        save_tensors(path, model.state_dict())


def read_model(folder: Path, device: str = "auto") -> LDEBM:
    """The model of a run folder, in evaluation mode. Raises RunError where the folder is not one or is damaged."""
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder; give the run folder that `ldebm train --out` wrote")
    config = config_from_yaml(folder / CONFIG)
    if not (folder / WEIGHTS).exists():
        raise RunError(f"{folder} holds no {WEIGHTS} yet: training has not finished its first epoch")
    model = LDEBM(config, Tokenizer.load(folder / TOKENIZER))
    load_state(model, folder / WEIGHTS)
    where = choose_device(device)
    model.set_compute_dtype(choose_dtype(config.training.precision, where))
    return model.to(where).eval()


def load_state(model: LDEBM, path: Path) -> None:
    """Load weights into `model`. Raises RunError where they do not fit."""
    try:
        model.load_state_dict(load_tensors(path))
    except RuntimeError as error:
        raise RunError(f"{path} does not fit the run's configuration: {str(error).splitlines()[-1].strip()}") from None
