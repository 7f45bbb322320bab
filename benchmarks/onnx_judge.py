"""The judges in the package by ONNX Runtime and by transformers: time to load, speed, agreement.

    python benchmarks/onnx_judge.py [--judge built-in] [--pictures 10] [--turns 5]

Loading is of a fresh process with everything it imports, less what starting Python takes. Speed is
of two-image questions on one thread: the eight of Q-Debias about each picture (four copies, two
questions) asked together, of pictures that neither judge has seen. Both take turns; medians.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from statistics import median

from photos import mosaic

from snellen import distortions
from snellen.distortions.imagenet_c import Q_DEBIAS
from snellen.judges import Answer, ImagePart, Judge, Question, choice, load_judge, predicate

POOR = (
    "The visual quality of the first image is poor. How about the visual quality of the second"
    " image. Good or poor?"
)
SAME = "Do these two images describe the same object? Yes or no"
SIDE = 224  # pixels: what both are shown, so that decoding and cutting cost nothing


def questions(seed: int) -> list[Question]:
    """The eight about one picture, another one for each seed."""
    pixels = mosaic((SIDE, SIDE * 6), seed // 6)[:, seed % 6 * SIDE : (seed % 6 + 1) * SIDE]
    picture = ImagePart(pixels)
    asked: list[Question] = []
    for name, level in Q_DEBIAS:
        copy = ImagePart(distortions.apply(pixels, name, level, seed=seed))
        asked += [
            choice(copy, picture, POOR, options=("Good", "Poor"), prefill="The quality is"),
            predicate(copy, picture, SAME),
        ]
    return asked


def load_times(names: list[str], repeats: int) -> None:
    """Print what it takes to have each judge, in processes of their own."""
    code = "from snellen.judges import load_judge; load_judge({!r})"
    commands = {"python": "pass"} | {name: code.format(name) for name in names}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(repeats):
        for name, command in commands.items():
            clock, busy = time.perf_counter(), os.times()
            subprocess.run([sys.executable, "-c", command], check=True, capture_output=True)
            after = os.times()
            used = after.children_user + after.children_system
            used -= busy.children_user + busy.children_system
            seconds[name].append((time.perf_counter() - clock, used))
    bare = [median(column) for column in zip(*seconds["python"], strict=True)]
    for name in names:
        columns = zip(*seconds[name], strict=True)
        clock, busy = (median(c) - b for c, b in zip(columns, bare, strict=True))
        fastest = min(one for one, _ in seconds[name]) - min(one for one, _ in seconds["python"])
        print(f"load {name:20} {clock:6.2f} s (fastest {fastest:.2f}), {busy:.2f} of the processor")


def timed(judge: Judge, asked: list[list[Question]]) -> tuple[float, float, list[Answer]]:
    """Questions a second of the clock and of the processor, and the answers."""
    clock, busy = time.perf_counter(), time.process_time()
    answers = [answer for some in asked for answer in judge.answer(some)]
    taken = time.perf_counter() - clock, time.process_time() - busy
    return len(answers) / taken[0], len(answers) / taken[1], answers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--judge", default="built-in")
    parser.add_argument("--pictures", type=int, default=10)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--loads", type=int, default=5)
    given = parser.parse_args()
    names = [f"onnx:{given.judge}", given.judge]
    load_times(names, given.loads)
    import torch

    torch.set_num_threads(1)
    judges = [load_judge(names[0], threads=1), load_judge(names[1])]
    for judge in judges:
        judge.answer(questions(10_000))  # the first call of a model pays for its start
    rates: list[list[tuple[float, float]]] = [[], []]
    apart = 0.0
    for turn in range(given.turns):
        asked = [questions(turn * given.pictures + place) for place in range(given.pictures)]
        found = [timed(judge, asked) for judge in judges]
        for own, (clock, busy, _) in zip(rates, found, strict=True):
            own.append((clock, busy))
        for one, other in zip(found[0][2], found[1][2], strict=True):
            pairs = zip(one.probabilities, other.probabilities, strict=True)
            apart = max(apart, *(abs(a - b) for a, b in pairs))
    for name, own in zip(names, rates, strict=True):
        clock, busy = (median(column) for column in zip(*own, strict=True))
        print(f"{name:20} {clock:6.1f} questions a second, {busy:.1f} a second of the processor")
    for label, column in (("clock", 0), ("processor", 1)):
        ratios = [a[column] / b[column] for a, b in zip(*rates, strict=True)]
        spread = f"{min(ratios):.2f} … {max(ratios):.2f}"
        print(f"by {label}: {median(ratios):.2f} × as fast ({spread} in {len(ratios)} turns)")
    print(f"largest difference of a probability: {apart:.2g}")


if __name__ == "__main__":
    main()
