"""Checkpoints: a folder a checkpoint, complete or absent, safetensors and JSON only."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ldebm.errors import RunError
from ldebm.files import atomic_path
from ldebm.weights import load_tensors, save_tensors

_TENSORS, _STATE = "tensors.safetensors", "state.json"
_KEPT = 2


def write_checkpoint(folder: Path, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any]) -> Path:
    """Write `folder/step-N`, N the number `step`, then drop all but the newest two. The rename makes it exist."""
    target = folder / f"step-{numbers['step']:09d}"
    text = json.dumps(numbers)
    with atomic_path(target) as path:
        path.mkdir()
        # The numbers are under the tensors' digest as well: a flipped digit must not resume somewhere else.
        save_tensors(path / _TENSORS, {**tensors, _STATE: torch.tensor(list(text.encode()), dtype=torch.uint8)})
        (path / _STATE).write_text(text, encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)  # the same step, saved again
    for old in _complete(folder)[:-_KEPT]:
        shutil.rmtree(old)
    return target


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint, None where there is none; what a killed write left behind is removed."""
    if not folder.is_dir():
        return None
    for stale in folder.glob(".step-*"):
        shutil.rmtree(stale, ignore_errors=True)
    found = _complete(folder)
    return found[-1] if found else None


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors, numbers) of a checkpoint. Raises RunError where it is damaged."""
    try:
        tensors = load_tensors(path / _TENSORS)
        text = (path / _STATE).read_bytes()
    except (RunError, OSError) as error:
        raise RunError(f"{error}; {_remedy(path)}") from None
    if tensors.pop(_STATE, torch.empty(0)).tolist() != list(text):
        raise RunError(f"{path / _STATE} is damaged: it is not what was written with the tensors; {_remedy(path)}")
    return tensors, json.loads(text)


def _remedy(path: Path) -> str:
    return f"remove the folder {path.name} to resume from the checkpoint before it"


def _complete(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*") if path.is_dir())
