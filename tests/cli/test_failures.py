"""What a user meets when something goes wrong: one line, the right exit code, and the traceback only when asked for."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ldebm.errors import ConfigError, DataError, RunError, UserError

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("kind", [UserError, DataError, ConfigError, RunError])
@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_wrong_input_is_one_line_and_exit_code_2(run: Run, model: Any, kind: type[UserError], debug: list[str]) -> None:
    model.failure = kind("no column 'review' in a.csv;\nit has: text, stars")
    code, out, err = run("generate", "runs/a", *debug)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == "error: no column 'review' in a.csv; it has: text, stars"
    assert ("Traceback" in err) == bool(debug)


@pytest.mark.parametrize("debug", [[], ["--debug"]])
def test_fault_of_ours_is_exit_code_1(run: Run, model: Any, debug: list[str]) -> None:
    model.failure = KeyError("z")
    code, out, err = run(*debug, "generate", "runs/a")
    assert (code, out) == (1, "")
    assert "KeyError: 'z': this is a fault of ldebm; run again with --debug" in err
    assert ("Traceback" in err) == bool(debug)


def test_interruption_is_exit_code_130(run: Run, model: Any) -> None:
    model.failure = KeyboardInterrupt()
    assert run("generate", "runs/a") == (130, "", "interrupted\n")
    model.failure = Stopped("stopped; a checkpoint is saved, go on with --resume")
    assert run("generate", "runs/a") == (143, "", "stopped; a checkpoint is saved, go on with --resume\n")


class Stopped(KeyboardInterrupt):
    """As a training run ends that was sent SIGTERM."""

    exit_code = 143


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_disk_trouble_is_told_as_wrong_input(run: Run, model: Any, number: int) -> None:
    model.failure = OSError(number, os.strerror(number), "runs/a/metrics.jsonl")
    code, _, err = run("generate", "runs/a")
    assert code == 2
    assert err.startswith(f"error: cannot use runs/a/metrics.jsonl: {os.strerror(number).lower()}; ")
    assert len(err.splitlines()) == 1


def test_failing_write_keeps_the_old_file(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    out = tmp_path / "texts.txt"
    out.write_text("old\n")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_text", full)
    code, _, err = run("generate", "runs/a", "--out", out)
    assert code == 2
    assert err == f"error: cannot use {out}: no space left on device; free some space or choose another place\n"
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("texts.txt", "old\n")]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("generate runs/a --guidance 4", "--guidance needs --symbol or --label"),
        ("respond runs/a --context - --guidance 4", "--guidance needs --symbol"),
        ("discover runs/a --text review", "--text review names a column of SOURCE, which is not given"),
        ("evaluate runs/a --text review", "--text review names a column of SOURCE, which is not given"),
    ],
)
def test_an_option_that_would_change_nothing_is_refused(run: Run, arguments: str, told: str) -> None:
    code, out, err = run(*arguments.split())
    assert (code, out) == (2, "") and told in " ".join(err.replace("│", " ").split())


@pytest.mark.parametrize(
    "arguments",
    [
        "generate",
        "generate runs/a -n 0",
        "generate runs/a --temperature 0 --mode sample",
        "generate runs/a --top-p 1.1 --mode sample",
        "generate runs/a --temperature 0.5",
        "generate runs/a --mode beam --top-p 0.5",
        "generate runs/a --symbol 1 --label good",
        "generate runs/a --mode best",
        "generate runs/a --best-of 4",
        "generate runs/a --label good --best-of 0",
        "train",
        "train a.csv --epochs 0",
        "train a.csv --precision fp64",
        "classify runs/a a.csv --out a.xlsx",
        "encode runs/a a.csv",
        "encode runs/a a.csv --out a.txt",
        "evaluate runs/a --samples 0",
        "trian a.csv",
    ],
)
def test_wrong_usage_is_exit_code_2(run: Run, arguments: str) -> None:
    code, out, err = run(*arguments.split())
    assert (code, out) == (2, "")
    assert "Usage: ldebm" in err and "Traceback" not in err


@pytest.mark.parametrize(("arguments", "end"), [("| head -n 1", "text 0\n"), ("> /dev/full", "")])
def test_closed_pipe_is_quiet_and_full_disk_is_told(arguments: str, end: str) -> None:
    program = (
        "import ldebm, ldebm.cli; from types import SimpleNamespace as N; "
        "model = N(generate=lambda n, **_: [f'text {i}' for i in range(n)]); "
        "vars(ldebm)['LDEBM'] = N(from_pretrained=lambda folder: model); "
        "ldebm.cli.main(['generate', 'runs/a', '-n', '100000'])"
    )
    command = f'{sys.executable} -c "{program}" {arguments}'
    done = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert done.stdout == end
    assert done.stderr == (
        ""
        if end
        else "error: cannot use the output: no space left on device; free some space or choose another place\n"
    )
