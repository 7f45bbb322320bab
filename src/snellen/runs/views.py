"""Which tables and pages show the rows of a run as they are now: `views.json`.

A file counts as long as it is the very one that was written, by size and time of change, and
nothing it was made from is another: the rows, what was asked, the version that wrote it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from snellen import __version__
from snellen.runs.files import plain_errors, write_json
from snellen.runs.rows import DONE, FACTS, ROWS

VIEWS = "views.json"


class Views:
    """The tables and pages written from the run in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._source = [__version__, *(_stamp(directory / name) for name in (FACTS, ROWS, DONE))]
        there = _read(directory / VIEWS)
        known = there.get("views") if there.get("source") == self._source else None
        self._views: dict[str, Any] = known if isinstance(known, dict) else {}

    def shows(self, path: str | Path) -> bool:
        """Whether a file lies there as it was written from these rows."""
        stamp = _stamp(Path(path))
        return stamp is not None and self._views.get(os.path.abspath(path)) == stamp

    def wrote(self, path: str | Path) -> None:
        """Note a file that was written just now."""
        self._views[os.path.abspath(path)] = _stamp(Path(path))
        with plain_errors(self._directory):
            write_json(self._directory / VIEWS, {"source": self._source, "views": self._views})


def _stamp(path: Path) -> list[int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]


def _read(path: Path) -> dict[str, Any]:
    try:
        there = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return there if isinstance(there, dict) else {}
