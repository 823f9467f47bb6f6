"""Generate, discover, control and classify short texts with one latent diffusion energy-based model (LDEBM).

The names in `__all__` are the public API. They are imported when first used, so that `import ldebm` is quick and does
not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ldebm.data import Corpus, load_corpus, load_dialogues, load_points
    from ldebm.dialogue_model import DialogueModel
    from ldebm.errors import UserError
    from ldebm.estimator import LDEBMTextModel
    from ldebm.model import LDEBM
    from ldebm.point_model import PointModel
    from ldebm.presets import load_preset
    from ldebm.training import train

__version__ = "0.1.0"

__all__ = [
    "LDEBM",
    "Corpus",
    "DialogueModel",
    "LDEBMTextModel",
    "PointModel",
    "UserError",
    "__version__",
    "load_corpus",
    "load_dialogues",
    "load_points",
    "load_preset",
    "train",
]

_HOMES = {
    "Corpus": "ldebm.data",
    "DialogueModel": "ldebm.dialogue_model",
    "LDEBM": "ldebm.model",
    "LDEBMTextModel": "ldebm.estimator",
    "PointModel": "ldebm.point_model",
    "UserError": "ldebm.errors",
    "load_corpus": "ldebm.data",
    "load_dialogues": "ldebm.data",
    "load_points": "ldebm.data",
    "load_preset": "ldebm.presets",
    "train": "ldebm.training",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
