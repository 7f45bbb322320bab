"""Score many pictures: find → read → score in threads, into a run directory.

Decoders and ONNX Runtime let go of Python's lock, so threads use every core without copying
pixels between processes. Each picture is read, scored and made small by one thread; the pixels
are gone before the next one. The calling thread alone writes rows, in order of name.
"""

from __future__ import annotations

import json
import math
import os
import stat
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from itertools import islice
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING, Any

from snellen.errors import ImageError, InputError, NothingFound, ScorerError, SnellenError
from snellen.images import (
    MAX_MEGAPIXELS,
    Ahead,
    AnyFile,
    Census,
    DecodeBuffer,
    Found,
    Picture,
    PixelBudget,
    Source,
    content_hash,
    find,
    read,
)
from snellen.images.addresses import place_of
from snellen.images.jpeg import SCALES
from snellen.images.limits import Limit
from snellen.images.sources import NO_STAMP, Stamp
from snellen.images.thumbnail import make_thumbnail
from snellen.runs import Entry, Progress, Request, Row, Run
from snellen.scorers.base import Remembers
from snellen.table import COLUMNS, Table

if TYPE_CHECKING:
    from snellen.scorers.base import Evidence, Score, Scorer
    from snellen.scoring import Method

_AHEAD = 32  # pictures given out per thread before the oldest must be done: one slow picture is
# overtaken by so many others while the rows still come out in order
_PIXELS_PER_THREAD = 32_000_000  # in memory at once: two threads may hold two 24 MP photos
_KEPT_BUFFER = 3 * _PIXELS_PER_THREAD  # bytes a thread may keep to decode the next JPEG into
ANSWERS = "answers.db"  # in the run directory: what a judge said
_DIGITS = 3  # of scores; a thousandth of a point is far under any interval

_encode = json.JSONEncoder(separators=(",", ":"), default=float).encode  # numpy's numbers too

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
    Limit(max_megapixels)  # refuses what makes no sense
    if jpeg_scale not in SCALES:
        raise InputError(f"jpeg_scale must be 1, 2, 4 or 8, got {jpeg_scale}", "1 is full size.")
    files = _find_all(given)
    scorer, called = _scorer(with_, crops, method)
    options = {
        "scorer": called,
        "crops": crops,
        "max_megapixels": max_megapixels,
        "jpeg_scale": jpeg_scale,
    }
    if method is not None:
        options["method"] = method if isinstance(method, str) else method.name
    request = Request("score", tuple(map(place_of, given)), options)
    directory = Path(run) if run is not None else request.directory()
    threads = jobs or _cores()
    budget = PixelBudget(threads * _PIXELS_PER_THREAD)
    with ExitStack() as stack:
        writer = stack.enter_context(Run.open(directory, request, scorer.name, fresh=fresh))
        if isinstance(scorer, Remembers):
            answers = Path(memory) if memory is not None else directory / ANSWERS
            scorer = stack.enter_context(scorer.remembering(answers))
        reader = partial(read, max_megapixels=max_megapixels, jpeg_scale=jpeg_scale)
        work = _Work(scorer, reader, writer, budget)
        ahead = stack.enter_context(Ahead(Limit(max_megapixels).file_bytes))
        _score_all(files, work, writer, threads, progress or (lambda _: None), ahead)
        writer.finish([found.name for found in files])
    return Table.open(directory)


def _cores() -> int:
    """Cores this process may use, which in a container are fewer than there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _find_all(given: Sequence[str | os.PathLike[str]]) -> list[Found]:
    """Every file, sorted by name. Raises `NothingFound`."""
    census = Census()
    files = {found.name: found for found in find(given, census=census)}
    if not files:
        raise census.nothing_found(given)
    problems = [found.problem for found in files.values()]
    if all(problems):  # a mistyped path is told at once and leaves no run behind
        raise NothingFound(*next(problem.args for problem in problems if problem))
    return [files[name] for name in sorted(files)]


def _scorer(
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


def _score_all(
    files: Sequence[Found],
    work: _Work,
    writer: Run,
    jobs: int,
    progress: Callable[[Progress], None],
    ahead: Ahead,
) -> None:
    """Bring every file's row into the run; `jobs` threads work, this one writes in order."""
    todo = [found for found in files if not work.is_kept(found)]
    kept = len(files) - len(todo)
    done, missing = kept, 0
    progress(Progress(len(files), done, kept, missing))

    def write(row: Row, thumbnail: bytes | None) -> None:
        nonlocal done, missing
        writer.append(row, thumbnail)
        done += 1
        missing += row["missing"] is not None
        progress(Progress(len(files), done, kept, missing))

    waiting: deque[Future[_Result]] = deque()
    pool = ThreadPoolExecutor(jobs, thread_name_prefix="snellen-score")
    try:
        source = ahead.of(todo)
        waiting.extend(pool.submit(work, found) for found in islice(source, jobs * _AHEAD))
        while waiting:
            result = waiting[0].result()  # stopped here, the picture is still in `waiting`
            waiting.popleft()
            write(*result)
            waiting.extend(pool.submit(work, found) for found in islice(source, 1))
    except KeyboardInterrupt:
        pool.shutdown(cancel_futures=True)
        for finished in waiting:
            if not finished.cancelled():
                writer.append(*finished.result())
        raise
    finally:
        pool.shutdown(cancel_futures=True)


_Result = tuple[Row, bytes | None]


class _Work:
    """What a thread does with one file: the row, and the thumbnail when there are pixels."""

    def __init__(
        self, scorer: Scorer, reader: Callable[..., Picture], run: Run, budget: PixelBudget
    ) -> None:
        self._scorer = scorer
        self._name = scorer.name
        self._read = reader
        self._run = run
        self._budget = budget
        self._thread = local()  # `buffer`: each thread decodes into memory of its own

    def is_kept(self, found: Found) -> bool:
        """Whether the run has a score made from this very file by this very scorer."""
        entry = self._kept_entry(found)
        return entry is not None and _stamp(found.path) == (entry.bytes, entry.mtime_ns)

    def __call__(self, found: Found) -> _Result:
        size, mtime = _stamp(found.path)
        row: Row = {**dict.fromkeys(COLUMNS), "image": found.name, "scorer": self._name}
        row |= {"bytes": size, "mtime_ns": mtime}
        thumbnail = None
        try:
            if found.problem is not None:
                raise found.problem
            if (entry := self._kept_entry(found)) and _holds(found.path, entry):
                return {**self._run.read(entry), "mtime_ns": mtime}, None
            with self._budget.share() as admit:
                picture = self._read(found.path, buffer=self._buffer(), admit=admit)
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

    def _kept_entry(self, found: Found) -> Entry | None:
        """The row made by this scorer; what failed is tried again: rights and packages change."""
        entry = self._run.get(found.name)
        return None if entry is None or entry.missing or entry.scorer != self._name else entry


def _stamp(path: AnyFile) -> Stamp:
    """Size in bytes and time of change in ns of a regular file; (None, None) of anything else."""
    if isinstance(path, Source):
        return path.stamp
    try:
        status = path.stat()
    except (OSError, ValueError):
        return NO_STAMP
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else NO_STAMP


def _holds(path: AnyFile, entry: Entry) -> bool:
    """Whether a file that was touched still holds the very bytes that were scored."""
    size = path.size if isinstance(path, Source) else _stamp(path)[0]
    if size != entry.bytes and not (size is None and isinstance(path, Source)):
        return False  # what a store does not tell the size of is fetched and compared
    try:
        return content_hash(path.read_bytes()) == entry.hash
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
