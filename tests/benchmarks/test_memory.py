from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

from benchmarks.memory import LONGEST, SHORTEST, VOCABULARY, watch, write_lines


def test_lines_are_as_long_and_as_skewed_as_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    write_lines(path, lines=20_500)
    lines = [line.split() for line in path.read_text().splitlines()]
    assert len(lines) == 20_500
    assert {len(line) for line in lines} == set(range(SHORTEST, LONGEST + 1))
    counts = Counter(word for line in lines for word in line)
    assert len(counts) <= VOCABULARY
    (_, first), (_, second), *_ = counts.most_common(2)
    assert 1.8 < first / second < 2.2


def test_watch_sees_the_peak_of_the_whole_tree(tmp_path: Path) -> None:
    child = "import time; held = b'x' * 150_000_000; time.sleep(1)"
    parent = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {child!r}]) + 3)"
    code, peak = watch([sys.executable, "-c", parent], dict(os.environ), tmp_path / "log.txt")
    assert code == 3
    assert 150_000_000 < peak < 400_000_000
