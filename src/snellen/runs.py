"""The run directory: what was asked for, with what, and every row, failures included.

    run.json         the request, the scorer's identity and the versions; written first
    rows.jsonl       one row a line, only ever appended to while the run goes on
    thumbnails.bin   JPEG thumbnails end to end; a row holds its `thumbnail`: [offset, length]
    done.json        counts; written last, so its absence means that the run was cut short
    lock             held by the process that writes, and holds its number

A killed process loses at most the rows of the last half second: a torn last line is cut off when
the directory is opened again. Of two rows with one name the later one counts. When a run is
finished, `rows.jsonl` is left sorted by name, one row an image, whatever happened on the way.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple

from snellen import __version__
from snellen.errors import RunError

FORMAT = 1  # of the directory; a newer one is refused
BASE = Path("snellen-runs")  # where runs lie by default, in the working directory

FACTS, ROWS, THUMBNAILS, DONE, LOCK = (
    "run.json",
    "rows.jsonl",
    "thumbnails.bin",
    "done.json",
    "lock",
)
_BATCH_ROWS, _BATCH_SECONDS = 64, 0.5  # rows are written when there are so many or so old
_VERSIONS_OF = ("numpy", "pillow", "simplejpeg", "onnxruntime")

Row = dict[str, Any]
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True)
class Request:
    """What was asked for: everything that can change which rows there are or what they say.

    verb    : the job, `score`.
    paths   : as given, made absolute (`-` stays `-`).
    options : plain values by name.
    """

    verb: str
    paths: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def identity(self) -> str:
        """Hash of the request: the same command has the same one."""
        text = json.dumps([self.verb, self.paths, self.options], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def directory(self, base: Path = BASE) -> Path:
        """Where this request's run lies unless the user says otherwise."""
        last = Path(self.paths[0]).name if self.paths else ""
        slug = re.sub(r"[^A-Za-z0-9]+", "-", last).strip("-").lower()[:40]
        return base / "-".join(filter(None, (self.verb, slug, self.identity[:8])))


class Entry(NamedTuple):
    """Where a row lies in `rows.jsonl`, and what it was made from."""

    offset: int
    length: int
    bytes: int | None
    mtime_ns: int | None
    hash: str | None
    scorer: str
    missing: bool


