"""Reading a run directory: its rows and their thumbnails, finished or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FACTS, ROWS, THUMBNAILS, DONE, LOCK = (
    "run.json",
    "rows.jsonl",
    "thumbnails.bin",
    "done.json",
    "lock",
)

Row = dict[str, Any]


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
