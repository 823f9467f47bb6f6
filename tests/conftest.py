"""What every test stands on: no network, and caches that go away with the test run."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_LOOPBACK = ("127.", "::1", "localhost")
_cache: tempfile.TemporaryDirectory[str] | None = None


def pytest_configure() -> None:
    """Point the `datasets` library at a throw-away cache; it reads these names once, when it is imported."""
    global _cache
    _cache = tempfile.TemporaryDirectory(prefix="ldebm-tests-")
    os.environ.update(HF_HOME=_cache.name, HF_HUB_OFFLINE="1", HF_DATASETS_OFFLINE="1")
    os.environ.pop("HF_DATASETS_CACHE", None)


def pytest_unconfigure() -> None:
    if _cache is not None:
        _cache.cleanup()


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for what several tests share, such as a trained run."""
    return tmp_path_factory.mktemp("session")


@pytest.fixture(scope="session", autouse=True)
def _no_network() -> Iterator[None]:
    """Only the loopback device and local sockets can be connected to."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family != socket.AF_UNIX and not str(address[0]).startswith(_LOOPBACK):
            raise OSError(f"a test tried to reach {address}: tests run without a network")
        return connect(self, address)

    return guarded
