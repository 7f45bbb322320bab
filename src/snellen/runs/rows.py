"""The files of a run directory, and one row or thumbnail of them after the other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FACTS, ROWS, INDEX, THUMBNAILS, DONE, LOCK = (
    "run.json",
    "rows.jsonl",
    "index.bin",
    "thumbnails.bin",
    "done.json",
    "lock",
)

Row = dict[str, Any]


def is_done(directory: Path) -> bool:
    """Whether the run came to its end."""
    return (directory / DONE).exists()


def scan(path: Path, start: int = 0) -> Iterator[tuple[int, bytes, Row]]:
    """Every good line of a rows file from the offset `start`: its offset, its bytes and the row.

    Ends before the first line that is not whole, which is where a killed process stopped.
    """
    offset = start
    with path.open("rb") as file:
        file.seek(start)
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
