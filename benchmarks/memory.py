"""How much memory training on a large text file needs: a million made-up lines through `ldebm train`.

`python -m benchmarks.memory [--json FILE]`
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.measure import write_json

LIMIT_BYTES = 2_500_000_000
VOCABULARY = 20_000
SHORTEST, LONGEST = 8, 25  # words a line
CHUNK = 20_000  # lines
SAMPLE_SECONDS = 0.1


def write_lines(path: Path, lines: int, seed: int = 0) -> None:
    """Lines of made-up words whose frequencies follow Zipf's law."""
    random = np.random.default_rng(seed)
    words = np.array(made_up_words(VOCABULARY, random))
    cumulative = np.cumsum(1 / np.arange(1, VOCABULARY + 1))
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, lines, CHUNK):
            lengths = random.integers(SHORTEST, LONGEST + 1, size=min(CHUNK, lines - start))
            draws = random.uniform(0, cumulative[-1], size=lengths.sum())
            text = words[np.searchsorted(cumulative, draws)]
            file.writelines(" ".join(line) + "\n" for line in np.split(text, lengths.cumsum()[:-1]))


def made_up_words(count: int, random: np.random.Generator) -> list[str]:
    """Distinct words of two to four syllables."""
    syllables = [consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou"]
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(random.choice(syllables, size=random.integers(2, 5)))] = None
    return list(words)


def watch(command: Sequence[str], environment: dict[str, str], log: Path) -> tuple[int, int]:
    """Run `command`, its output into `log`; return its exit code and the peak resident bytes of its process tree."""
    peak = 0
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                peak = max(peak, resident_bytes(process.pid))
                time.sleep(SAMPLE_SECONDS)
        finally:
            process.kill()
    return process.returncode, peak


def resident_bytes(pid: int) -> int:
    """Of the process and all its children; pages they share count for each."""
    try:
        parent = psutil.Process(pid)
        tree = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for process in tree:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as one JSON object")
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines of the text file (%(default)s)")
    parser.add_argument("--steps", type=int, default=300, help="training steps (%(default)s)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ldebm-memory-") as name:
        folder = Path(name)
        texts, log = folder / "texts.txt", folder / "log.txt"
        write_lines(texts, options.lines)
        train = ["train", str(texts), "--preset", "best-small", "--out", str(folder / "run")]
        command = [sys.executable, "-m", "ldebm", *train, "--set", f"training.max_steps={options.steps}"]
        start = time.perf_counter()
        code, peak = watch(command, os.environ | {"HF_HOME": str(folder / "hub")}, log)
        seconds = time.perf_counter() - start
        if code != 0:
            sys.exit(f"{' '.join(command)} ended with {code}:\n{log.read_text(errors='replace')[-2000:]}")
        megabytes = texts.stat().st_size / 1e6
    table = Table(title=f"Training best-small on {options.lines:,} lines ({megabytes:.0f} MB), {options.steps} steps")
    for heading in ("peak resident", "limit", "within", "seconds"):
        table.add_column(heading, justify="right")
    within = "yes" if peak < LIMIT_BYTES else "no"
    table.add_row(f"{peak / 1e9:.2f} GB", f"{LIMIT_BYTES / 1e9:.2f} GB", within, f"{seconds:.0f}")
    Console().print(table)
    figures = {"peak_bytes": peak, "limit_bytes": LIMIT_BYTES, "lines": options.lines, "steps": options.steps}
    write_json(options.json, {**figures, "seconds": seconds})


if __name__ == "__main__":
    main()
