"""An SQLite file of ours: several processes write it, kill -9 spoils nothing, older ones migrate.

Every `transaction` is there entirely or not at all after a crash of the process (WAL mode); after a
crash of the machine the last ones may be missing (`synchronous = NORMAL`, or never with
`careful`), and nothing is damaged. WAL needs shared memory, so such a file belongs on a local
disk, not on NFS.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from snellen.errors import SnellenError
from snellen.runs.closing import Closing

WAIT = 60.0  # seconds to wait for another process that writes

Steps = tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Schema:
    """What a kind of file is.

    called      : what people call it: "file of answers".
    application : marks the file as ours and as of this kind (PRAGMA application_id).
    steps       : statements of step i bring a file from schema i to i + 1; a new file takes all of
                  them. A step that was ever released is never changed: another is added.
    error       : raised for everything that is wrong with the file.
    rescue      : what to do with a damaged one.
    careful     : a transaction outlives a crash of the machine too, at the cost of a disk flush.
    """

    called: str
    application: int
    steps: Steps
    error: type[SnellenError]
    rescue: str
    careful: bool = False


class Database(Closing):
    """One open file. Usable from several threads and across a fork.

    path   : the file; made if it is not there, brought up to date if it is of an older version.
    forget : called when rows that were read may have been taken back, so that ids are asked again.
    Raises the schema's error where the file is damaged, newer, another program's, or cannot be
    opened or written; here and from every method.
    """

    def __init__(
        self, path: Path, schema: Schema, forget: Callable[[], None] = lambda: None
    ) -> None:
        self.path = Path(path)
        self._schema = schema
        self._forget = forget
        self._lock = threading.RLock()
        self._abandoned: list[sqlite3.Connection] = []
        if not self.path.parent.is_dir():
            raise schema.error(
                f"{path}: the directory for the {schema.called} does not exist", "Make it first."
            )
        with self._errors():
            self._open()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; waits for other writers first."""
        with self._errors(), self._lock, self._atomic() as connection:
            yield connection

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        with self._errors(), self._lock:
            return self._mine().execute(query, values).fetchall()

    def check(self) -> None:
        """Read the whole file; raises where any page of it is damaged."""
        [first, *more] = self.rows("PRAGMA integrity_check(3)")
        if first[0] != "ok":
            raise self.damaged("; ".join(str(row[0]) for row in (first, *more)))

    def close(self) -> None:
        """Close the file; nothing is asked of it afterwards."""
        with self._lock:
            self._connection.close()

    def damaged(self, reason: str) -> SnellenError:
        """The error for contents that make no sense."""
        what = f"{self.path}: the {self._schema.called} is damaged ({reason})"
        return self._schema.error(what, self._schema.rescue.format(path=self.path))

    # --- opening ------------------------------------------------------------------------------

    def _open(self) -> None:
        """Connect, make sure that the file is ours, and bring it up to date."""
        self._connection = sqlite3.connect(
            self.path, timeout=WAIT, isolation_level=None, check_same_thread=False
        )
        self._owner = os.getpid()
        try:
            self._check_ours()
            self._write_ahead()
            level = "FULL" if self._schema.careful else "NORMAL"
            self._connection.execute(f"PRAGMA synchronous = {level}")
            self._migrate()
        except BaseException:
            self._connection.close()
            raise

    def _check_ours(self) -> None:
        """Raise before anything is written to a file that is not ours or newer than this."""
        mark, version = self._mark_and_version()
        [tables] = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if mark != self._schema.application and (tables or mark):
            raise self._schema.error(
                f"{self.path} is an SQLite file of another program",
                f"Give another file as the {self._schema.called}.",
            )
        if version > len(self._schema.steps):
            raise self._schema.error(
                f"{self.path} was written by a newer version (its schema is {version}, this"
                f" version knows {len(self._schema.steps)})",
                "Run: pip install --upgrade snellen; or give another file.",
            )

    def _mark_and_version(self) -> tuple[int, int]:
        [mark] = self._connection.execute("PRAGMA application_id").fetchone()
        [version] = self._connection.execute("PRAGMA user_version").fetchone()
        return int(mark), int(version)

    def _write_ahead(self) -> None:
        """Turn on WAL, for which SQLite does not wait by itself while another process opens."""
        until = time.monotonic() + WAIT
        while not self._turned_to_wal(last=time.monotonic() > until):
            time.sleep(0.01)

    def _turned_to_wal(self, *, last: bool) -> bool:
        """Try once; at the `last` try a lock is an error."""
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if last or "locked" not in str(error):
                raise
            return False
        return True

    def _migrate(self) -> None:
        """Take the steps that the file lacks, all or none, whoever else opens it now."""
        steps = self._schema.steps
        if self._mark_and_version() == (self._schema.application, len(steps)):
            return
        with self._atomic() as connection:
            _, version = self._mark_and_version()  # again: another process may have been first
            for step in steps[version:]:
                for statement in step:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {self._schema.application}")
            connection.execute(f"PRAGMA user_version = {len(steps)}")

    # --- reading and writing ------------------------------------------------------------------

    @contextmanager
    def _atomic(self) -> Iterator[sqlite3.Connection]:
        connection = self._mine()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            self._forget()
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _mine(self) -> sqlite3.Connection:
        """The connection of this process: SQLite's must not be carried across a fork."""
        if self._owner != os.getpid():
            # Closing the parent's connection here would touch its locks, so it is only left.
            self._abandoned.append(self._connection)
            self._forget()
            self._open()
        return self._connection

    # --- errors -------------------------------------------------------------------------------

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What SQLite says, as errors of ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise self._schema.error(
                f"{self.path}: the {self._schema.called} cannot be used ({error})",
                _fix(str(error)),
            ) from error
        except sqlite3.DatabaseError as error:
            raise self.damaged(str(error)) from error


def _fix(reason: str) -> str:
    """What to do about SQLite's usual refusals."""
    if "locked" in reason:
        return f"Another process has been writing for {WAIT:g} s: end it, or give another file."
    if "full" in reason:
        return "Free some space on its disk; what was kept before is safe."
    if "readonly" in reason:
        return "Make it and its folder writable, or give another file."
    return "Give a file in a folder that can be written, on a local disk."
