"""The file of a study: who was shown what, and what they said. SQLite, durable before the next.

Every answer is one transaction that is flushed to the disk before it is confirmed, so closing the
tab, killing the server or pulling the plug loses at most the answer that was never confirmed. An
answer belongs to a trial and a trial has at most one, so a request that is sent twice, or two tabs
of one rater, cannot double anything. What is undone is moved aside, not deleted.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from snellen.errors import StudyError
from snellen.runs import Closing, Database, Schema

Task: TypeAlias = Literal["acr", "pairs"]
Kind: TypeAlias = Literal["training", "rating", "repeat", "check"]
KINDS: tuple[Kind, ...] = ("training", "rating", "repeat", "check")

_APPLICATION = 0x534E_5254  # "SNRT"
_RUINED = "~"  # behind an image's hash: its copy that everybody should find bad

_STEPS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE images (
            hash TEXT PRIMARY KEY,    -- SHA-256 of the file
            name TEXT NOT NULL        -- as it was found, for people
        ) WITHOUT ROWID""",
        """CREATE TABLE raters (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            token TEXT NOT NULL UNIQUE,
            joined REAL NOT NULL,     -- seconds since 1970, UTC; likewise `answered`
            conditions TEXT           -- JSON, asked once
        )""",
        """CREATE TABLE rounds (       -- what everybody is asked to rate, in the order chosen
            round INTEGER NOT NULL,
            place INTEGER NOT NULL,
            shown TEXT NOT NULL,      -- JSON list of images
            PRIMARY KEY (round, place)
        ) WITHOUT ROWID""",
        """CREATE TABLE trials (
            id INTEGER PRIMARY KEY,
            rater INTEGER NOT NULL REFERENCES raters,
            round INTEGER NOT NULL,
            place INTEGER NOT NULL,   -- counts through the rater's whole study
            kind TEXT NOT NULL,
            shown TEXT NOT NULL,
            UNIQUE (rater, place)
        )""",
        """CREATE TABLE answers (
            number INTEGER PRIMARY KEY AUTOINCREMENT,  -- the order, whatever clocks say
            trial INTEGER NOT NULL UNIQUE REFERENCES trials,
            value TEXT NOT NULL,
            seconds REAL,             -- from showing to answering, by the rater's monotonic clock
            about TEXT NOT NULL,      -- JSON: window, zoom
            answered REAL NOT NULL
        )""",
        """CREATE TABLE undone (
            trial INTEGER NOT NULL REFERENCES trials,
            value TEXT NOT NULL,
            seconds REAL,
            undone REAL NOT NULL
        )""",
    ),
)


@dataclass(frozen=True, slots=True)
class Stimulus:
    """One picture as it is shown: the file itself, or its ruined copy.

    image : SHA-256 of the file.
    """

    image: str
    ruined: bool = False

    @property
    def key(self) -> str:
        """How links and tables write it."""
        return self.image + _RUINED * self.ruined

    @classmethod
    def of(cls, key: str) -> Stimulus:
        """From `key`."""
        return cls(key.removesuffix(_RUINED), key.endswith(_RUINED))


Shown: TypeAlias = tuple[Stimulus, ...]


