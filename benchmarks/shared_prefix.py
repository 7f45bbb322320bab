"""What the questions of one batch share: the eight of Q-Debias together and one by one.

    python benchmarks/shared_prefix.py [--shape eyes] [--turns 2] [--dtype bfloat16]

Four degraded copies stand before one picture, two questions about each pair. One by one, 16 images
are encoded and 8 prompts of two images are read; together, 5 images and 4 prompts, of which each
goes on twice. So the most that can be saved is 16/5 = 3.2 × where the encoder is all the work, and
2 × where the language model is.

Both ways are taken in turns; printed are the median ratios, of the clock and of processor time,
which other programs do not lengthen, and the largest difference of a probability.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import big_model
import numpy as np

from snellen.judges import Answer, ImagePart, Question, choice, load_judge, predicate

POOR = (
    "The visual quality of the first image is poor. How about the visual quality of the second"
    " image. Good or poor?"
)
SAME = "Do these two images describe the same object? Yes or no"


def questions(side: int) -> list[Question]:
    """The eight questions about noise of (side, side / 2): what it shows costs nothing."""
    random = np.random.default_rng(0)
    picture, *copies = (
        ImagePart(random.integers(0, 256, (side // 2, side, 3), dtype=np.uint8)) for _ in range(5)
    )
    prefill = "The quality of the image is "
    return [
        question
        for copy in copies
        for question in (
            choice(copy, picture, POOR, options=("Good", "Poor"), prefill=prefill),
            predicate(copy, picture, SAME),
        )
    ]


def timed(ask: Callable[[], list[Answer]]) -> tuple[float, float, list[Answer]]:
    """Seconds on the clock, of the processor, and the answers."""
    clock, busy = time.perf_counter(), time.process_time()
    answers = ask()
    return time.perf_counter() - clock, time.process_time() - busy, answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shape", default="eyes", choices=big_model.SHAPES)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--dtype", default="bfloat16")
    parser.add_argument("--side", type=int, default=768)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = big_model.build(Path(folder) / given.shape, given.shape)
        judge = load_judge(f"hf:{place}", dtype=given.dtype)
    asked = questions(given.side)
    [first] = judge.answer(asked[:1])  # the first call of a model pays for its start
    parameters = sum(one.numel() for one in judge.model.parameters()) / 1e6
    shown = ", ".join(f"{image.tokens} tokens" for image in first.shown.images)
    print(f"{given.shape}: {parameters:.0f} M parameters, {given.dtype}, images of {shown}")
    ratios = []
    for _ in range(given.turns):
        alone = timed(lambda: [judge.answer([question])[0] for question in asked])
        together = timed(lambda: judge.answer(asked))
        ratios.append([a / b for a, b in zip(alone[:2], together[:2], strict=True)])
        print(f"one by one {alone[1]:.1f} s, together {together[1]:.1f} s of the processor")
    apart = max(
        abs(a - b)
        for one, other in zip(alone[2], together[2], strict=True)
        for a, b in zip(one.probabilities, other.probabilities, strict=True)
    )
    clock, busy = (median(column) for column in zip(*ratios, strict=True))
    print(f"together {busy:.2f} × faster in processor time, {clock:.2f} × on the clock")
    print(f"largest difference of a probability: {apart:.2g}")


if __name__ == "__main__":
    main()
