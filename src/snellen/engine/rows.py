"""One file's row: read it, score it, make it small; whatever goes wrong is the row's reason."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import local
from typing import TYPE_CHECKING, Any

import numpy as np

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
from snellen.scorers.base import Looks
from snellen.table import COLUMNS

if TYPE_CHECKING:
    from snellen.scorers.base import Evidence, Score, Scorer

PIXELS_PER_THREAD = 32_000_000  # in memory at once: two threads may hold two 24 MP photos
_KEPT_BUFFER = 3 * PIXELS_PER_THREAD  # bytes a thread may keep to decode the next JPEG into
AT_ONCE = 8  # small pictures a thread reads before it judges them; more of them bring no more
_NO_PIXELS = np.empty((0, 0, 3), np.uint8)
_DIGITS = 3  # of scores; a thousandth of a point is far under any interval

_encode = json.JSONEncoder(separators=(",", ":"), default=float).encode  # numpy's numbers too

Result = tuple[Row, bytes | None]
"""A row, and the thumbnail where there are pixels."""


@dataclass(slots=True)
class _Begun:
    """A row whose picture was read; `score` is there unless something went wrong, or is known."""

    row: Row
    thumbnail: bytes | None = None
    picture: Picture | None = None  # all of it but its pixels
    score: Callable[[], Score] | None = None

    def finished(self) -> Result:
        if self.picture is not None and self.score is not None:
            with self.told():
                self.row |= _numbers(self.score(), self.picture)
        return self.row, self.thumbnail

    @contextmanager
    def told(self) -> Iterator[None]:
        """What goes wrong inside is the row's reason."""
        try:
            yield
        except SnellenError as error:
            self.row["missing"] = f"{type(error).__name__}: {error}"
        except Exception as error:  # one picture must not end the run, whatever it does to us
            self.row["missing"] = f"unexpected {type(error).__name__}: {error}"


class RowMaker:
    """What a thread does with one file. Any number of threads may share it.

    reader : `images.read` with its options.
    budget : pixels that all threads together may hold.

    Attributes: `scorer`, its name; `at_once`, small files that `several` is best given together.
    """

    def __init__(self, scorer: Scorer, reader: Callable[..., Picture], budget: PixelBudget) -> None:
        self.scorer = scorer.name
        # Gives what knows the score of a picture once its pixels are gone.
        self._look = scorer.look if isinstance(scorer, Looks) else _scored_by(scorer)
        self.at_once = AT_ONCE if isinstance(scorer, Looks) else 1
        self._read = reader
        self._budget = budget
        self._thread = local()  # `buffer`: each thread decodes into memory of its own

    def __call__(self, found: Found, kept: Row | None = None) -> Result:
        """The row of `found`.

        kept : a row made of a file of this name and length by this scorer; still good when the
               bytes are those that it was made of.
        """
        return self.several([(found, kept)])[0]

    def several(self, todo: Iterable[tuple[Found, Row | None]]) -> list[Result]:
        """The rows of several files, each as it would be alone.

        All are read first where the scorer needs no pixels to judge: one kind of work at a time
        keeps its code and its numbers near the processor, which for small pictures saves an eighth.
        """
        return [one.finished() for one in [self._begun(*one) for one in todo]]

    def from_bytes(self, found: Found, data: bytes | None) -> Result:
        """The row of a picture that lies in memory."""
        return self._read_into(self._empty(found), found, data or b"").finished()

    def _begun(self, found: Found, kept: Row | None) -> _Begun:
        size, mtime = stamp(found.path)
        row = {**self._empty(found), "bytes": size, "mtime_ns": mtime}
        return self._read_into(row, found, found.path, kept)

    def _empty(self, found: Found) -> Row:
        return {**dict.fromkeys(COLUMNS), "image": found.name, "scorer": self.scorer}

    def _read_into(
        self, row: Row, found: Found, source: AnyFile | bytes, kept: Row | None = None
    ) -> _Begun:
        begun = _Begun(row)
        with begun.told():
            if found.problem is not None:
                raise found.problem
            if kept is not None and _holds(found.path, kept):
                return _Begun({**kept, "mtime_ns": row["mtime_ns"]})
            with self._budget.share() as admit:
                picture = self._read(source, buffer=self._buffer(), admit=admit)
                row |= _about(picture)
                begun.thumbnail = make_thumbnail(picture.pixels)
                begun.score = self._look(picture)
                if picture.pixels.nbytes > _KEPT_BUFFER:
                    self._thread.buffer = None  # one huge picture is not remembered for ever
                begun.picture = replace(picture, pixels=_NO_PIXELS)
        return begun

    def _buffer(self) -> DecodeBuffer:
        buffer: DecodeBuffer | None = getattr(self._thread, "buffer", None)
        if buffer is None:
            buffer = self._thread.buffer = DecodeBuffer()
        return buffer


def _scored_by(scorer: Scorer) -> Callable[[Picture], Callable[[], Score]]:
    """`Looks.look` of a scorer that cannot be split: it judges at once."""

    def look(picture: Picture) -> Callable[[], Score]:
        score = scorer.score(picture)
        return lambda: score

    return look


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
