"""A scorer without a network, for tests of everything around scorers. Also a program:

python standin.py FOLDER RUN     score FOLDER into RUN, as `snellen score` would
"""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image

from snellen.images.read import Picture
from snellen.scorers import Cell, Score

FAMILIES = (
    "blur",
    "noise",
    "compression",
    "brightness",
    "contrast",
    "colorfulness",
    "jitter",
    "clean",
)


class StandIn:
    """Scores a picture by its mean brightness; `trouble` maps mean brightness to an error."""

    def __init__(self, name: str = "stand-in@1", seconds: float = 0.0) -> None:
        self.name = name
        self.seconds = seconds
        self.scored: list[str] = []

    def score(self, picture: Picture) -> Score:
        if self.seconds:
            time.sleep(self.seconds)
        self.scored.append(picture.hash)
        value = float(picture.pixels.mean()) / 2.55
        others = dict.fromkeys(FAMILIES, 0.1)
        return Score(
            value=value,
            low=max(0.0, value - 4),
            high=min(100.0, value + 4),
            spread=2.0,
            families={**others, "noise": 0.3},
            severity=2.6,
            cells=(Cell(0, 0, 8, 8, value),),
            view={"policy": "mean", "size": np.int64(8)},
        )


def jpeg(seed: int, side: int = 24) -> bytes:
    """A small JPEG whose pixels, and so its hash and score, depend on `seed`."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (4, 6, 3), dtype=np.uint8) // 2 + (seed * 37) % 128
    file = io.BytesIO()
    image = Image.fromarray(pixels.astype(np.uint8)).resize((side * 3 // 2, side))
    image.save(file, "JPEG", quality=90)
    return file.getvalue()


def make_folder(folder: Path, count: int) -> Path:
    """`count` different pictures in `folder`, some of them in sub-folders."""
    for number in range(count):
        path = folder / ("" if number % 3 else f"more-{number % 2}") / f"p{number:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg(number))
    return folder


if __name__ == "__main__":
    import snellen

    snellen.score(sys.argv[1], StandIn(seconds=0.001), run=sys.argv[2], jobs=2)
