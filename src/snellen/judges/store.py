"""The file of remembered answers: SQLite, safe with several processes and with kill -9.

One row an answer. Judges and wordings are kept once each, so that a method's thousand questions
cost their image hashes and numbers. The file stays readable with any SQLite tool:

    sqlite3 answers.db "SELECT text, images, answer FROM answers JOIN wordings ON wording = id"

Every `put` is one transaction in WAL mode: after a crash of the process each is there entirely or
not at all; after a crash of the machine the last ones may be missing (`synchronous = NORMAL`), and
nothing is damaged. WAL needs shared memory, so the file belongs on a local disk, not on NFS.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

from snellen.errors import AnswerFileError, InputError
from snellen.judges.answer import Answer
from snellen.judges.question import Question
from snellen.runs import atomic

_APPLICATION = 0x534E_4C4E  # "SNLN": marks the file as ours (PRAGMA application_id)
_WAIT = 60.0  # seconds to wait for another process that writes
_CHUNK = 500  # keys or rows in one SELECT; SQLite takes 999 variables everywhere

_INSERT = (
    "INSERT OR IGNORE INTO answers (judge, key, wording, images, answer, asked)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)

# Step i brings a file from schema i to i + 1; a new file takes all of them. A step that was ever
# released is never changed: add another.
_STEPS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE judges (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE)",
        "CREATE TABLE wordings (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE)",
        """CREATE TABLE answers (
            judge INTEGER NOT NULL REFERENCES judges,
            key BLOB NOT NULL,        -- Question.key, 32 bytes
            wording INTEGER NOT NULL REFERENCES wordings,
            images TEXT NOT NULL,     -- JSON array of the images' hashes, in order
            answer TEXT NOT NULL,     -- JSON of Answer.plain() without the options
            asked REAL NOT NULL       -- seconds since 1970, UTC
        )""",
        "CREATE UNIQUE INDEX answers_by_question ON answers (judge, key)",
    ),
)


@dataclass(frozen=True, slots=True)
class Record:
    """One remembered answer with all that was asked, as JSON values (see `AnswerStore.records`)."""

    judge: str
    key: str
    wording: dict[str, Any]
    images: tuple[str, ...]
    answer: Answer
    asked: datetime

    def plain(self) -> dict[str, Any]:
        """A line of the export; `scripted:` judges read it."""
        asked = self.asked.isoformat(timespec="seconds")
        return {
            "key": self.key,
            "judge": self.judge,
            "question": {**self.wording, "images": list(self.images)},
            "answer": self.answer.plain(),
            "asked": asked,
        }


class AnswerStore:
    """Answers by judge and question in one SQLite file. Usable from several threads.

    path : the file; made if it is not there, brought up to date if it is of an older version.
    Raises `AnswerFileError` where the file is damaged, newer, another program's, or cannot be
    opened or written; here and from every method.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._lock = threading.RLock()
        self._abandoned: list[sqlite3.Connection] = []
        self._ids: dict[tuple[str, str], int] = {}
        if not self.path.parent.is_dir():
            raise AnswerFileError(
                f"{path}: the directory for the file of answers does not exist", "Make it first."
            )
        with self._errors():
            self._open()

    def get(self, judge: str, questions: Sequence[Question]) -> dict[str, Answer]:
        """`Question.key` → answer, of the questions that this judge has answered."""
        options = {question.key: question.options for question in questions}
        keys, found = list(options), {}
        for start in range(0, len(keys), _CHUNK):
            part = [bytes.fromhex(key) for key in keys[start : start + _CHUNK]]
            query = (
                "SELECT key, answer FROM answers WHERE judge = (SELECT id FROM judges WHERE"
                f" name = ?) AND key IN ({', '.join('?' * len(part))})"
            )
            for key, text in self._rows(query, (judge, *part)):
                found[key.hex()] = self._answer(text, options[key.hex()])
        return found

    def put(self, judge: str, answers: Iterable[tuple[Question, Answer]]) -> None:
        """Keep answers, all or none of them. One that is already there stays as it is; a missing
        answer is refused with `InputError`, as the next asking may succeed."""
        now = time.time()
        with self._errors(), self._lock, self._transaction() as connection:
            for question, answer in answers:
                if answer.missing:
                    raise InputError("a missing answer is not to be remembered")
                row = (
                    self._id(connection, "judges", "name", judge),
                    bytes.fromhex(question.key),
                    self._id(connection, "wordings", "text", question.wording),
                    json.dumps([image.hash for image in question.images]),
                    _text(answer),
                    now,
                )
                connection.execute(_INSERT, row)

    def __len__(self) -> int:
        """Number of answers."""
        [[count]] = self._rows("SELECT count(*) FROM answers")
        return int(count)

    def judges(self) -> dict[str, int]:
        """Name of judge → number of its answers."""
        query = "SELECT name, count(*) FROM answers JOIN judges ON judge = judges.id GROUP BY name"
        return {str(name): int(count) for name, count in self._rows(query)}

    def records(self, judge: str | None = None) -> Iterator[Record]:
        """Every answer (of one judge), oldest first; read in pages, so any number fits."""
        query = (
            "SELECT answers.rowid, name, key, text, images, answer, asked FROM answers"
            " JOIN judges ON judge = judges.id JOIN wordings ON wording = wordings.id"
            " WHERE answers.rowid > ? AND (? IS NULL OR name = ?)"
            f" ORDER BY answers.rowid LIMIT {_CHUNK}"
        )
        last = -1
        while rows := self._rows(query, (last, judge, judge)):
            last = rows[-1][0]
            for _, name, key, text, images, answer, asked in rows:
                wording = json.loads(text)
                yield Record(
                    judge=name,
                    key=key.hex(),
                    wording=wording,
                    images=tuple(json.loads(images)),
                    answer=self._answer(answer, tuple(wording["options"])),
                    asked=datetime.fromtimestamp(asked, timezone.utc),
                )

    def export(self, path: Path, judge: str | None = None) -> int:
        """Write the answers (of one judge) as JSON lines; gives their number.

        `scripted:PATH` replays them. The file appears when it is complete.
        """
        count = 0
        with atomic(path) as file:
            for record in self.records(judge):
                line = json.dumps(record.plain(), ensure_ascii=False, allow_nan=False)
                file.write(line.encode("utf-8", "backslashreplace") + b"\n")
                count += 1
        return count

    def check(self) -> None:
        """Read the whole file; raises `AnswerFileError` where any page of it is damaged."""
        [first, *more] = self._rows("PRAGMA integrity_check(3)")
        if first[0] != "ok":
            raise self._damaged("; ".join(str(row[0]) for row in (first, *more)))

    def close(self) -> None:
        """Close the file; nothing is asked of it afterwards."""
        with self._lock:
            self._connection.close()

    def __enter__(self) -> AnswerStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # --- opening ------------------------------------------------------------------------------

    def _open(self) -> None:
        """Connect, make sure that the file is ours, and bring it up to date."""
        self._connection = sqlite3.connect(
            self.path, timeout=_WAIT, isolation_level=None, check_same_thread=False
        )
        self._owner = os.getpid()
        try:
            self._check_ours()
            self._write_ahead()
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._migrate()
        except BaseException:
            self._connection.close()
            raise

    def _check_ours(self) -> None:
        """Raise before anything is written to a file that is not ours or newer than this."""
        mark, version = self._mark_and_version()
        [tables] = self._connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if mark != _APPLICATION and (tables or mark):
            raise AnswerFileError(
                f"{self.path} is an SQLite file of another program",
                "Give another file for the answers.",
            )
        if version > len(_STEPS):
            raise AnswerFileError(
                f"{self.path} was written by a newer version (its schema is {version}, this"
                f" version knows {len(_STEPS)})",
                "Run: pip install --upgrade snellen; or give another file.",
            )

    def _mark_and_version(self) -> tuple[int, int]:
        [mark] = self._connection.execute("PRAGMA application_id").fetchone()
        [version] = self._connection.execute("PRAGMA user_version").fetchone()
        return int(mark), int(version)

    def _write_ahead(self) -> None:
        """Turn on WAL, for which SQLite does not wait by itself while another process opens."""
        until = time.monotonic() + _WAIT
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
        if self._mark_and_version() == (_APPLICATION, len(_STEPS)):
            return
        with self._transaction() as connection:
            _, version = self._mark_and_version()  # again: another process may have been first
            for step in _STEPS[version:]:
                for statement in step:
                    connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            connection.execute(f"PRAGMA user_version = {len(_STEPS)}")

    # --- reading and writing ------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; waits for other writers first."""
        connection = self._mine()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            self._ids.clear()  # some may be of rows that are taken back
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _rows(self, query: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._errors(), self._lock:
            return self._mine().execute(query, values).fetchall()

    def _mine(self) -> sqlite3.Connection:
        """The connection of this process: SQLite's must not be carried across a fork."""
        if self._owner != os.getpid():
            # Closing the parent's connection here would touch its locks, so it is only left.
            self._abandoned.append(self._connection)
            self._ids.clear()
            self._open()
        return self._connection

    def _id(self, connection: sqlite3.Connection, table: str, column: str, value: str) -> int:
        """Row of a judge or wording, made if it is new."""
        known = self._ids.get((table, value))
        if known is None:
            connection.execute(f"INSERT OR IGNORE INTO {table} ({column}) VALUES (?)", (value,))
            query = f"SELECT id FROM {table} WHERE {column} = ?"
            [known] = connection.execute(query, (value,)).fetchone()
            self._ids[table, value] = int(known)
        return int(known)

    def _answer(self, text: str, options: tuple[str, ...]) -> Answer:
        try:
            return Answer.from_plain({**json.loads(text), "options": options})
        except (ValueError, KeyError, TypeError, InputError) as error:
            raise self._damaged(f"an answer cannot be read: {error}") from error

    # --- errors -------------------------------------------------------------------------------

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What SQLite says, as errors of ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise AnswerFileError(
                f"{self.path}: the file of answers cannot be used ({error})", _fix(str(error))
            ) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, reason: str) -> AnswerFileError:
        return AnswerFileError(
            f"{self.path}: the file of answers is damaged ({reason})",
            f"Move it away and ask again, or save what is left: sqlite3 {self.path} .recover",
        )


def _fix(reason: str) -> str:
    """What to do about SQLite's usual refusals."""
    if "locked" in reason:
        return f"Another process has been writing for {_WAIT:g} s: end it, or give another file."
    if "full" in reason:
        return "Free some space on its disk; what was kept before is safe."
    if "readonly" in reason:
        return "Make it and its folder writable, or give another file."
    return "Give a file in a folder that can be written, on a local disk."


def _text(answer: Answer) -> str:
    """An answer as JSON, without the options, which the wording has."""
    plain: Mapping[str, Any] = answer.plain()
    kept = {name: value for name, value in plain.items() if name != "options"}
    return json.dumps(kept, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
