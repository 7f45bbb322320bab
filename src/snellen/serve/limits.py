"""How much of everything the service takes, in one place."""

from __future__ import annotations

import os
from dataclasses import dataclass

from snellen.errors import InputError
from snellen.images.limits import Limit


@dataclass(frozen=True, slots=True)
class Limits:
    """Defaults are for a small machine; all are ours.

    jobs       : pictures scored at the same time; 0 = one a core.
    waiting    : pictures that may wait for their turn; one more is refused with 429.
    files      : pictures in one request.
    bytes      : of the body of one request.
    megapixels : of one picture; larger JPEGs are decoded smaller, others are refused.
    upload     : seconds that a body, or the head of a request, may take to arrive.
    seconds    : from arrival to answer; what is not done by then is answered with 504.
    uploads    : requests whose bodies arrive at the same time; one more is refused with 429.
    batch      : pictures given together to a scorer that takes several (a judge).
    gather     : seconds that such a scorer's batch may wait to fill.
    Raises `InputError` for numbers that make no sense.
    """

    jobs: int = 0
    waiting: int = 64
    files: int = 16
    bytes: int = 64_000_000
    megapixels: float = 100.0
    upload: float = 30.0
    seconds: float = 60.0
    uploads: int = 128
    batch: int = 8
    gather: float = 0.005

    def __post_init__(self) -> None:
        for name in ("waiting", "files", "bytes", "uploads", "batch"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("upload", "seconds"):
            if not 0 < getattr(self, name) < float("inf"):
                raise InputError(f"{name} must be some seconds, got {getattr(self, name)}")
        if self.jobs < 0 or self.gather < 0:
            raise InputError(f"jobs={self.jobs} and gather={self.gather} must not be negative")
        Limit(self.megapixels)

    @property
    def threads(self) -> int:
        """`jobs`, or one for each core this process may use."""
        if self.jobs:
            return self.jobs
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count() or 1
