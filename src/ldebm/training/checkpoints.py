"""Checkpoints: a folder a checkpoint, complete or absent, safetensors and JSON only."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ldebm.errors import RunError
from ldebm.files import atomic_path
from ldebm.weights import load_tensors, save_tensors

_TENSORS, _STATE = "tensors.safetensors", "state.json"
_KEPT = 2


def write_checkpoint(folder: Path, step: int, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> Path:
    """Write `folder/step-N`, then drop all but the newest two. The rename is what makes it exist."""
    target = folder / f"step-{step:09d}"
    if target.exists():  # the same step, saved again: what is there is whole
        return target
    with atomic_path(target) as path:
        path.mkdir()
        save_tensors(path / _TENSORS, tensors)
        (path / _STATE).write_text(json.dumps({"step": step, **state}), encoding="utf-8")
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
    """(tensors, state) of a checkpoint. Raises RunError where it is damaged."""
    try:
        state = json.loads((path / _STATE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path / _STATE} cannot be read ({error}); {_remedy(path)}") from None
    try:
        return load_tensors(path / _TENSORS), state
    except RunError as error:
        raise RunError(f"{error}; {_remedy(path)}") from None


def _remedy(path: Path) -> str:
    return f"remove the folder {path.name} to resume from the checkpoint before it"


def _complete(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("step-*") if path.is_dir())
