"""The made pictures and what is known of them, as both trainings and the measurements read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from runs.built_in_judge.make import PICTURES, pictures_of
from runs.built_in_judge.questions import Facts, worth
from runs.built_in_judge.vision import SIDE

UInt8 = NDArray[np.uint8]
SMALL = 0.05  # share of sequences shown as small pictures, with the processor's black around them


class Pictures:
    """All pictures of one part; pixels stay mapped from disk.

    cache : where `runs.built_in_judge.make` put its shards. part : train, validation or test.
    labels: columns over all pictures. facts : the same, as questions need them.
    """

    def __init__(self, cache: Path, part: str) -> None:
        files = sorted(cache.glob(f"{part}-*.npz"))
        files = [file for file in files if not file.name.endswith(".part.npz")]
        if not files:
            raise SystemExit(f"no pictures in {cache}; run: python -m runs.built_in_judge.make")
        columns = [dict(np.load(file)) for file in files]
        self.labels: dict[str, NDArray[Any]] = {
            name: np.concatenate([one[name] for one in columns]) for name in columns[0]
        }
        self._maps = [np.load(pictures_of(file), mmap_mode="r") for file in files]
        self._places = [(i, j) for i, one in enumerate(self._maps) for j in range(len(one))]
        self.facts = [
            Facts(worth(opinion), families, severity, str(photo), thumb)
            for opinion, families, severity, photo, thumb in zip(
                *(self.labels[n] for n in ("opinion", "families", "severity", "photo", "thumb")),
                strict=True,
            )
        ]
        self._of_photo: dict[str, list[int]] = {}
        for row, fact in enumerate(self.facts):
            self._of_photo.setdefault(fact.photo, []).append(row)

    def __len__(self) -> int:
        return len(self.facts)

    def pixels(self, rows: Sequence[int]) -> UInt8:
        """(n, 224, 224, 3)."""
        return np.stack([self._maps[i][j] for i, j in (self._places[row] for row in rows)])

    def pair(self, rng: np.random.Generator) -> tuple[int, int]:
        """Two pictures to be shown together, in this order.

        Four in ten are of one unit, mostly Q-Debias's copy and query; one in ten are of one photo
        at two scales; the others are of two photos.
        """
        first = int(rng.integers(len(self)))
        draw = rng.random()
        if draw < 0.4:
            unit = first - first % PICTURES
            places = rng.permutation(PICTURES)[:2]
            if rng.random() < 0.5:  # the copy, then the query
                places = np.array([1, 0])
            return unit + int(places[0]), unit + int(places[1])
        if draw < 0.5:
            rows = self._of_photo[self.facts[first].photo]
            return first, int(rows[rng.integers(len(rows))])
        return first, int(rng.integers(len(self)))


def varied(pixels: UInt8, rng: np.random.Generator) -> UInt8:
    """(n, 224, 224, 3), all flipped alike, and now and then cut to a small picture in black."""
    for axis in (1, 2):
        if rng.random() < 0.5:
            pixels = np.flip(pixels, axis)
    if rng.random() < SMALL:
        side = int(rng.integers(64, SIDE))
        start = (SIDE - side) // 2
        small = np.zeros_like(pixels)
        small[:, start : start + side, start : start + side] = pixels[
            :, start : start + side, start : start + side
        ]
        pixels = small
    return np.ascontiguousarray(pixels)
