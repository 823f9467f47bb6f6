"""Memory of training on a CPU: large blocks are kept between steps, the kernels of rare shapes are not.

A training step frees and asks again for tensors of tens of megabytes. glibc maps each from the kernel, which clears
its pages every time; kept in the heap they are simply reused. Other C libraries are left alone. oneDNN keeps a compiled
kernel with its working memory for each shape that it has met, 1,024 of them, and batches of texts have hundreds of
shapes: over a long run that grows to gigabytes.
"""

from __future__ import annotations

import ctypes
import os
import sys

_TRIM_THRESHOLD, _MMAP_MAX = -1, -4  # of mallopt(3)
_KERNELS = "64"  # training is as fast with it (docs/log.md)


def keep_large_blocks() -> bool:
    """Set it for this process; whether the C library took it."""
    library = _glibc()
    return (
        library is not None
        and bool(library.mallopt(_MMAP_MAX, 0))
        and bool(library.mallopt(_TRIM_THRESHOLD, 2**31 - 1))
    )


def give_back() -> bool:
    """Hand the heap's unused pages back to the system, a tenth of a second; whether the C library did.

    Blocks of changing sizes leave holes behind, which otherwise grow for hours.
    """
    library = _glibc()
    return library is not None and bool(library.malloc_trim(0))


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None


def keep_few_kernels() -> None:
    """Set it for this process, where its environment does not say otherwise: read when the first kernel is compiled."""
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", _KERNELS)