class Run:
    """A run directory opened for writing; a context manager that saves and unlocks at its end.

    Use `Run.open`. Not safe for several threads: one thread appends.
    """

    def __init__(self, directory: Path, lock: int) -> None:
        self.directory = directory
        self._lock = lock
        self._rows: BinaryIO | None = None
        self._thumbnails: BinaryIO | None = None
        self._index: dict[str, Entry] = {}
        self._lines = 0
        self._waiting: list[bytes] = []
        self._waiting_thumbnails: list[bytes] = []
        self._offset = self._thumbnail_offset = 0
        self._written_at = time.monotonic()

    @classmethod
    def open(cls, directory: Path, request: Request, scorer: str, *, fresh: bool = False) -> Run:
        """Create `directory`, or take up the run in it.

        scorer : identity of what scores; rows of another identity are not `kept`.
        fresh  : forget the rows that are there.
        Raises `RunError` when the directory cannot be written, is in use by a living process,
        holds something else than a run, or a run of another request or of a newer version.
        """
        with _plain_errors(directory):
            directory.mkdir(parents=True, exist_ok=True)
            begun = _is_run(directory)
            run = cls(directory, _take_lock(directory))
            try:
                if fresh:
                    for name in (DONE, ROWS, THUMBNAILS, FACTS):
                        (directory / name).unlink(missing_ok=True)
                elif begun:
                    _check_same(directory, request)
                _write_json(directory / FACTS, _facts(request, scorer))
                run._take_up()
            except BaseException:
                run.close()
                raise
        return run

    def _take_up(self) -> None:
        """Read the rows that are there, cut off a torn last line, and open for appending."""
        rows = self.directory / ROWS
        if rows.exists():
            for offset, line, row in scan(rows):
                self._lines += 1
                self._offset = offset + len(line)
                self._index[row["image"]] = _entry(row, offset, len(line))
            if rows.stat().st_size > self._offset:
                os.truncate(rows, self._offset)
        self._rows = rows.open("ab", buffering=0)
        self._thumbnails = (self.directory / THUMBNAILS).open("ab", buffering=0)
        self._thumbnail_offset = self._thumbnails.tell()

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def get(self, name: str) -> Entry | None:
        """What is known of the image called `name`; None when it has no row."""
        return self._index.get(name)

    def read(self, entry: Entry) -> Row:
        """The row that `entry` points to, one that lay there when the run was opened."""
        with (self.directory / ROWS).open("rb") as file:
            file.seek(entry.offset)
            row: Row = json.loads(file.read(entry.length))
        return row

    def append(self, row: Row, thumbnail: bytes | None = None) -> None:
        """Add a row (it needs `image` and `scorer`) and its thumbnail; written soon, in a batch.

        Raises `RunError` when the disk is full or the file cannot be written.
        """
        if thumbnail is not None:
            row = {**row, "thumbnail": [self._thumbnail_offset, len(thumbnail)]}
            self._thumbnail_offset += len(thumbnail)
            self._waiting_thumbnails.append(thumbnail)
        line = _encode(row).encode() + b"\n"
        self._index[row["image"]] = _entry(row, self._offset, len(line))
        self._offset += len(line)
        self._lines += 1
        self._waiting.append(line)
        old = time.monotonic() - self._written_at > _BATCH_SECONDS
        if old or len(self._waiting) >= _BATCH_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait; thumbnails first, so that no row points to nothing."""
        if self._rows is not None and self._thumbnails is not None and self._waiting:
            waiting, self._waiting = self._waiting, []
            thumbnails, self._waiting_thumbnails = self._waiting_thumbnails, []
            # A refusal leaves the index ahead of the file: `_plain_errors` ends the run then,
            # and the next opening reads what is really there.
            with _plain_errors(self.directory):
                _write_all(self._thumbnails, b"".join(thumbnails))
                _write_all(self._rows, b"".join(waiting))
        self._written_at = time.monotonic()

    def finish(self, names: Sequence[str]) -> None:
        """Mark the run as complete.

        names : every image of the request, sorted; rows of others (vanished since) leave.
        """
        self.flush()
        with _plain_errors(self.directory):
            if self._lines != len(names) or not self._lies_sorted(names):
                self._rewrite(names)
            missing = sum(self._index[name].missing for name in names)
            counts = {"rows": len(names), "scored": len(names) - missing, "missing": missing}
            _write_json(self.directory / DONE, {"format": FORMAT, **counts, "finished": _now()})

    def _lies_sorted(self, names: Sequence[str]) -> bool:
        places = [self._index[name].offset for name in names]
        return all(a < b for a, b in pairwise(places))

    def _rewrite(self, names: Sequence[str]) -> None:
        """Leave one row an image, in order; the old file stays until the new one is whole."""
        path = self.directory / ROWS
        index: dict[str, Entry] = {}
        offset = 0
        with path.open("rb") as old, atomic(path) as new:
            for name in names:
                entry = self._index[name]
                old.seek(entry.offset)
                new.write(old.read(entry.length))
                index[name] = entry._replace(offset=offset)
                offset += entry.length
        assert self._rows is not None
        self._rows.close()
        self._rows = path.open("ab", buffering=0)
        self._index, self._lines, self._offset = index, len(names), offset

    def close(self) -> None:
        """Write what waits, and unlock."""
        try:
            self.flush()
        finally:
            for file in (self._rows, self._thumbnails):
                if file is not None:
                    file.close()
            self._rows = self._thumbnails = None
            os.close(self._lock)


def read_facts(directory: Path) -> dict[str, Any]:
    """`run.json` of a run directory. Raises `RunError` when it is none, or of a newer version."""
    path = directory / FACTS
    try:
        facts = json.loads(path.read_text("utf-8"))
        version = facts["format"]
    except FileNotFoundError:
        fix = "Give the directory that `snellen score` printed."
        raise RunError(f"{directory} is no run directory: it has no {FACTS}", fix) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        fix = "Use --fresh to begin the run again."
        raise RunError(f"{path} cannot be read ({error})", fix) from None
    if version > FORMAT:
        what = f"{directory} was written by a newer Snellen ({facts.get('snellen')})"
        raise RunError(what, "Update Snellen, or give another --run.")
    assert isinstance(facts, dict)
    return facts


def is_done(directory: Path) -> bool:
    """Whether the run came to its end."""
    return (directory / DONE).exists()


def scan(path: Path) -> Iterator[tuple[int, bytes, Row]]:
    """Every good line of a rows file: its offset, its bytes and the row.

    Ends before the first line that is not whole, which is where a killed process stopped.
    """
    offset = 0
    with path.open("rb") as file:
        for line in file:
            try:
                row = json.loads(line) if line.endswith(b"\n") else None
            except ValueError:
                row = None
            if not isinstance(row, dict) or "image" not in row:
                return
            yield offset, line, row
            offset += len(line)


def read_thumbnail(directory: Path, row: Row) -> bytes | None:
    """The JPEG thumbnail of a row; None when it has none."""
    place = row.get("thumbnail")
    if place is None:
        return None
    offset, length = place
    with (directory / THUMBNAILS).open("rb") as file:
        file.seek(offset)
        data = file.read(length)
    return data if len(data) == length else None


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


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    with atomic(path) as file:
        file.write((json.dumps(value, indent=2) + "\n").encode())


def _write_all(file: BinaryIO, data: bytes) -> None:
    """A raw file may take less than it was given."""
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]


def _entry(row: Row, offset: int, length: int) -> Entry:
    return Entry(
        offset,
        length,
        row.get("bytes"),
        row.get("mtime_ns"),
        row.get("hash"),
        sys.intern(row["scorer"]),
        row.get("missing") is not None,
    )


def _facts(request: Request, scorer: str) -> dict[str, Any]:
    from importlib.metadata import version

    return {
        "format": FORMAT,
        "snellen": __version__,
        "verb": request.verb,
        "identity": request.identity,
        "paths": list(request.paths),
        "options": dict(request.options),
        "scorer": scorer,
        "versions": {
            "python": ".".join(map(str, sys.version_info[:3])),
            **{name: version(name) for name in _VERSIONS_OF},
        },
        "started": _now(),
    }


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def _is_run(directory: Path) -> bool:
    """Whether a run was begun here. Raises `RunError` when the directory holds other things."""
    if (directory / FACTS).exists():
        return True
    other = [p.name for p in directory.iterdir() if p.name != LOCK and p.suffix != ".tmp"]
    if other:
        what = f"{directory} is not empty and no run directory (it holds {sorted(other)[0]!r})"
        raise RunError(what, "Give a new directory as --run.")
    return False


def _check_same(directory: Path, request: Request) -> None:
    facts = read_facts(directory)
    if facts.get("identity") == request.identity:
        return
    asked = {"verb": request.verb, "paths": list(request.paths), **request.options}
    there = {"verb": facts.get("verb"), "paths": facts.get("paths"), **facts.get("options", {})}
    name = next((key for key in asked if asked[key] != there.get(key)), "options")
    what = f"{directory} is the run of another request ({name}: {there.get(name)!r} there, "
    what += f"{asked.get(name)!r} now)"
    raise RunError(what, "Give another --run, or --fresh to begin this one again.")


def _take_lock(directory: Path) -> int:
    """Lock the directory for this process; the system frees it when the process ends, however.

    Returns the open file that holds the lock. Raises `RunError` when another process holds it.
    """
    lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _lock_file(lock)
    except OSError as error:
        owner = os.read(lock, 32).decode("ascii", "replace").strip() or "unknown"
        os.close(lock)
        if error.errno not in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            raise
        what = f"{directory} is in use by process {owner}"
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
def _plain_errors(directory: Path) -> Iterator[None]:
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