@dataclass(frozen=True, slots=True)
class Rater:
    """One person. `token` is the secret of the link; `conditions` is None until asked."""

    id: int
    name: str
    token: str
    conditions: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing to answer, and the answer.

    shown   : one stimulus (acr) or two in the order of the screen (pairs).
    value   : "1" … "5", or "first", "second", "same"; None while it is open.
    seconds : the rater took; None where the page could not tell.
    """

    id: int
    rater: str
    round: int
    place: int
    kind: Kind
    shown: Shown
    value: str | None = None
    seconds: float | None = None
    answered: float | None = None


class StudyFile(Closing):
    """The study in one file. Usable from several threads and processes.

    path : made if it is not there. Raises `StudyError` for a file that is damaged, newer, another
           program's, or that cannot be written (a full disk, no rights); so does every method.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        schema = Schema(
            called="file of ratings",
            application=_APPLICATION,
            steps=_STEPS,
            error=StudyError,
            rescue="Keep a copy and save what is left: sqlite3 {path} .recover",
            careful=True,
        )
        self._file = Database(self.path, schema)

    # --- the study ----------------------------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        """What the study was begun with; empty for a new file."""
        return {
            str(key): json.loads(value) for key, value in self._file.rows("SELECT * FROM study")
        }

    def keep_settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Keep settings that are not there yet; gives those that hold."""
        with self._file.transaction() as connection:
            rows = [(key, json.dumps(value)) for key, value in settings.items()]
            connection.executemany("INSERT OR IGNORE INTO study VALUES (?, ?)", rows)
        return self.settings()

    def change_setting(self, key: str, value: Any) -> None:
        """Set one setting anew."""
        with self._file.transaction() as connection:
            connection.execute("REPLACE INTO study VALUES (?, ?)", (key, json.dumps(value)))

    def name_images(self, names: dict[str, str]) -> None:
        """Keep hash → name, for tables that outlive the files."""
        with self._file.transaction() as connection:
            connection.executemany("REPLACE INTO images VALUES (?, ?)", names.items())

    def names(self) -> dict[str, str]:
        """Hash → name of every image that was ever offered."""
        return {str(image): str(name) for image, name in self._file.rows("SELECT * FROM images")}

    # --- raters -------------------------------------------------------------------------------

    def join(self, name: str) -> Rater:
        """The rater of this name, made with a new secret link if there is none."""
        with self._file.transaction() as connection:
            row = (name, secrets.token_urlsafe(16), time.time())
            connection.execute(
                "INSERT OR IGNORE INTO raters (name, token, joined) VALUES (?, ?, ?)", row
            )
        return next(rater for rater in self.raters() if rater.name == name)

    def raters(self) -> list[Rater]:
        """Everybody who was invited, in order."""
        query = "SELECT id, name, token, conditions FROM raters ORDER BY id"
        return [
            Rater(int(number), str(name), str(token), None if text is None else json.loads(text))
            for number, name, token, text in self._file.rows(query)
        ]

    def keep_conditions(self, rater: Rater, conditions: dict[str, Any]) -> None:
        """Keep the rater's viewing conditions."""
        with self._file.transaction() as connection:
            query = "UPDATE raters SET conditions = ? WHERE id = ?"
            connection.execute(query, (json.dumps(conditions), rater.id))

    # --- rounds and trials --------------------------------------------------------------------

    def rounds(self) -> list[list[Shown]]:
        """What everybody rates, round by round."""
        rounds: dict[int, list[Shown]] = {}
        for number, shown in self._file.rows(
            "SELECT round, shown FROM rounds ORDER BY round, place"
        ):
            rounds.setdefault(int(number), []).append(_shown(shown))
        return [rounds[number] for number in sorted(rounds)]

    def add_round(self, number: int, items: Sequence[Shown]) -> None:
        """Keep a round, unless another process has been first."""
        with self._file.transaction() as connection:
            query = "SELECT count(*) FROM rounds WHERE round = ?"
            if connection.execute(query, (number,)).fetchone() == (0,):
                rows = [(number, place, _text(shown)) for place, shown in enumerate(items)]
                connection.executemany("INSERT INTO rounds VALUES (?, ?, ?)", rows)

    def add_trials(self, rater: Rater, number: int, planned: Sequence[tuple[Kind, Shown]]) -> None:
        """Append a rater's trials of a round, unless they are there already."""
        with self._file.transaction() as connection:
            query = "SELECT count(*), coalesce(sum(round = ?), 0) FROM trials WHERE rater = ?"
            start, there = connection.execute(query, (number, rater.id)).fetchone()
            if not there:
                rows = [
                    (rater.id, number, start + i, kind, _text(shown))
                    for i, (kind, shown) in enumerate(planned)
                ]
                connection.executemany(
                    "INSERT INTO trials (rater, round, place, kind, shown) VALUES (?, ?, ?, ?, ?)",
                    rows,
                )

    def trials(self, rater: Rater | None = None) -> list[Trial]:
        """Every trial (of one rater), in the order shown; with its answer where there is one."""
        query = (
            "SELECT trials.id, raters.name, round, place, kind, shown, value, seconds, answered"
            " FROM trials JOIN raters ON rater = raters.id"
            " LEFT JOIN answers ON answers.trial = trials.id"
            " WHERE ? IS NULL OR raters.id = ? ORDER BY raters.id, place"
        )
        chosen = None if rater is None else rater.id
        return [
            Trial(number, name, round_, place, kind, _shown(shown), *answer)
            for number, name, round_, place, kind, shown, *answer in self._file.rows(
                query, (chosen, chosen)
            )
        ]

    # --- answers ------------------------------------------------------------------------------

    def answer(
        self, trial: Trial, value: str, seconds: float | None, about: dict[str, Any]
    ) -> None:
        """Keep an answer. The same one again is no error; another one is.

        Raises `StudyError` where the trial has another answer, or where it cannot be kept.
        """
        with self._file.transaction() as connection:
            connection.execute(
                "INSERT OR IGNORE INTO answers (trial, value, seconds, about, answered)"
                " VALUES (?, ?, ?, ?, ?)",
                (trial.id, value, seconds, json.dumps(about), time.time()),
            )
            query = "SELECT value FROM answers WHERE trial = ?"
            [kept] = connection.execute(query, (trial.id,)).fetchone()
        if kept != value:
            raise StudyError(
                f"this picture was already answered with {kept!r}", "Undo that answer first."
            )

    def undo(self, rater: Rater) -> bool:
        """Take back the rater's last answer; False where there is none."""
        with self._file.transaction() as connection:
            row = connection.execute(
                "SELECT trial, value, seconds FROM answers JOIN trials ON trial = trials.id"
                " WHERE rater = ? ORDER BY place DESC LIMIT 1",
                (rater.id,),
            ).fetchone()
            if row is not None:
                connection.execute("INSERT INTO undone VALUES (?, ?, ?, ?)", (*row, time.time()))
                connection.execute("DELETE FROM answers WHERE trial = ?", row[:1])
        return row is not None

    def check(self) -> None:
        """Read the whole file; raises `StudyError` where any page of it is damaged."""
        self._file.check()

    def close(self) -> None:
        """Close the file; nothing is asked of it afterwards."""
        self._file.close()


def _text(shown: Shown) -> str:
    return json.dumps([stimulus.key for stimulus in shown])


def _shown(text: str) -> Shown:
    return tuple(Stimulus.of(key) for key in json.loads(text))
