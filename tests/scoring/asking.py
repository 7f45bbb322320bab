"""Pictures and judges of the tests of scoring."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from snellen.images import Picture, content_hash
from snellen.judges import Question, ScriptedJudge
from snellen.judges.protocol import Capabilities

Say = Callable[[Question], Mapping[str, float] | None]


def picture(seed: int = 0, height: int = 48, width: int = 64) -> Picture:
    """Smooth noise: something that blur, fog and the rest change."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3))
    pixels = np.kron(coarse, np.ones((8, 8, 1)))[:height, :width].astype(np.uint8)
    return of(pixels)


def of(pixels: np.ndarray) -> Picture:
    """A picture of these pixels."""
    key = content_hash(pixels.tobytes())
    height, width, _ = pixels.shape
    return Picture(pixels, key, width, height, "PNG", pixels.nbytes, "made")


def judge(say: Say, most: int | None = None) -> ScriptedJudge:
    """A judge that says what `say` says; `most` images at a time."""
    return ScriptedJudge(say, "said", Capabilities(readout="given", max_images=most))


def silent(question: Question) -> None:
    """A script that knows nothing: every answer is missing."""
