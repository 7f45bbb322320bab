"""From the rows of a `score` run to what its page shows: one pass, bounded memory."""

from __future__ import annotations

import heapq
import json
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

import numpy as np

from snellen.reports.colours import score_ramp
from snellen.runs import Row
from snellen.scorers.base import FAMILIES, SEVERITY_WORDS

BINS = 50  # of the histogram, two points of the scale each
FAILURES_SHOWN = 2_000  # further ones are only counted
_TEXTS = ("map", "evidence")  # of JSON
_REPEATED = ("problem", "format", "notes", "view")
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode
_One = tuple[float, str, int]  # a row's score, name and place
_PLAIN = ("image", "hash", "score", "low", "high", "spread", "severity", "width", "height", "bytes")


class Gallery(Sequence[Row]):
    """Some of many rows, by their places."""

    def __init__(self, rows: Sequence[Row], places: Sequence[int]) -> None:
        self._rows = rows
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> Gallery: ...
    def __getitem__(self, key: int | slice) -> Row | Gallery:
        if isinstance(key, slice):
            return Gallery(self._rows, self._places[key])
        return self._rows[self._places[key]]


@dataclass
class Digest:
    """What a page needs to know of all rows, and the rows that its gallery holds.

    scored    : images with a score; `missing` : without.
    quartiles : lower, median, upper, of all scores; None when there is no score.
    histogram : (BINS,) counts over the scale 0–100.
    problems  : count of each most probable family, over all scored images; empty where the
                scorer names none.
    gallery   : rows shown one by one, worst first; all of them unless there were too many. They
                are read anew each time they are gone through.
    failures  : (image, reason), the first `FAILURES_SHOWN`.
    kinds     : count of each kind of reason, which is what stands before its colon.
    """

    scored: int = 0
    missing: int = 0
    quartiles: tuple[float, float, float] | None = None
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)
    problems: Counter[str] = field(default_factory=Counter)
    gallery: Gallery = field(default_factory=lambda: Gallery([], []))
    failures: list[tuple[str, str]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)


def digest(rows: Sequence[Row], limit: int) -> Digest:
    """Sum up `rows` in one pass, holding none of them.

    rows  : of one image each; `Rows.of` reads them as they are asked for.
    limit : most rows the gallery may hold. Of more, it takes the worst `limit // 2`, and fills up
            with those whose content hash is lowest: a sample that no order of files can change.
    """
    result = Digest()
    scores = array("d")
    worst = _Smallest(limit // 2)
    sample = _Smallest(limit)
    for place, row in enumerate(rows):
        if row.get("missing") is not None or row.get("score") is None:
            reason = str(row.get("missing") or "no score and no reason was recorded")
            result.missing += 1
            result.kinds[reason.split(":")[0]] += 1
            if len(result.failures) < FAILURES_SHOWN:
                result.failures.append((row["image"], reason))
            continue
        scores.append(row["score"])
        if row["problem"] is not None:
            result.problems[row["problem"]] += 1
        one = (row["score"], row["image"], place)
        worst.offer((row["score"], row["image"]), one)
        sample.offer((str(row.get("hash"))[:16], row["image"]), one)
    result.scored = len(scores)
    if scores:
        values = np.sort(np.frombuffer(scores))
        # What `np.percentile` gives, without the modules that it would import first.
        quartiles = np.interp((0.25, 0.5, 0.75), np.linspace(0, 1, len(values)), values)
        low, middle, high = quartiles.tolist()
        result.quartiles = (low, middle, high)
        result.histogram = np.histogram(values, bins=BINS, range=(0, 100))[0].tolist()
    result.gallery = Gallery(rows, _chosen(worst, sample, limit))
    return result


def _chosen(worst: _Smallest, sample: _Smallest, limit: int) -> Sequence[int]:
    """Places of the worst, filled up from the sample to `limit`; by score, then by name."""
    chosen = dict.fromkeys(worst.kept())
    for one in sample.kept():
        if len(chosen) >= limit:
            break
        chosen[one] = None
    return array("Q", (place for *_, place in sorted(chosen)))


class _Smallest:
    """The `size` of smallest key among all that are offered."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._heap: list[tuple[_Reversed, _One]] = []

    def offer(self, key: tuple[Any, str], one: _One) -> None:
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, (_Reversed(key), one))
        elif self._size and key < self._heap[0][0].key:
            heapq.heapreplace(self._heap, (_Reversed(key), one))

    def kept(self) -> list[_One]:
        """Smallest key first."""
        return [one for _, one in sorted(self._heap, key=lambda pair: pair[0].key)]


class _Reversed:
    """A key that sorts the other way round, so that a heap's first is its largest."""

    __slots__ = ("key",)

    def __init__(self, key: tuple[Any, str]) -> None:
        self.key = key

    def __lt__(self, other: _Reversed) -> bool:
        return self.key > other.key


def page_data(summary: Digest) -> Iterator[bytes | bytearray]:
    """What the page's scripts read, as JSON in pieces: a list a column, and texts that repeat
    stored once.

    Numbers are those of the rows, digit by digit, so that what the page exports is what the run
    holds. Maps stay JSON text until one is looked at: as numbers they would fill the memory.
    """
    families = FAMILIES if summary.problems else ()
    columns = {name: _Column() for name in (*_PLAIN, *families, *_TEXTS)}
    shared = {name: _Shared() for name in _REPEATED}
    for row in summary.gallery:
        for name, column in columns.items():
            column.add((row.get(name) or "[]") if name in _TEXTS else row[name])
        for name, texts in shared.items():
            texts.add(str(row.get(name) or ""))
    head = {
        "families": families,
        "severities": SEVERITY_WORDS,
        "ramp": score_ramp(),
        "scored": summary.scored,
        "histogram": summary.histogram,
        "problems": [summary.problems[family] for family in families],
        "shared": {name: texts.plain() for name, texts in shared.items()},
    }
    yield _encode(head)[:-1].encode() + b',"columns":{'
    while columns:
        name, column = next(iter(columns.items()))
        del columns[name]  # a column is let go once it is written
        yield b'"%s":[' % name.encode()
        yield column.text
        yield b"]," if columns else b"]"
    yield b"}}"


class _Column:
    """A column as JSON, a fifth of what its values take as objects."""

    def __init__(self) -> None:
        self.text = bytearray()

    def add(self, value: Any) -> None:
        if self.text:
            self.text += b","
        self.text += _encode(value).encode()


class _Shared:
    """A column of few different texts: the texts, and each row's place among them."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self._at = array("L")

    def add(self, text: str) -> None:
        self._at.append(self._places.setdefault(text, len(self._places)))

    def plain(self) -> dict[str, Any]:
        return {"texts": list(self._places), "at": self._at.tolist()}
