"""Writing files so that they are whole or not there at all, and saying plainly why one could not be written."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from ldebm.errors import UserError

_REMEDIES = {
    errno.ENOSPC: "free some space or choose another place",
    errno.EDQUOT: "free some space or choose another place",
    errno.EACCES: "change its permissions or choose another place",
    errno.EPERM: "change its permissions or choose another place",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOENT: "check the path or choose another place",
    errno.EEXIST: "one of its parents is a file; choose another place",
    errno.EISDIR: "give the path of a file",
    errno.ENOTDIR: "one of its parents is a file; choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
}


@contextlib.contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A path to write to (a file or a folder) that takes the place of `path` when the block ends.

    When the block fails, what it wrote is removed and `path` stays as it was. A full disk, a read-only folder and the
    like become a UserError that names `path`. The temporary name has the suffix of `path`, since writers look at it.
    """
    target = Path(path).resolve()
    if target.exists() and not (target.is_file() or target.is_dir()):
        with _told(target):
            yield target  # a device or a pipe, such as /dev/stdout, is written to and never replaced
        return
    temporary = target.with_name(f".{target.stem[:100]}.{uuid.uuid4().hex}{target.suffix}")
    try:
        with _told(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            for part in (temporary, *temporary.rglob("*")):
                _flush(part)
            os.replace(temporary, target)
            _flush(target.parent)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):  # nothing is there after success, nor where nothing could be written
                temporary.unlink()


def write_atomically(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` to `path` as UTF-8: wholly, or not at all."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def file_error(error: Exception, path: str | os.PathLike[str] | None = None) -> UserError | None:
    """What to tell the user where `error` comes from the state of their disk, and None where it does not."""
    # Writers in Rust (safetensors, tokenizers) raise errors of their own that carry the number only in their text.
    number = error.errno if isinstance(error, OSError) else None
    if number is None and (match := re.search(r"\(os error (\d+)\)", str(error))):
        number = int(match[1])
    if number not in _REMEDIES:
        return None
    place = path or getattr(error, "filename", None) or "the output"
    return UserError(f"cannot use {place}: {os.strerror(number).lower()}; {_REMEDIES[number]}")


@contextlib.contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        told = file_error(error, path)
        if told is None:
            raise
        raise told from error


def _flush(path: Path) -> None:
    """Bring a file's content, or a folder's list of names, to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
