"""What TensorBoard shows of a run is what `metrics.jsonl` says."""

import math
import sys

import pytest

from ldebm import metrics_log, train
from ldebm.errors import ConfigError
from ldebm.run_folder import BOARD, METRICS
from ldebm.training.board import Board
from tests import tiny

SETTINGS = ("training.log=tensorboard", "training.max_steps=60", "training.epochs=20")


def scalars(folder):
    """(name, step): value of the event files, as TensorBoard reads them."""
    events = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    read = events.EventAccumulator(str(folder), size_guidance={events.SCALARS: 0}).Reload()
    return {(name, each.step): each.value for name in read.Tags()["scalars"] for each in read.Scalars(name)}


def test_every_number_of_the_log_is_on_the_board(tmp_path):
    train(tiny.config(*SETTINGS), tiny.corpus(), tmp_path / "run")
    entries = metrics_log.read(tmp_path / "run" / METRICS)
    told = {
        (f"{name}/{entry['kind']}", entry["step"]): value
        for entry in entries
        for name, value in entry.items()
        if isinstance(value, float) and name != "seconds"
    }
    shown = scalars(tmp_path / "run" / BOARD)
    assert {kind for name, _ in told for kind in (name.split("/")[1],)} == {"train", "validation"}
    assert shown.keys() == told.keys()
    assert all(math.isclose(shown[key], told[key], rel_tol=1e-3, abs_tol=1e-4) for key in told)


def test_what_an_interrupted_run_wrote_after_its_checkpoint_is_not_shown(tmp_path):
    for start, steps, value in ((0, range(1, 5), 1.0), (2, range(3, 4), 9.0)):
        board = Board(tmp_path, start)
        for step in steps:
            board.add("train", step, {"rate": value, "names": ["not a number"], "gain": math.nan})
        board.close()
    assert scalars(tmp_path) == {("rate/train", 1): 1.0, ("rate/train", 2): 1.0, ("rate/train", 3): 9.0}


def test_without_tensorboard_the_user_is_told_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match=r"pip install 'ldebm\[tensorboard\]'"):
        train(tiny.config(*SETTINGS), tiny.corpus(), tmp_path / "run")
    train(tiny.config("training.max_steps=2"), tiny.corpus(), tmp_path / "run")  # the folder is free


def test_nothing_is_written_for_it_unless_asked(tmp_path):
    train(tiny.config("training.max_steps=2"), tiny.corpus(), tmp_path / "run")
    assert not (tmp_path / "run" / BOARD).exists()
