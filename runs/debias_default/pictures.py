"""The pictures: validation or test photos, each pristine and with the same eight distortions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runs.built_in_scorer.photos import photos, pristine, role
from snellen import distortions
from snellen.distortions import seed_of
from snellen.distortions.severity import opinion
from snellen.images import Picture, content_hash

SIDE = 256  # of the middle square that is kept: copies of it are made in milliseconds
APPLIED = (
    ("gaussian-blur", 2),
    ("gaussian-blur", 4),
    ("white-noise", 1),
    ("white-noise", 5),
    ("jpeg", 3),
    ("jpeg", 5),
    ("color-diffusion", 2),
    ("darken", 4),
)
PRISTINE = 5.0  # of KADID-10k's scale: nothing to see


@dataclass(frozen=True)
class Rated:
    """A picture, its content by number, its distortion by number (0 pristine), its opinion."""

    picture: Picture
    content: int
    applied: int
    opinion: float


def pictures(data: Path, part: str, contents: int) -> Iterator[Rated]:
    """The first `contents` photos of a part, in order of their names, degraded."""
    chosen = [path for path in photos(data) if role(path) == part][:contents]
    if len(chosen) < contents:
        raise SystemExit(f"{len(chosen)} photos are {part}, {contents} were asked for")
    for number, path in enumerate(chosen):
        whole = pristine(path, np.random.default_rng(0))
        top, left = ((side - SIDE) // 2 for side in whole.shape[:2])
        pixels = np.ascontiguousarray(whole[max(0, top) :, max(0, left) :][:SIDE, :SIDE])
        yield Rated(_picture(pixels), number, 0, PRISTINE)
        for place, (name, level) in enumerate(APPLIED, start=1):
            said = opinion(name, level)
            assert said is not None  # all of APPLIED are KADID-10k's
            worse = distortions.apply(pixels, name, level, seed=seed_of(pixels, name, level))
            yield Rated(_picture(worse), number, place, said.mean)


def _picture(pixels: np.ndarray) -> Picture:
    height, width, _ = pixels.shape
    return Picture(
        pixels, content_hash(pixels.tobytes()), width, height, "PNG", pixels.nbytes, "made here"
    )
