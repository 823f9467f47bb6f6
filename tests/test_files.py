"""A file is whole or not there, and a full disk or a closed folder is told in one line."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from ldebm.errors import RunError, UserError
from ldebm.files import atomic_path, file_error, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_file_is_written_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    write_atomically(tmp_path / "new" / "a.txt", "ä\n")
    write_atomically(tmp_path / "new" / "a.txt", "b\r\n")
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"b\r\n"
    assert names(tmp_path / "new") == ["a.txt"]


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_atomically(tmp_path / "a.txt", "a")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("failure", [ValueError("ours"), RunError("theirs"), KeyboardInterrupt()])
def test_failing_writer_leaves_the_old_file(tmp_path: Path, failure: BaseException) -> None:
    target = tmp_path / "a.csv"
    target.write_text("old")
    with pytest.raises(type(failure)), atomic_path(target) as temporary:
        assert temporary.parent == target.parent and temporary.suffix == ".csv"
        temporary.write_text("half")
        raise failure
    assert target.read_text() == "old"
    assert names(tmp_path) == ["a.csv"]


def test_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ours"), atomic_path(tmp_path / "step-1") as temporary:
        temporary.mkdir()
        (temporary / "weights").write_text("half")
        raise ValueError("ours")
    assert names(tmp_path) == []
    with atomic_path(tmp_path / "step-1") as temporary:
        temporary.mkdir()
        (temporary / "weights").write_text("whole")
    assert names(tmp_path) == ["step-1"]
    assert (tmp_path / "step-1" / "weights").read_text() == "whole"


def test_symbolic_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "text"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_device_is_written_to_and_a_full_one_is_told() -> None:
    write_atomically(os.devnull, "text")
    assert not Path(os.devnull).is_file()
    with pytest.raises(UserError, match="cannot use /dev/full: no space left on device; free some space"):
        write_atomically("/dev/full", "text")


def test_parent_that_is_a_file_and_target_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    for target in (tmp_path / "file" / "a.txt", tmp_path / "file" / "b" / "a.txt"):
        with pytest.raises(UserError, match="one of its parents is a file"):
            write_atomically(target, "text")
    with pytest.raises(UserError, match="give the path of a file"):
        write_atomically(tmp_path / "folder", "text")
    assert names(tmp_path) == ["file", "folder"]
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EROFS])
def test_disk_trouble_of_any_library_names_the_file(tmp_path: Path, number: int) -> None:
    python = OSError(number, os.strerror(number))
    rust = RuntimeError(f"Error while serializing: I/O error: {os.strerror(number)} (os error {number})")
    for error in (python, rust):
        with pytest.raises(UserError) as told, atomic_path(tmp_path / "a.bin"):
            raise error
        assert str(told.value).startswith(f"cannot use {tmp_path / 'a.bin'}: {os.strerror(number).lower()}; ")


def test_other_errors_are_not_explained_away() -> None:
    assert file_error(ValueError("no")) is None
    assert file_error(ConnectionResetError(errno.ECONNRESET, "reset")) is None
