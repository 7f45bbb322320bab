"""`snellen score --engine ray`: the rows of the local engine, made by workers of a cluster.

A worker scores a part and writes it as a Parquet shard. When all are there, the shards are laid out
as an ordinary run (table, page, `snellen report`…), unless there are too many for one machine.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from heapq import merge
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snellen.engine.listing import Listing
from snellen.engine.rows import PIXELS_PER_THREAD, Result, RowMaker, stamp
from snellen.engine.scoring import Paths, check_options, named_scorer, request_of
from snellen.errors import RunError
from snellen.images import MAX_MEGAPIXELS, Ahead, Found, Picture, PixelBudget, read
from snellen.images.limits import Limit
from snellen.runs import Progress, Run
from snellen.scale.cluster import Cluster
from snellen.scale.inputs import InTable, opened, read_pictures
from snellen.scale.job import Job, Task
from snellen.scale.parts import cut
from snellen.scale.shards import Shard, Shards
from snellen.table import COLUMNS, Table

if TYPE_CHECKING:
    from snellen.scorers.base import Scorer
    from snellen.scoring import Method

PART = 512  # pictures: some seconds of a student's work on one core
SHARDS = "shards"  # in the run directory
_COLUMNS = {**COLUMNS, "mtime_ns": int, "thumbnail": bytes}


@dataclass(frozen=True)
class Done:
    """What a run on a cluster came to.

    run     : the run directory; `shards` : where the Parquet files lie.
    table   : the rows; None where they were left in the shards.
    images, missing : rows in all, and without a score.
    """

    run: Path
    shards: str
    table: Table | None
    images: int
    missing: int


def score_on_ray(
    paths: Paths,
    with_: str | os.PathLike[str] | Scorer,
    cluster: Cluster,
    *,
    crops: int | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
    jpeg_scale: int = 1,
    method: str | Method | None = None,
    run: str | os.PathLike[str] | None = None,
    shards: str | None = None,
    part: int = PART,
    fresh: bool = False,
    gather: bool = True,
    progress: Callable[[Progress], None] | None = None,
) -> Done:
    """Score every picture under `paths` on a cluster; the same call again does what is left.

    paths   : as for `snellen.score`, and Parquet tables of paths or of pictures. Workers open the
              files, so every machine must see them under the same names.
    with_   : as for `snellen.score`; every worker loads its own.
    shards  : folder or URL of the shards, seen by every machine; `shards` in the run directory
              without.
    part    : pictures a worker scores at a time, about; what is lost when it dies.
    gather  : lay the rows out in the run directory in the end; without, they stay in the shards.
    The other options are those of `snellen.score`, and the rows are the same. A picture without a
    score is tried again by the next call, as there. Raises what `snellen.score` does, and
    `RunError` where a worker does not see the shards.
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    check_options(max_megapixels, jpeg_scale)
    files, pictures = opened(given)
    with ExitStack() as stack:
        listing = stack.enter_context(Listing(files)) if files or not pictures else None
        load = partial(named_scorer, with_, crops, method)
        scorer, called = cluster.ask(partial(_who, load))
        request = request_of(given, called, crops, max_megapixels, jpeg_scale, method)
        directory = Path(run) if run is not None else request.directory()
        writer = stack.enter_context(Run.open(directory, request, scorer, fresh=fresh))
        folder = Shards(shards or str((directory / SHARDS).absolute()), _COLUMNS)
        folder.prepare(request.identity)
        identity = f"{scorer} {max_megapixels} {jpeg_scale}"
        items = chain(() if listing is None else listing, pictures)
        job = Job(folder, list(cut(items, part, identity, _key)), fresh=fresh, tell=progress)
        reader = partial(read, max_megapixels=max_megapixels, jpeg_scale=jpeg_scale)
        most_bytes = Limit(max_megapixels).file_bytes
        order = _Order(load, scorer, request.identity, folder, reader, most_bytes, cluster.threads)
        for _ in job.each(cluster, order.start):
            pass  # what is done lies in the shards
        if not gather:
            return Done(directory, folder.place, None, job.total, job.missing)
        names = partial(_names, listing, pictures)
        writer.clear()
        for row in job.rows():
            thumbnail = row.pop("thumbnail")
            writer.append(row, thumbnail)
        writer.finish(names)
    return Done(directory, folder.place, Table.open(directory), job.total, job.missing)


def _who(load: Callable[[], tuple[Scorer, str]]) -> tuple[str, str]:
    """Identity of the scorer, and what it was called."""
    scorer, called = load()
    return scorer.name, called


def _key(item: Found | InTable) -> Sequence[object]:
    """What a row depends on besides who scores: the name, and the file as it is now."""
    return (item.name, *stamp(item.path if isinstance(item, Found) else Path(item.table)))


def _names(listing: Listing | None, pictures: Sequence[InTable]) -> Iterator[str]:
    """Every name of the request, sorted."""
    inside = sorted(picture.name for picture in pictures)
    return merge(() if listing is None else listing.names(), inside)


@dataclass(frozen=True)
class _Order:
    """What a worker is told: it makes its own scorer, and must be who the others are."""

    load: Callable[[], tuple[Scorer, str]]
    scorer: str
    identity: str
    shards: Shards
    reader: Callable[..., Picture]
    most_bytes: int
    threads: int

    def start(self) -> _Scoring:
        return _Scoring(self)


class _Scoring:
    """A worker: part after part, each of them a shard."""

    def __init__(self, order: _Order) -> None:
        order.shards.check_same(order.identity)
        scorer, _ = order.load()
        if scorer.name != order.scorer:
            raise RunError(
                f"a worker has the scorer {scorer.name}, and the run is of {order.scorer}",
                "Install the same packages and files on every machine.",
            )
        self._shards = order.shards
        self._most_bytes = order.most_bytes
        budget = PixelBudget(order.threads * PIXELS_PER_THREAD)
        self._make_row = RowMaker(scorer, order.reader, budget)
        self._pool = ThreadPoolExecutor(order.threads)

    def __call__(self, task: Task) -> Shard:
        """Score a part; of one that is there already, what has no score yet."""
        rows_before = self._shards.read_again(task.before) if task.before else ()
        before = {row["image"]: row for row in rows_before}
        kept = {name: row for name, row in before.items() if row["missing"] is None}
        items = task.part.items
        todo = [item for item in items if item.name not in kept]
        made = {}
        for table, some in groupby(todo, key=lambda item: getattr(item, "table", None)):
            for row, thumbnail in self._rows(list(some), inside=table is not None):
                made[row["image"]] = {**row, "thumbnail": thumbnail}
        rows = [kept.get(item.name) or made[item.name] for item in items]
        return self._shards.write(task.part.name, rows, instead=task.before)

    def _rows(self, items: list[Any], *, inside: bool) -> Iterator[Result]:
        if inside:
            found = [Found(Path(item.table), item.name) for item in items]
            yield from self._pool.map(self._make_row.from_bytes, found, read_pictures(items))
            return
        with Ahead(self._most_bytes) as ahead:  # for what lies in stores
            yield from self._pool.map(self._make_row, ahead.of(items))
