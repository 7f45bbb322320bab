"""The job of `snellen score` on this machine.

Decoders and ONNX Runtime let go of Python's lock, so threads use every core without copying
pixels between processes. Each picture is read, scored and made small by one thread, small ones some
at a time; the pixels are gone before the next one. The calling thread alone writes rows, in order
of name.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snellen.engine.listing import Listing
from snellen.engine.rows import PIXELS_PER_THREAD, Result, RowMaker, stamp
from snellen.errors import InputError
from snellen.images import MAX_MEGAPIXELS, Ahead, Found, PixelBudget, read
from snellen.images.addresses import place_of
from snellen.images.found import Met
from snellen.images.jpeg import SCALES
from snellen.images.limits import Limit
from snellen.images.sources import Stamp
from snellen.runs import Entry, Progress, Request, Row, Run
from snellen.scorers.base import Remembers
from snellen.table import Table

if TYPE_CHECKING:
    from snellen.scorers.base import Scorer
    from snellen.scoring import Method

_AHEAD = 32  # pictures given out per thread before the oldest must be done: one slow picture is
# overtaken by so many others while the rows still come out in order
_GROUP_BYTES = 1_500_000  # most that a thread takes at once: large pictures are taken alone
ANSWERS = "answers.db"  # in the run directory: what a judge said

_Group = list[tuple[Found, Row | None]]

Paths = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]


def score(
    paths: Paths,
    with_: str | os.PathLike[str] | Scorer = "built-in",
    *,
    jobs: int | None = None,
    crops: int | None = None,
    max_megapixels: float = MAX_MEGAPIXELS,
    jpeg_scale: int = 1,
    run: str | os.PathLike[str] | None = None,
    fresh: bool = False,
    progress: Callable[[Progress], None] | None = None,
    method: str | Method | None = None,
    memory: str | os.PathLike[str] | None = None,
) -> Table:
    """Score every picture under `paths`; the same call again resumes where it was stopped.

    paths          : files, folders (with their sub-folders), globs, `-` for a list on standard
                     input; one or several.
    with_          : name or file of a scorer, name of a judge, or a `Scorer`.
    jobs           : threads; None = one a core.
    crops          : native crops the scorer looks at: the dial between speed and accuracy.
    max_megapixels : larger pictures are decoded smaller (JPEG) or become missing (others).
    jpeg_scale     : 1, 2, 4 or 8: decode JPEGs at 1/n of their size. Faster; it hides noise and
                     blocks, so scores made with it compare only with each other.
    run            : the run directory; None = one for this request under `snellen-runs/`.
    fresh          : forget what the run directory holds.
    progress       : called with a `Progress` at the start and after every picture.
    method         : how a judge is asked, see `scoring.make_method`; makes `with_` a judge.
    memory         : file of a judge's answers; None = `answers.db` in the run directory.
    Returns the `Table` of the run: one row a picture, sorted by name. A picture that cannot be
    scored is a row with the reason in `missing`.
    Raises `NothingFound`, `ScorerError`, `RunError`, `InputError`.
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if jobs is not None and jobs < 1:
        raise InputError(f"jobs must be at least 1, got {jobs}", "Leave it out to use every core.")
    check_options(max_megapixels, jpeg_scale)
    threads = jobs or _cores()
    budget = PixelBudget(threads * PIXELS_PER_THREAD)
    with ExitStack() as stack:
        files = stack.enter_context(Listing(given))
        scorer, called = named_scorer(with_, crops, method)
        request = request_of(given, called, crops, max_megapixels, jpeg_scale, method)
        directory = Path(run) if run is not None else request.directory()
        writer = stack.enter_context(Run.open(directory, request, scorer.name, fresh=fresh))
        if isinstance(scorer, Remembers):
            answers = Path(memory) if memory is not None else directory / ANSWERS
            scorer = stack.enter_context(scorer.remembering(answers))
        reader = partial(read, max_megapixels=max_megapixels, jpeg_scale=jpeg_scale)
        make_row = RowMaker(scorer, reader, budget)
        ahead = stack.enter_context(Ahead(Limit(max_megapixels).file_bytes))
        _Job(files, make_row, writer, ahead, threads, progress or (lambda _: None)).run()
        writer.finish(files.names)
    return Table.open(directory)


def check_options(max_megapixels: float, jpeg_scale: int) -> None:
    """Refuse what makes no sense, with `InputError`."""
    Limit(max_megapixels)
    if jpeg_scale not in SCALES:
        raise InputError(f"jpeg_scale must be 1, 2, 4 or 8, got {jpeg_scale}", "1 is full size.")


def request_of(
    given: Iterable[str | os.PathLike[str]],
    scorer: str,
    crops: int | None,
    max_megapixels: float,
    jpeg_scale: int,
    method: str | Method | None,
) -> Request:
    """What is asked for: the same on every engine, so that their runs are told apart by place."""
    options: dict[str, Any] = {
        "scorer": scorer,
        "crops": crops,
        "max_megapixels": max_megapixels,
        "jpeg_scale": jpeg_scale,
    }
    if method is not None:
        options["method"] = method if isinstance(method, str) else method.name
    return Request("score", tuple(map(place_of, given)), options)


