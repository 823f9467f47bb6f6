"""A checkpoint exists wholly or not at all, and damage is told apart from a checkpoint."""

import pickle
import random
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
import torch

from ldebm.errors import RunError, UserError
from ldebm.training.checkpoints import newest_checkpoint, read_checkpoint, write_checkpoint
from ldebm.weights import load_tensors, save_tensors

MEMORY = Path("/dev/shm")


def tensors(step):
    return {"a": torch.full((50,), float(step)), "b": torch.arange(7), "c": torch.ones(3, dtype=torch.bfloat16)}


def test_what_is_written_is_read_back_and_only_the_newest_two_stay(tmp_path):
    for step in (1, 2, 10):
        write_checkpoint(tmp_path, tensors(step), {"step": step, "best": 1.5})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["step-000000002", "step-000000010"]
    found, state = read_checkpoint(newest_checkpoint(tmp_path))
    assert state == {"step": 10, "best": 1.5}
    assert all(torch.equal(found[name], value) for name, value in tensors(10).items())


def test_no_folder_no_checkpoint(tmp_path):
    assert newest_checkpoint(tmp_path / "none") is None


def test_what_a_killed_write_left_is_removed(tmp_path):
    write_checkpoint(tmp_path, tensors(1), {"step": 1})
    stale = tmp_path / ".step-000000002.0123abcd"
    stale.mkdir()
    (stale / "tensors.safetensors").write_bytes(b"half")
    assert newest_checkpoint(tmp_path).name == "step-000000001"
    assert not stale.exists()


def test_a_hundred_kills_at_random_instants_leave_a_loadable_newest_checkpoint():
    """Writers are forked (starting each anew would take long) and die, by a timer of their own processor time, anywhere
    in a write; by processor time, so that a busy machine does not change how far they come. In memory where there is
    such a folder: a kill asks nothing of the disk, whose waits took minutes on a busy machine."""
    forker = """
import os, random, signal, sys
import torch
from pathlib import Path
from ldebm.training.checkpoints import newest_checkpoint, read_checkpoint, write_checkpoint
torch.set_num_threads(1)
folder, chosen = Path(sys.argv[1]), random.Random(0)
torn = 0
for kill in range(100):
    start = newest_checkpoint(folder)
    first = int(start.name[5:]) if start else 0
    child = os.fork()
    if child == 0:
        signal.setitimer(signal.ITIMER_PROF, chosen.uniform(0.001, 0.03) + kill * 1e-9)
        step = first
        while True:
            step += 1
            tensors = {name: torch.full((20_000,), float(step)) for name in "ab"}
            write_checkpoint(folder, tensors, {"step": step, "twice": 2 * step})
    chosen.random()
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGPROF, status
    torn += any(folder.glob(".step-*"))
    newest = newest_checkpoint(folder)
    if newest is None:
        continue
    tensors, state = read_checkpoint(newest)
    step = state["step"]
    assert state["twice"] == 2 * step and all((tensors[name] == step).all() for name in "ab"), newest
    assert step >= first
print("last", step, "torn", torn)
"""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        done = subprocess.run([sys.executable, "-c", forker, folder], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    words = done.stdout.split()
    assert int(words[1]) > 20  # it did write
    assert int(words[3]) > 5  # and was killed in the middle of writing


def test_every_truncation_and_every_flipped_bit_is_noticed(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_tensors(path, tensors(3))
    whole = path.read_bytes()
    chosen = random.Random(0)
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(RunError):
            load_tensors(path)
    for _ in range(400):
        place, bit = chosen.randrange(8, len(whole)), chosen.randrange(8)
        damaged = bytearray(whole)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            found = load_tensors(path)
        except RunError:
            continue
        # what is still read is what was written (a flip in the header's padding or spelling that changes nothing)
        assert all(torch.equal(found[name], value) for name, value in tensors(3).items())
        assert found.keys() == tensors(3).keys()


def test_a_pickle_is_refused_and_not_run(tmp_path):
    marker = tmp_path / "marker"

    class Writes:
        def __reduce__(self):
            return (open, (str(marker), "w"))

    path = tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(Writes()))
    with pytest.raises(RunError, match="not a readable safetensors file"):
        load_tensors(path)
    torch.save({"a": torch.ones(2)}, path)
    with pytest.raises(RunError, match="not a readable safetensors file"):
        load_tensors(path)
    assert not marker.exists()


def test_foreign_safetensors_are_told_apart(tmp_path):
    from safetensors.torch import save_file

    save_file({"a": torch.ones(2)}, tmp_path / "x.safetensors")
    with pytest.raises(RunError, match="not written by ldebm"):
        load_tensors(tmp_path / "x.safetensors")


def test_a_damaged_checkpoint_says_how_to_go_on(tmp_path):
    path = write_checkpoint(tmp_path, tensors(5), {"step": 5})
    for damage in ("{", '{"step": 6}', ""):
        (path / "state.json").write_text(damage)
        with pytest.raises(RunError, match=r"state\.json is damaged.*remove the folder step-000000005"):
            read_checkpoint(path)
    (path / "state.json").unlink()
    with pytest.raises(RunError, match="remove the folder step-000000005"):
        read_checkpoint(path)
    (path / "tensors.safetensors").write_bytes(b"")
    with pytest.raises(RunError, match="remove the folder step-000000005"):
        read_checkpoint(path)


def test_the_same_step_can_be_written_again(tmp_path):
    write_checkpoint(tmp_path, tensors(5), {"step": 5, "best": 1.0})
    write_checkpoint(tmp_path, tensors(6), {"step": 5, "best": 2.0})
    found, state = read_checkpoint(newest_checkpoint(tmp_path))
    assert state["best"] == 2.0 and torch.equal(found["a"], tensors(6)["a"])


def test_a_full_disk_leaves_the_checkpoint_before_it(tmp_path, monkeypatch):
    import errno

    import ldebm.training.checkpoints as module

    write_checkpoint(tmp_path, tensors(1), {"step": 1})

    def full(path, found):
        path.write_bytes(b"some")
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(module, "save_tensors", full)
    with pytest.raises(UserError, match="space"):
        write_checkpoint(tmp_path, tensors(2), {"step": 2})
    assert newest_checkpoint(tmp_path).name == "step-000000001"
    assert [path.name for path in tmp_path.iterdir()] == ["step-000000001"]
