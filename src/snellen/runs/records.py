"""What `index.bin` holds of a row: 61 bytes, and how they are read."""

from __future__ import annotations

import hashlib
import math
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snellen.runs.rows import Row, scan

FIELDS = np.dtype(
    [
        ("high", "<u8"), ("low", "<u8"),  # 128 bits of BLAKE2b of the name
        ("offset", "<u8"), ("length", "<u4"),
        ("bytes", "<i8"), ("mtime_ns", "<i8"),  # of the file it was made from; NONE: unknown
        ("scorer", "<u8"),  # 64 bits of BLAKE2b of its identity
        ("score", "<f8"),  # NaN where there is none
        ("missing", "?"),
    ]
)  # fmt: skip
NONE = -(2**63)
AT_ONCE = 1 << 16  # records read together
_pack = struct.Struct("<QQQIqqQd?").pack
_PROBES = 16  # records looked at before the file is trusted

Records = npt.NDArray[Any]


def record(row: Row, offset: int, length: int) -> bytes:
    """The record of a row that lies at `offset`."""
    size, mtime, score = row.get("bytes"), row.get("mtime_ns"), row.get("score")
    [scorer] = numbers(row["scorer"], 1)
    return _pack(
        *numbers(row["image"], 2), offset, length, NONE if size is None else size,
        NONE if mtime is None else mtime, scorer,
        score if isinstance(score, (int, float)) else math.nan, row.get("missing") is not None,
    )  # fmt: skip


def digest(name: str) -> bytes:
    """What a name is known by."""
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def numbers(name: str, count: int) -> tuple[int, ...]:
    """The first 64 or 128 bits of a name's hash, in numbers of 64."""
    return struct.unpack_from(f"<{count}Q", digest(name))


def read_records(path: Path, start: int, count: int) -> Records:
    """Some records that follow each other."""
    with path.open("rb") as file:
        file.seek(start * FIELDS.itemsize)
        return np.frombuffer(file.read(count * FIELDS.itemsize), FIELDS)


def fitting_end(path: Path, rows: Path) -> int | None:
    """The offset behind the row of the last record, where records spread over the file lead to
    rows of their names; None where one does not."""
    end = 0
    count = path.stat().st_size // FIELDS.itemsize
    size = rows.stat().st_size if rows.exists() else 0
    for place in np.linspace(0, count - 1, min(_PROBES, count)).astype(int):
        [one] = read_records(path, int(place), 1)
        start, length = int(one["offset"]), int(one["length"])
        if start + length > size:
            return None
        _, line, row = next(scan(rows, start), (0, b"", {"image": ""}))
        if len(line) != length or numbers(row["image"], 2) != (one["high"], one["low"]):
            return None
        end = start + length
    return end


def of_sorted_rows(path: Path, rows: Path) -> Iterator[Records] | None:
    """The records of a finished run, which lie as its rows do; None where they may not be those.

    Rows that were written after them, by hand or by copying, are not theirs.
    """
    try:
        about = os.stat(path)
    except OSError:
        return None
    count, torn = divmod(about.st_size, FIELDS.itemsize)
    written = os.stat(rows)
    if torn or about.st_mtime_ns < written.st_mtime_ns or fitting_end(path, rows) is None:
        return None
    end = 0
    for start in range(0, count, AT_ONCE):
        part = read_records(path, start, AT_ONCE)
        ends = part["offset"] + part["length"]
        if part["offset"][0] != end or (ends[:-1] != part["offset"][1:]).any():
            return None
        end = int(ends[-1])
    if end != written.st_size:
        return None
    return (read_records(path, start, AT_ONCE) for start in range(0, count, AT_ONCE))
