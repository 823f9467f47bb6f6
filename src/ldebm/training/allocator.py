"""Keep the C library from handing large blocks back to the system and fetching them anew at every step.

A training step frees and asks again for tensors of tens of megabytes. glibc maps each from the kernel, which clears
its pages every time; kept in the heap they are simply reused. Other C libraries are left alone.
"""

from __future__ import annotations

import ctypes
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt(3)


def keep_large_blocks() -> bool:
    """Set it for this process; whether the C library took it."""
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, 2**31 - 1))
