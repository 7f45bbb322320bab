"""Files that a crash, a full disk or a second process cannot spoil."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from snellen.errors import RunError


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[BinaryIO]:
    """Write `path` so that it is either as before or complete: a temporary file, then a rename."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    with atomic(path) as file:
        file.write((json.dumps(value, indent=2) + "\n").encode())


def write_all(file: BinaryIO, data: bytes) -> None:
    """A raw file may take less than it was given."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def take_lock(path: Path) -> int:
    """Lock the directory for this process; the system frees it when the process ends, however.

    Returns the open file that holds the lock. Raises `RunError` when another process holds it.
    """
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock_file(lock)
    except OSError as error:
        owner = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            raise
        what = f"{path.parent} is in use by process {owner}"
        raise RunError(what, "Wait until it ends, or give another --run.") from None
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


if sys.platform == "win32":
    import msvcrt

    def _lock_file(file: int) -> None:
        os.lseek(file, 1 << 30, os.SEEK_SET)  # a byte far behind the number, which stays readable
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(file, 0, os.SEEK_SET)
else:
    import fcntl

    def _lock_file(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def plain_errors(directory: Path) -> Iterator[None]:
    """The system's refusals, said plainly."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            what = f"the disk is full: cannot write the run in {directory}"
            fix = "Free some space and run the same command again; what was scored is kept."
        else:
            what = f"cannot write the run in {directory}: {error.strerror or error}"
            fix = "Give a directory that can be written as --run."
        raise RunError(what, fix) from error
