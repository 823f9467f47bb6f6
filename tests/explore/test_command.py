"""`ldebm explore` from its start to Ctrl-C, and what it cannot do."""

import signal
import socket
import subprocess
import sys

import pytest

from tests import tiny
from tests.cli.conftest import run
from tests.explore.test_server import send

__all__ = ["run"]  # a fixture


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "reviews.txt").write_text("\n".join(tiny.texts(60)[0]))
    tiny.model(f"data.source={tmp_path / 'reviews.txt'}").save_pretrained(tmp_path / "run")
    return tmp_path / "run"


def test_it_serves_until_it_is_interrupted(folder):
    words = [sys.executable, "-m", "ldebm", "explore", str(folder), "--port", "0"]
    with subprocess.Popen(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background would ignore it
    ) as explorer:
        try:
            assert explorer.stdout.readline() == f"Reading texts of {folder.parent / 'reviews.txt'} ...\n"
            said = explorer.stdout.readline()
            address = said.removeprefix("The explorer is at ").partition("/ (")[0]
            assert send(address, "GET", "/")[0] == 200
            explorer.send_signal(signal.SIGINT)
            assert explorer.communicate(timeout=60) == ("The explorer has ended.\n", "")
        finally:
            explorer.kill()
    assert explorer.returncode == 0


def test_a_place_that_is_taken_is_told(run, folder):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, _, err = run("explore", folder, "--port", str(port))
    assert code == 2 and f"cannot listen at 127.0.0.1:{port}" in err and "--port" in err


def test_a_run_of_dialogues_is_talked_to_otherwise(run, tmp_path):
    (tmp_path / "config.yaml").write_text("model: {observation: dialogue}\n")
    code, _, err = run("explore", tmp_path)
    assert code == 2 and "ldebm respond" in err
