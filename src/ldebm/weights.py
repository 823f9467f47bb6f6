"""Tensors on disk: safetensors with a digest of their content, so that damage is noticed. Never a pickle."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ldebm.errors import RunError
from ldebm.files import atomic_path

_DIGEST = "sha256"


def save_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors to `path`; the caller gives a temporary name where the file must be atomic."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    save_file(plain, path, metadata={_DIGEST: _digest(plain)})


def kept_tensors(path: Path | None, found: Callable[[], Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The tensors that lie at `path`, else those found, which from then on lie there; with None simply found.

    Raises RunError as `load_tensors`.
    """
    if path is not None and path.exists():
        return load_tensors(path)
    tensors = dict(found())
    if path is not None:
        with atomic_path(path) as temporary:
            save_tensors(temporary, tensors)
    return tensors


def load_tensors(path: Path) -> dict[str, Tensor]:
    """Read tensors written by `save_tensors`. Raises RunError where the file is missing, damaged or something else."""
    try:
        with safe_open(path, framework="pt") as file:
            expected = (file.metadata() or {}).get(_DIGEST)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except FileNotFoundError:
        raise RunError(f"{path} is missing; the run folder or checkpoint is not complete") from None
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise RunError(f"{path} is not a readable safetensors file ({error}); restore it or train again") from None
    if expected is None:
        raise RunError(f"{path} was not written by ldebm: it carries no digest of its content")
    if _digest(tensors) != expected:
        raise RunError(f"{path} is damaged: its content does not match its digest; restore it or train again")
    return tensors


def _digest(tensors: Mapping[str, Tensor]) -> str:
    whole = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name]
        whole.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        whole.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return whole.hexdigest()
