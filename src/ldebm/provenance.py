"""Where a figure comes from: the machine and the commit of the code that measured it."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import torch

from ldebm.observation import fastest_dtype


def machine() -> dict[str, object]:
    """CPU, cores in use, torch's version, and whether the CPU multiplies bf16 matrices in hardware."""
    return {
        "cpu": _cpu_model(),
        "cores": torch.get_num_threads(),
        "torch": torch.__version__,
        "bf16": fastest_dtype(torch.device("cpu")) is torch.bfloat16,
    }


def commit() -> str:
    """The short commit of the source tree, "+" behind it where files differ from it; "unknown" where there is none."""
    # A package that lies in somebody else's repository, as in their virtual environment, is not tracked by it.
    if shutil.which("git") is None or not _git("ls-files", Path(__file__).name):
        return "unknown"
    differs = _git("status", "--porcelain", "--", ".", "../../benchmarks")
    return f"{_git('rev-parse', '--short', 'HEAD')}{'+' if differs else ''}"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _cpu_model() -> str:
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
