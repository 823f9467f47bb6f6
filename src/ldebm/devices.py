"""Where to compute, and in which precision."""

from __future__ import annotations

import torch

from ldebm.errors import UserError
from ldebm.observation import fastest_dtype


def choose_dtype(precision: str, device: torch.device) -> torch.dtype:
    """The precision of matrix products: what is asked for, or for "auto" what the device multiplies fastest."""
    if precision == "auto":
        return fastest_dtype(device)
    return torch.bfloat16 if precision == "bf16" else torch.float32


def choose_device(name: str) -> torch.device:
    """`auto` takes a GPU where there is one. Raises UserError for a device that is not here."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UserError(f"device {name!r} is not available here: {str(error).splitlines()[0]}") from None
    return device
