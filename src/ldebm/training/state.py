"""What a checkpoint holds of a trainer: weights, averages, optimiser, random states, pseudo-labels, its place."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ldebm.errors import RunError

if TYPE_CHECKING:
    from ldebm.training.trainer import Trainer

_WORDS = "words."  # what words say of labels: large, and taught anew by the same texts before a run goes on
_PROGRESS = ("seconds", "best", "epochs_without_better", "changed_labels")


def pack(trainer: Trainer) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """(tensors, numbers) that a checkpoint keeps. Every process must call it: dropout is drawn by each for itself."""
    tensors = {f"model.{name}": value for name, value in _trained(trainer.model).items()}
    if trainer.averaged is not trainer.model:
        tensors |= {f"averaged.{name}": value for name, value in _trained(trainer.averaged).items()}
    for place, entry in trainer.optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{place}.{name}": torch.as_tensor(value) for name, value in entry.items()}
    tensors["random.noise"] = trainer.generator.get_state()
    for kind, mine in _dropout_states().items():
        everyone = trainer.accelerator.gather(mine[None].to(trainer.accelerator.device)).cpu()
        tensors |= {f"random.{kind}.{rank}": state for rank, state in enumerate(everyone)}
    if trainer.clustering is not None and trainer.clustering.labels is not None:
        tensors["labels"] = torch.from_numpy(trainer.clustering.labels)
    numbers: dict[str, Any] = {name: getattr(trainer, name) for name in _PROGRESS}
    return tensors, numbers | {"step": trainer.step_count, "texts": len(trainer.train_corpus)}


def unpack(trainer: Trainer, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
    """Put a trainer where the checkpoint was made. Raises RunError where it belongs to another run."""
    if numbers.get("texts") != len(trainer.train_corpus):
        raise RunError(
            f"the checkpoint was made with {numbers.get('texts')} training texts, the data have "
            f"{len(trainer.train_corpus)} now: give back the data, or train anew with another --out"
        )
    try:
        _unpack(trainer, tensors, numbers)
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise RunError(f"the checkpoint does not fit this run ({reason}); train anew with another --out") from None


def _unpack(trainer: Trainer, tensors: dict[str, Tensor], numbers: dict[str, Any]) -> None:
    taught = {name: value for name, value in trainer.model.state_dict().items() if name.startswith(_WORDS)}
    trainer.model.load_state_dict(_part(tensors, "model.") | taught)
    if trainer.averaged is not trainer.model:
        trainer.averaged.load_state_dict(_part(tensors, "averaged.") | taught)
    entries: dict[int, dict[str, Tensor]] = defaultdict(dict)
    for name, value in _part(tensors, "optimiser.").items():
        place, _, field = name.partition(".")
        entries[int(place)][field] = value
    groups = trainer.optimiser.state_dict()["param_groups"]
    trainer.optimiser.load_state_dict({"state": dict(entries), "param_groups": groups})
    trainer.generator.set_state(tensors["random.noise"])
    rank = trainer.share.rank
    if f"random.cpu.{rank}" in tensors:  # else there were fewer processes then
        torch.set_rng_state(tensors[f"random.cpu.{rank}"])
    if f"random.cuda.{rank}" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors[f"random.cuda.{rank}"])
    if trainer.clustering is not None and "labels" in tensors:
        trainer.clustering.labels = tensors["labels"].numpy()
    trainer.step_count = numbers["step"]
    for name in _PROGRESS:
        setattr(trainer, name, numbers[name])


def _trained(model: nn.Module) -> dict[str, Tensor]:
    return {name: value for name, value in model.state_dict().items() if not name.startswith(_WORDS)}


def _dropout_states() -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    return states


def _part(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
