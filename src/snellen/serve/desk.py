"""Where requests hand in pictures and threads score them: a line of limited length.

What does not fit into the line is refused at once, so that waiting is bounded whatever comes. A
scorer that takes several pictures at once (`score_many`: a judge, whose questions share work) gets
what waits together; any other gets one picture a thread.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Protocol, TypeAlias, runtime_checkable

from snellen.errors import ScorerError, SnellenError
from snellen.images import DecodeBuffer, Picture, PixelBudget, read
from snellen.scorers import Score, Scorer
from snellen.serve.limits import Limits

_PIXELS_PER_THREAD = 32_000_000  # in memory at once, as when a folder is scored
_KEPT_BUFFER = 3 * _PIXELS_PER_THREAD  # bytes a thread may keep to decode the next JPEG into

Outcome: TypeAlias = "Scored | SnellenError"


class Busy(SnellenError):
    """The line is full; the picture was not taken."""


@runtime_checkable
class ScoresMany(Protocol):
    """A scorer that shares work between pictures."""

    def score_many(self, pictures: Sequence[Picture]) -> list[Score | SnellenError]: ...


@dataclass(frozen=True, slots=True)
class Scored:
    """A score, and what of the picture it speaks of (not its pixels)."""

    score: Score
    width: int
    height: int
    format: str
    hash: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Job:
    data: bytes
    taken: float
    future: Future[Outcome] = field(default_factory=Future)


class Desk:
    """Threads behind a line.

    observe : called with (stage, seconds) of every picture: "wait", "score".
    """

    def __init__(
        self,
        scorer: Scorer,
        limits: Limits,
        observe: Callable[[str, float], None] = lambda stage, seconds: None,
    ) -> None:
        self._scorer, self._limits, self._observe = scorer, limits, observe
        self._line: deque[_Job] = deque()
        self._changed = Condition()
        self._closing = False
        many = isinstance(scorer, ScoresMany)
        threads = 1 if many else limits.threads  # a judge answers one batch at a time
        self._most = limits.batch if many else 1
        self._budget = PixelBudget(threads * _PIXELS_PER_THREAD)
        self._threads = [
            Thread(target=self._work, name=f"snellen-{i}", daemon=True) for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """Pictures in the line."""
        return len(self._line)

    @property
    def full(self) -> bool:
        """Whether one more picture would be refused."""
        return self.waiting >= self._limits.waiting

    def hand_in(self, pictures: Sequence[bytes]) -> list[Future[Outcome]]:
        """Put pictures into the line, all or none. Raises `Busy` where they do not fit.

        Each future gives a `Scored` or the reason why there is none; one that is cancelled before
        its turn costs nothing.
        """
        now = time.perf_counter()
        jobs = [_Job(data, now) for data in pictures]
        with self._changed:
            if self._closing:
                raise Busy("the service is being ended", "Ask again in a moment.")
            if len(self._line) + len(jobs) > self._limits.waiting:
                raise Busy(
                    f"{len(self._line)} pictures wait already and at most"
                    f" {self._limits.waiting} may",
                    "Ask again in a moment.",
                )
            self._line.extend(jobs)
            self._changed.notify(len(jobs))
        return [job.future for job in jobs]

    def close(self) -> None:
        """Finish what was taken, then end the threads."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        buffer = DecodeBuffer()
        while jobs := self._next():
            if isinstance(self._scorer, ScoresMany):
                self._several(self._scorer, jobs)
            elif self._one(jobs[0], buffer) > _KEPT_BUFFER:
                buffer = DecodeBuffer()  # one huge picture is not remembered for ever

    def _next(self) -> list[_Job]:
        """The next job, or a batch of them; empty when the service has ended."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: self._line or self._closing)
                if not self._line:
                    return []
                if self._most > 1:
                    self._changed.wait_for(
                        lambda: len(self._line) >= self._most or self._closing, self._limits.gather
                    )
                jobs: list[_Job] = []
                while self._line and len(jobs) < self._most:
                    job = self._line.popleft()
                    if job.future.set_running_or_notify_cancel():
                        jobs.append(job)
                        self._observe("wait", time.perf_counter() - job.taken)
                if jobs:  # else all were cancelled
                    return jobs

    def _one(self, job: _Job, buffer: DecodeBuffer) -> int:
        """Score one picture; gives the bytes of its pixels."""
        start = time.perf_counter()
        size = 0
        outcome: Outcome
        try:
            with self._budget.share() as admit:
                picture = read(
                    job.data,
                    max_megapixels=self._limits.megapixels,
                    buffer=buffer,
                    admit=admit,
                )
                size = picture.pixels.nbytes
                outcome = _scored(self._scorer.score(picture), picture)
        except Exception as error:  # one picture must not end the service, whatever it does to us
            outcome = _ours(error)
        self._observe("score", time.perf_counter() - start)
        job.future.set_result(outcome)
        return size

    def _several(self, scorer: ScoresMany, jobs: Sequence[_Job]) -> None:
        """Score a batch; pictures that cannot be read are left out of it."""
        start = time.perf_counter()
        outcomes: dict[int, Outcome] = {}
        pictures: dict[int, Picture] = {}
        for place, job in enumerate(jobs):
            found = self._read(job.data)
            if isinstance(found, Picture):
                pictures[place] = found
            else:
                outcomes[place] = found
        try:
            scores = scorer.score_many(list(pictures.values())) if pictures else []
            for (place, picture), score in zip(pictures.items(), scores, strict=True):
                outcomes[place] = (
                    score if isinstance(score, SnellenError) else _scored(score, picture)
                )
        except Exception as error:
            outcomes.update(dict.fromkeys(pictures, _ours(error)))
        self._observe("score", time.perf_counter() - start)
        for place, job in enumerate(jobs):
            job.future.set_result(outcomes[place])

    def _read(self, data: bytes) -> Picture | SnellenError:
        """A picture with pixels of its own, or why there is none."""
        try:
            return read(data, max_megapixels=self._limits.megapixels)
        except Exception as error:
            return _ours(error)


def _scored(score: Score, picture: Picture) -> Scored:
    return Scored(score, picture.width, picture.height, picture.format, picture.hash, picture.notes)


def _ours(error: Exception) -> SnellenError:
    """Any error as one that can be told; a scorer's own words do not reach strangers."""
    if isinstance(error, SnellenError):
        return error
    return ScorerError(f"the scorer failed with {type(error).__name__}", "See the server's log.")
