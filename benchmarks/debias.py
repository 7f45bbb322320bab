"""What sharing work and our default save over Q-Debias asked naively, one question by one.

    python benchmarks/debias.py [hf:FOLDER] [--shape smol] --pictures 2 --turns 3

Without a model, one of random weights and of real proportions is made (`big_model.py`).

Three ways on one loaded model, in turns within one run; printed are the medians of the ratios:

- naive        : the eight questions of the paper, one call each, nothing shared
- as published : the same eight in one batch, sharing what they have in common
- default      : our default method; and others with so many copies (`--copies`)

and the largest difference of the scores of the first two, which must be the same.
Times are of the processor, so that other programs count less; run it with OMP_NUM_THREADS=1.
Making the copies is in all three. Pictures are noise: what they show costs nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import big_model
import numpy as np

from snellen.images import Picture, content_hash
from snellen.judges import Answer, Judge, Question, load_judge
from snellen.scoring import JudgeScorer, make_method


class OneByOne:
    """A judge that is asked each question in a call of its own."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.name, self.can = judge, judge.name, judge.can

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        return [self.judge.answer([question])[0] for question in questions]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("judge", nargs="?", help="hf:FOLDER of a model of 300 M parameters or more")
    parser.add_argument("--shape", default="smol", choices=big_model.SHAPES)
    parser.add_argument("--pictures", type=int, default=2)
    parser.add_argument("--side", type=int, default=384)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--copies", type=int, nargs="*", default=(), help="other numbers of copies")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = given.judge or f"hf:{big_model.build(Path(folder) / given.shape, given.shape)}"
        judge = load_judge(place)
    published = make_method("debias", as_published=True)
    ways = {
        "naive": JudgeScorer(OneByOne(judge), published),
        "as published": JudgeScorer(judge, published),
        "default": JudgeScorer(judge, make_method("debias")),
    }
    for count in given.copies:
        ways[f"{count} copies"] = JudgeScorer(judge, make_method("debias", copies=count))
    shown = [_picture(seed, given.side) for seed in range(given.pictures)]
    JudgeScorer(judge, make_method("levels")).score(shown[0])  # the first call pays for the start
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    scores: dict[str, list[float]] = {}
    for _ in range(given.turns):
        for name, scorer in ways.items():
            start = time.process_time()
            scores[name] = [scorer.score(one).value for one in shown]
            seconds[name].append(time.process_time() - start)
    parameters = sum(one.numel() for one in judge.model.parameters()) / 1e6  # type: ignore[attr-defined]
    print(f"{judge.name}, {parameters:.0f} M parameters")
    print(f"{given.pictures} pictures of {given.side} × {given.side}")
    for name, taken in seconds.items():
        ratios = [n / t for n, t in zip(seconds["naive"], taken, strict=True)]
        each = median(taken) / given.pictures
        print(f"{name:14} {each:8.2f} s a picture  {median(ratios):5.2f} × the naive speed")
    gap = max(abs(a - b) for a, b in zip(scores["naive"], scores["as published"], strict=True))
    print(f"largest difference of naive and as published: {gap:.2g} points of 100")


def _picture(seed: int, side: int) -> Picture:
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    return Picture(
        pixels, content_hash(pixels.tobytes()), side, side, "PNG", pixels.nbytes, "made here"
    )


if __name__ == "__main__":
    main()
