"""One file's row: read it, score it, make it small; whatever goes wrong is the row's reason."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Callable
from threading import local
from typing import TYPE_CHECKING, Any

from snellen.errors import ImageError, ScorerError, SnellenError
from snellen.images import (
    AnyFile,
    DecodeBuffer,
    Found,
    Picture,
    PixelBudget,
    Source,
    content_hash,
)
from snellen.images.sources import NO_STAMP, Stamp
from snellen.images.thumbnail import make_thumbnail
from snellen.runs import Row
from snellen.table import COLUMNS

if TYPE_CHECKING:
    from snellen.scorers.base import Evidence, Score, Scorer

PIXELS_PER_THREAD = 32_000_000  # in memory at once: two threads may hold two 24 MP photos
_KEPT_BUFFER = 3 * PIXELS_PER_THREAD  # bytes a thread may keep to decode the next JPEG into
_DIGITS = 3  # of scores; a thousandth of a point is far under any interval

_encode = json.JSONEncoder(separators=(",", ":"), default=float).encode  # numpy's numbers too

Result = tuple[Row, bytes | None]
"""A row, and the thumbnail where there are pixels."""


class RowMaker:
    """What a thread does with one file. Any number of threads may share it.

    reader : `images.read` with its options.
    budget : pixels that all threads together may hold.
    """

    def __init__(self, scorer: Scorer, reader: Callable[..., Picture], budget: PixelBudget) -> None:
        self._scorer = scorer
        self.scorer = scorer.name
        self._read = reader
        self._budget = budget
        self._thread = local()  # `buffer`: each thread decodes into memory of its own

    def __call__(self, found: Found, kept: Row | None = None) -> Result:
        """The row of `found`.

        kept : a row made of a file of this name and length by this scorer; still good when the
               bytes are those that it was made of.
        """
        size, mtime = stamp(found.path)
        row = {**self._empty(found), "bytes": size, "mtime_ns": mtime}
        return self._filled(row, found, kept)

    def from_bytes(self, found: Found, data: bytes | None) -> Result:
        """The row of a picture that lies in memory."""
        return self._filled(self._empty(found), found, data=data or b"")

    def _empty(self, found: Found) -> Row:
        return {**dict.fromkeys(COLUMNS), "image": found.name, "scorer": self.scorer}

    def _filled(
        self, row: Row, found: Found, kept: Row | None = None, data: bytes | None = None
    ) -> Result:
        mtime, thumbnail = row.get("mtime_ns"), None
        source = found.path if data is None else data
        try:
            if found.problem is not None:
                raise found.problem
            if kept is not None and _holds(found.path, kept):
                return {**kept, "mtime_ns": mtime}, None
            with self._budget.share() as admit:
                picture = self._read(source, buffer=self._buffer(), admit=admit)
                row |= _about(picture)
                thumbnail = make_thumbnail(picture.pixels)
                row |= _numbers(self._scorer.score(picture), picture)
                if picture.pixels.nbytes > _KEPT_BUFFER:
                    self._thread.buffer = None  # one huge picture is not remembered for ever
        except SnellenError as error:
            row["missing"] = f"{type(error).__name__}: {error}"
        except Exception as error:  # one picture must not end the run, whatever it does to us
            row["missing"] = f"unexpected {type(error).__name__}: {error}"
        return row, thumbnail

    def _buffer(self) -> DecodeBuffer:
        buffer: DecodeBuffer | None = getattr(self._thread, "buffer", None)
        if buffer is None:
            buffer = self._thread.buffer = DecodeBuffer()
        return buffer


def stamp(path: AnyFile | str) -> Stamp:
    """Size in bytes and time of change in ns of a regular file; (None, None) of anything else."""
    if isinstance(path, Source):
        return path.stamp
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return NO_STAMP
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else NO_STAMP


def _holds(path: AnyFile, row: Row) -> bool:
    """Whether a file that was touched still holds the very bytes that were scored."""
    size = path.size if isinstance(path, Source) else stamp(path)[0]
    if size != row["bytes"] and not (size is None and isinstance(path, Source)):
        return False  # what a store does not tell the size of is fetched and compared
    try:
        return content_hash(path.read_bytes()) == str(row["hash"])
    except (OSError, ImageError):
        return False


def _about(picture: Picture) -> Row:
    """The columns that are known once a picture is read."""
    return {
        "width": picture.width,
        "height": picture.height,
        "format": picture.format,
        "bytes": picture.bytes,
        "hash": picture.hash,
        "notes": "; ".join(picture.notes) or None,
    }


def _numbers(score: Score, picture: Picture) -> Row:
    """The columns that are known once a picture is scored. Raises `ScorerError` on NaN."""
    numbers = {
        "score": score.value,
        "low": score.low,
        "high": score.high,
        "spread": score.spread,
        "severity": score.severity,
        **score.families,
    }
    for name, number in numbers.items():
        if number is not None and not math.isfinite(number):
            raise ScorerError(f"the scorer gave {number} as {name}")
    # A map has dozens of cells: written out at once, which takes a quarter of the time of `json`.
    cells = [f"[{c.x},{c.y},{c.width},{c.height},{c.score:.1f}]" for c in score.cells]
    view = {**score.view, "decoder": picture.decoder, "scale": picture.scale}
    notes = "; ".join((*picture.notes, *score.notes)) or None
    return {
        **{n: None if v is None else round(float(v), _DIGITS) for n, v in numbers.items()},
        "problem": score.problem or None,
        "view": _encode(view),
        "map": f"[{','.join(cells)}]",
        "evidence": _encode([*map(_plain, score.evidence)]) if score.evidence else None,
        "notes": notes,
    }


def _plain(evidence: Evidence) -> dict[str, Any]:
    """What a row keeps of a question; its words are the method's and in the file of answers."""
    return {
        "label": evidence.label,
        "value": None if evidence.value is None else round(evidence.value, _DIGITS),
        "weight": round(evidence.weight, _DIGITS),
        "mass": None if evidence.mass is None else round(evidence.mass, _DIGITS),
        "missing": evidence.missing or None,
    }
