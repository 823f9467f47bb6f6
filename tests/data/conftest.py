"""Files of every kind, and the corpora that are not bundled."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[[str, str | bytes], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(name, content) -> path; compressed where the name ends in .gz."""

    def write_file(name: str, content: str | bytes) -> str:
        content = content.encode("utf-8") if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
        return str(path)

    return write_file


@pytest.fixture
def real_data(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the corpora that are not bundled; a test that needs it is skipped where it is missing."""
    folder = Path(os.environ.get("LDEBM_DATA", Path(__file__).parents[3] / "shared" / "data")).resolve()
    if not (folder / "ptb").is_dir():
        pytest.skip(f"no folder ptb in {folder}")
    monkeypatch.setenv("LDEBM_DATA", str(folder))
    return folder
