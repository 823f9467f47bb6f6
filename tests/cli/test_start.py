"""Asking for help is answered at once."""

from __future__ import annotations

import os
import subprocess
import sys

HEAVY = ("torch", "datasets", "sklearn", "scipy", "numpy", "pandas", "pyarrow", "accelerate", "tokenizers")


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from ldebm.cli import main\n"
        "for verb in ([], ['train'], ['evaluate']):\n"
        "    try:\n"
        "        main([*verb, '--help'])\n"
        "    except SystemExit as end:\n"
        "        assert end.code == 0, end.code\n"
        f"print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "generate" in done.stdout


def test_help_answers_in_half_a_second() -> None:
    seconds = []
    for _ in range(5):
        before = os.times()
        subprocess.run([sys.executable, "-m", "ldebm", "--help"], capture_output=True, check=True)
        after = os.times()
        # Time of the processor: on a machine that is busy with something else the clock would tell of that.
        seconds.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(seconds) < 0.5
