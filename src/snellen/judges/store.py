"""The file of remembered answers: SQLite, safe with several processes and with kill -9.

One row an answer. Judges and wordings are kept once each, so that a method's thousand questions
cost their image hashes and numbers. The file stays readable with any SQLite tool:

    sqlite3 answers.db "SELECT text, images, answer FROM answers JOIN wordings ON wording = id"

Every `put` is one transaction, there entirely or not at all (see `runs.database`).
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from snellen.errors import AnswerFileError, InputError
from snellen.judges.answer import Answer
from snellen.judges.question import Question
from snellen.runs import Closing, Database, Schema, atomic

_APPLICATION = 0x534E_4C4E  # "SNLN"
_CHUNK = 500  # keys or rows in one SELECT; SQLite takes 999 variables everywhere

_INSERT = (
    "INSERT OR IGNORE INTO answers (judge, key, wording, images, answer, asked)"
    " VALUES (?, ?, ?, ?, ?, ?)"
)

# See `Schema.steps`: a step that was ever released is never changed.
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


class AnswerStore(Closing):
    """Answers by judge and question in one SQLite file. Usable from several threads.

    path : the file; made if it is not there, brought up to date if it is of an older version.
    Raises `AnswerFileError` where the file is damaged, newer, another program's, or cannot be
    opened or written; here and from every method.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._ids: dict[tuple[str, str], int] = {}
        schema = Schema(
            called="file of answers",
            application=_APPLICATION,
            steps=_STEPS,
            error=AnswerFileError,
            rescue="Move it away and ask again, or save what is left: sqlite3 {path} .recover",
        )
        self._file = Database(self.path, schema, forget=self._ids.clear)

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
            for key, text in self._file.rows(query, (judge, *part)):
                found[key.hex()] = self._answer(text, options[key.hex()])
        return found

    def put(self, judge: str, answers: Iterable[tuple[Question, Answer]]) -> None:
        """Keep answers, all or none of them. One that is already there stays as it is; a missing
        answer is refused with `InputError`, as the next asking may succeed."""
        now = time.time()
        with self._file.transaction() as connection:
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
        [[count]] = self._file.rows("SELECT count(*) FROM answers")
        return int(count)

    def judges(self) -> dict[str, int]:
        """Name of judge → number of its answers."""
        query = "SELECT name, count(*) FROM answers JOIN judges ON judge = judges.id GROUP BY name"
        return {str(name): int(count) for name, count in self._file.rows(query)}

    def records(self, judge: str | None = None) -> Iterator[Record]:
        """Every answer (of one judge), oldest first; read in pages, so any number fits."""
        query = (
            "SELECT answers.rowid, name, key, text, images, answer, asked FROM answers"
            " JOIN judges ON judge = judges.id JOIN wordings ON wording = wordings.id"
            " WHERE answers.rowid > ? AND (? IS NULL OR name = ?)"
            f" ORDER BY answers.rowid LIMIT {_CHUNK}"
        )
        last = -1
        while rows := self._file.rows(query, (last, judge, judge)):
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
        self._file.check()

    def close(self) -> None:
        """Close the file; nothing is asked of it afterwards."""
        self._file.close()

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
            raise self._file.damaged(f"an answer cannot be read: {error}") from error


def _text(answer: Answer) -> str:
    """An answer as JSON, without the options, which the wording has."""
    plain: Mapping[str, Any] = answer.plain()
    kept = {name: value for name, value in plain.items() if name != "options"}
    return json.dumps(kept, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
