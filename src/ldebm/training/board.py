"""The course of a run for TensorBoard, beside `metrics.jsonl`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ldebm.errors import ConfigError


class Board:
    """Writes the numbers of a run as scalars, `name/train` and `name/validation` in one chart each.

    Args:
        folder: of the event files.
        step: the last one that counts: what an interrupted run wrote after it is not shown.
    """

    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=step + 1 if step else None)

    def add(self, kind: str, step: int, values: Mapping[str, Any]) -> None:
        """Write what of `values` is a finite number."""
        for name, value in values.items():
            if isinstance(value, int | float) and math.isfinite(value):
                self._writer.add_scalar(f"{name}/{kind}", value, step)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


def require_tensorboard() -> None:
    """Before anything is begun. Raises ConfigError where TensorBoard is not installed."""
    try:
        import torch.utils.tensorboard  # noqa: F401 (whether it can be imported is what is asked)
    except ImportError:
        raise ConfigError(
            "log=tensorboard needs TensorBoard, which is not installed: pip install 'ldebm[tensorboard]', or leave it "
            "out; metrics.jsonl is written always"
        ) from None
