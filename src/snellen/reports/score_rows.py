"""From the rows of a `score` run to what its page shows: one pass, bounded memory."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from snellen.reports.colours import score_ramp
from snellen.runs import ROWS, Row, is_done, scan
from snellen.scorers.base import FAMILIES, SEVERITY_WORDS

BINS = 50  # of the histogram, two points of the scale each
FAILURES_SHOWN = 2_000  # further ones are only counted
_PLAIN = ("image", "hash", "score", "low", "high", "spread", "severity", "width", "height", "bytes")


@dataclass
class Digest:
    """What a page needs to know of all rows, and the rows that its gallery holds.

    scored    : images with a score; `missing` : without.
    quartiles : lower, median, upper, of all scores; None when there is no score.
    histogram : (BINS,) counts over the scale 0–100.
    problems  : count of each most probable family, over all scored images; empty where the
                scorer names none.
    gallery   : rows shown one by one, worst first; all of them unless there were too many.
    failures  : (image, reason), the first `FAILURES_SHOWN`.
    kinds     : count of each kind of reason, which is what stands before its colon.
    """

    scored: int = 0
    missing: int = 0
    quartiles: tuple[float, float, float] | None = None
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)
    problems: Counter[str] = field(default_factory=Counter)
    gallery: list[Row] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)


def run_rows(run_dir: Path) -> Iterator[Row]:
    """Every image's row of a run, the last one where a run still going on has several."""
    path = run_dir / ROWS
    if not path.exists():
        return
    if is_done(run_dir):
        yield from (row for _, _, row in scan(path))
        return
    last = {row["image"]: offset for offset, _, row in scan(path)}
    yield from (row for offset, _, row in scan(path) if last[row["image"]] == offset)


def digest(rows: Iterable[Row], limit: int) -> Digest:
    """Sum up `rows` in one pass.

    limit : most rows the gallery may hold. Of more, it takes the worst `limit // 2`, and fills up
            with those whose content hash is lowest: a sample that no order of files can change.
    """
    result = Digest()
    scores = array("d")
    worst = _Smallest(limit // 2)
    sample = _Smallest(limit)
    for row in rows:
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
        worst.offer((row["score"], row["image"]), row)
        sample.offer((str(row.get("hash")), row["image"]), row)
    result.scored = len(scores)
    if scores:
        values = np.frombuffer(scores)
        low, middle, high = np.percentile(values, (25, 50, 75))
        result.quartiles = (float(low), float(middle), float(high))
        result.histogram = np.histogram(values, bins=BINS, range=(0, 100))[0].tolist()
    result.gallery = _chosen(worst.rows(), sample.rows(), limit)
    return result


def _chosen(worst: list[Row], sample: list[Row], limit: int) -> list[Row]:
    """The worst, filled up from the sample to `limit`; sorted by score, then by name."""
    taken = {row["image"] for row in worst}
    others = (row for row in sample if row["image"] not in taken)
    chosen = worst + [row for row, _ in zip(others, range(limit - len(worst)), strict=False)]
    return sorted(chosen, key=lambda row: (row["score"], row["image"]))


class _Smallest:
    """The `size` rows of smallest key among all that are offered."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._heap: list[tuple[_Reversed, Row]] = []

    def offer(self, key: tuple[Any, str], row: Row) -> None:
        if len(self._heap) < self._size:
            heapq.heappush(self._heap, (_Reversed(key), row))
        elif self._size and key < self._heap[0][0].key:
            heapq.heapreplace(self._heap, (_Reversed(key), row))

    def rows(self) -> list[Row]:
        """Smallest key first."""
        return [row for _, row in sorted(self._heap, key=lambda pair: pair[0].key)]


class _Reversed:
    """A key that sorts the other way round, so that a heap's first is its largest."""

    __slots__ = ("key",)

    def __init__(self, key: tuple[Any, str]) -> None:
        self.key = key

    def __lt__(self, other: _Reversed) -> bool:
        return self.key > other.key


def page_data(summary: Digest) -> dict[str, Any]:
    """What the page's scripts read: plain values, a list a column, texts that repeat stored once.

    Numbers are those of the rows, digit by digit, so that what the page exports is what the run
    holds. Maps stay JSON text until one is looked at: as numbers they would fill the memory.
    """
    rows = summary.gallery
    families = FAMILIES if summary.problems else ()
    columns: dict[str, Any] = {
        **{name: [row[name] for row in rows] for name in (*_PLAIN, *families)},
        **{name: [row.get(name) or "[]" for row in rows] for name in ("map", "evidence")},
    }
    return {
        "families": families,
        "severities": SEVERITY_WORDS,
        "ramp": score_ramp(),
        "scored": summary.scored,
        "histogram": summary.histogram,
        "problems": [summary.problems[family] for family in families],
        "columns": columns,
        "shared": {name: _shared(rows, name) for name in ("problem", "format", "notes", "view")},
    }


def _shared(rows: list[Row], name: str) -> dict[str, Any]:
    """A column of few different texts: the texts, and each row's place among them."""
    places: dict[str, int] = {}
    at = [places.setdefault(str(row.get(name) or ""), len(places)) for row in rows]
    return {"texts": list(places), "at": at}