def _cores() -> int:
    """Cores this process may use, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def named_scorer(
    with_: str | os.PathLike[str] | Scorer, crops: int | None, method: str | Method | None
) -> tuple[Scorer, str]:
    """The scorer, and what it was called in the request."""
    if isinstance(with_, (str, os.PathLike)):
        name = os.fspath(with_)
        if method is None and ":" not in name:  # no judge's: what judges need is not imported
            from snellen import scorers

            return scorers.load_scorer(name, crops=crops), name
        from snellen.scoring import load_scorer

        return load_scorer(name, crops=crops, method=method), name
    for option, given in (("crops", crops), ("method", method)):
        if given is not None:
            raise InputError(
                f"{option}={given!r} has no effect on {with_.name}, which is loaded already",
                f"Give {option} to load_scorer.",
            )
    return with_, with_.name


@dataclass
class _Job:
    """Bring every file's row into the run; `threads` work, the one that calls writes in order.

    Files whose rows are kept are passed over on the way, and listing goes on while pictures are
    scored, so that scoring begins at once however many there are.
    """

    files: Listing
    make_row: RowMaker
    writer: Run
    ahead: Ahead
    threads: int
    tell: Callable[[Progress], None]
    done: int = 0
    kept: int = 0
    missing: int = 0
    failed: dict[str, Entry] = field(default_factory=dict)  # rows without a score, tried again

    def run(self) -> None:
        waiting: deque[Future[list[Result]]] = deque()
        ready: deque[Result] = deque()
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="snellen-score")
        try:
            groups = self._groups()
            given = self._give_out(groups, pool, waiting, self.threads * _AHEAD)
            self._tell()
            while waiting:
                while not waiting[0].done() and self.files.list_more():
                    pass
                ready.extend(waiting[0].result())  # stopped here, they are still in `waiting`
                waiting.popleft()
                given -= len(ready)
                while ready:
                    self._write(*ready.popleft())
                given += self._give_out(groups, pool, waiting, self.threads * _AHEAD - given)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            for finished in waiting:
                if not finished.cancelled():
                    ready.extend(finished.result())
            for result in ready:
                self.writer.append(*result)
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _give_out(
        self,
        groups: Iterator[_Group],
        pool: ThreadPoolExecutor,
        waiting: deque[Future[list[Result]]],
        room: int,
    ) -> int:
        """Submit groups for about `room` pictures; how many that was."""
        given = 0
        while given < room and (group := next(groups, None)):
            waiting.append(pool.submit(self.make_row.several, group))
            given += len(group)
        return given

    def _groups(self) -> Iterator[_Group]:
        """What there is to do, small files some at a time; the first ones fewer, so that a few
        pictures are spread over all threads."""
        group: _Group = []
        length = given = 0
        for found, (row, size) in self._fetched():
            size = _GROUP_BYTES if size is None else size
            most = min(self.make_row.at_once, 1 + given // (4 * self.threads))
            if group and (len(group) >= most or length + size > _GROUP_BYTES):
                yield group
                given += len(group)
                group, length = [], 0
            group.append((found, row))
            length += size
        if group:
            yield group

    def _fetched(self) -> Iterator[tuple[Found, tuple[Row | None, int | None]]]:
        """What there is to do, with the fetching of what lies in stores begun."""
        known: deque[tuple[Row | None, int | None]] = deque()

        def files() -> Iterator[Found]:
            for found, row, size in self._todo():
                known.append((row, size))
                yield found

        for found in self.ahead.of(files()):
            yield found, known.popleft()

    def _todo(self) -> Iterator[tuple[Found, Row | None, int | None]]:
        """The files to score, each with the row that may still be good though it was touched, and
        its length."""
        for some in self.files.blocks():
            names, stamps = [one.name for one in some], list(map(_stamp, some))
            same = self.writer.as_now(names, stamps, self.make_row.scorer)
            before = self.kept
            self.kept += sum(same)
            self.done += sum(same)
            new = [i for i, is_same in enumerate(same) if not is_same]
            entries = self.writer.kept([names[i] for i in new])
            for i, entry in zip(new, entries, strict=True):
                one, (size, _) = some[i], stamps[i]
                found = one.found() if isinstance(one, Met) else one
                row = None
                if entry is not None and entry.scorer == self.make_row.scorer:
                    if entry.missing:  # it is tried again: rights and packages change
                        self.failed[one.name] = entry
                    else:
                        row = self.writer.read(entry)
                yield found, row, size
            if 0 < before < self.kept:  # a long way over kept rows, and people look on
                self._tell()

    def _write(self, row: Row, thumbnail: bytes | None) -> None:
        entry = self.failed.pop(row["image"], None)
        if entry is None or not _is_alike(row, self.writer.read(entry)):
            self.writer.append(row, thumbnail)
        self.done += 1
        self.missing += row["missing"] is not None
        self._tell()

    def _tell(self) -> None:
        listing = not self.files.is_whole
        self.tell(Progress(len(self.files), self.done, self.kept, self.missing, listing))


def _stamp(entry: Met | Found) -> Stamp:
    """Size and time of change: as they were when it was listed just now, or else as they are."""
    known = entry.stamp if isinstance(entry, Met) else None
    return stamp(entry.path) if known is None else known


def _is_alike(row: Row, before: Row) -> bool:
    """Whether a picture that was tried again came to the same."""
    return row == {name: value for name, value in before.items() if name != "thumbnail"}
