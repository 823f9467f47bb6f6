"""Run folders: what `ldebm train` leaves behind and every other verb reads."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from ldebm.data.tokenizer import Tokenizer
from ldebm.devices import choose_device, choose_dtype
from ldebm.dialogue_model import DialogueModel
from ldebm.errors import RunError
from ldebm.files import atomic_path, write_atomically
from ldebm.hub import fetch, is_model_name
from ldebm.model import LDEBM
from ldebm.objective import LatentModel
from ldebm.point_model import PointModel
from ldebm.presets import config_from_yaml, config_to_yaml
from ldebm.weights import load_tensors, save_tensors

CONFIG, WEIGHTS, TOKENIZER, METRICS, BOARD, CARD = (
    "config.yaml",
    "model.safetensors",
    "tokenizer.json",
    "metrics.jsonl",
    "tensorboard",
    "README.md",
)

Model = TypeVar("Model", bound=LatentModel[Any])
_HOLDS: dict[str, tuple[str, type[LDEBM] | type[DialogueModel] | type[PointModel]]] = {
    "sequence": ("texts", LDEBM),
    "bag_of_words": ("texts", LDEBM),
    "dialogue": ("dialogues", DialogueModel),
    "points": ("points", PointModel),
}


def write_model(model: LatentModel[Any], folder: Path) -> None:
    """Configuration, weights and, for texts, tokenizer, each written aside and renamed."""
    folder.mkdir(parents=True, exist_ok=True)
    ours = (folder / CONFIG).exists() or not (folder / CARD).exists()  # a README of somebody's own is left alone
    with atomic_path(folder / CONFIG) as path:
        path.write_text(config_to_yaml(model.config), encoding="utf-8")
    if isinstance(model, LDEBM | DialogueModel):
        with atomic_path(folder / TOKENIZER) as path:
            model.tokenizer.save(path)
    with atomic_path(folder / WEIGHTS) as path:
        save_tensors(path, model.state_dict())
    if model.card is not None and ours:
        write_atomically(folder / CARD, model.card)


def located(folder: Path) -> Path:
    """The folder itself, or that of the hub's cache where it names a model there. Raises RunError."""
    return fetch(str(folder)) if not folder.is_dir() and is_model_name(folder) else folder


def read_model(kind: type[Model], folder: Path, device: str = "auto") -> Model:
    """The model of a run folder, in evaluation mode.

    Raises RunError where the folder is not one, is damaged, or holds a model of another kind.
    """
    folder = located(folder)
    if not folder.is_dir():
        raise RunError(f"{folder} is not a folder; give the run folder that `ldebm train --out` wrote")
    config = config_from_yaml(folder / CONFIG)
    if not (folder / WEIGHTS).exists():
        raise RunError(f"{folder} holds no {WEIGHTS} yet: training has not finished its first epoch")
    what, held = _HOLDS[config.model.observation]
    if not issubclass(held, kind):
        verbs = " (the commands for it: ldebm respond, discover, evaluate and report)" if held is DialogueModel else ""
        raise RunError(
            f"{folder} holds a model of {what}, not one that {kind.__name__} reads; use {held.__name__}{verbs}"
        )
    model: LatentModel[Any]
    model = PointModel(config) if issubclass(held, PointModel) else held(config, Tokenizer.load(folder / TOKENIZER))
    load_state(model, folder / WEIGHTS)
    model.card = (folder / CARD).read_text(encoding="utf-8") if (folder / CARD).exists() else None
    where = choose_device(device)
    model.set_compute_dtype(choose_dtype(config.training.precision, where))
    return model.to(where).eval()  # type: ignore[return-value]  # of the kind that was asked for, as checked


def load_state(model: LatentModel[Any], path: Path) -> None:
    """Load weights into `model`. Raises RunError where they do not fit."""
    try:
        model.load_state_dict(load_tensors(path))
    except RuntimeError as error:
        raise RunError(f"{path} does not fit the run's configuration: {str(error).splitlines()[-1].strip()}") from None
