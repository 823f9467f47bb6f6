"""Memory of training: what is set, and that a user's own setting is left alone."""

import os
import sys

import pytest

from ldebm.training import allocator

CACHE = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"


def test_kernels_of_rare_shapes_are_not_kept_unless_somebody_wants_them(monkeypatch) -> None:
    monkeypatch.delenv(CACHE, raising=False)
    allocator.keep_few_kernels()
    assert int(os.environ[CACHE]) < 1024  # oneDNN's own number
    monkeypatch.setenv(CACHE, "2000")
    allocator.keep_few_kernels()
    assert os.environ[CACHE] == "2000"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc's")
def test_unused_pages_go_back_to_the_system() -> None:
    assert allocator.keep_large_blocks()
    before = resident_bytes()
    blocks = [bytearray(b"x" * 300_000) for _ in range(400)]  # 120 MB, written to
    last = bytearray(b"x" * 300_000)  # above the others: without it they would be at the heap's top
    held = resident_bytes()
    del blocks
    allocator.give_back()
    assert held - before > 80e6 and held - resident_bytes() > 80e6 and last


def resident_bytes() -> float:
    with open("/proc/self/statm", encoding="ascii") as numbers:
        return int(numbers.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
