"""A killed table leaves nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SCRIPT = """
import sys
from pathlib import Path
from ldebm.reproduce.runs import in_parallel
from tests.reproduce.test_runs import wait
if __name__ == "__main__":
    list(in_parallel(wait, [(Path(sys.argv[1]),)], 2))
"""


def wait(folder: Path) -> None:
    (folder / "unfinished").write_text(str(os.getpid()))
    (folder / "unfinished").rename(folder / "process")
    time.sleep(120)


def test_a_killed_table_takes_its_processes_along(tmp_path):
    script, root = tmp_path / "table.py", Path(__file__).parents[2]
    script.write_text(SCRIPT)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])}
    table = subprocess.Popen([sys.executable, str(script), str(tmp_path)], env=environment)
    try:
        _until((tmp_path / "process").exists)
        process = int((tmp_path / "process").read_text())
    finally:
        table.send_signal(signal.SIGKILL)
        table.wait()
    _until(lambda: not _runs(process))


def _until(met) -> None:
    deadline = time.monotonic() + 60
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _runs(process: int) -> bool:
    """Whether it is there and has not ended: where nobody waits for an orphan it stays listed as a zombie."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{process}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")
