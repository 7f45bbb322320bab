"""Scripts that the tests of judges ask, each with one peculiarity. Also a program:

python judge_scripts.py FILE COUNT [SECONDS]    ask COUNT questions through a memory in FILE

It prints the number of each batch when it is written, so that a test knows when to kill it.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from snellen.judges import Logits, Memory, Question, ScriptedJudge, choice

CALLS: list[str] = []  # keys asked of `by_brightness`, in order


def by_brightness(question: Question) -> Mapping[str, float]:
    """Depends on the last image, on each option's word and on the pre-fill; 0.8 in all."""
    CALLS.append(question.key)
    light = float(question.images[-1].pixels().mean()) / 255 if question.images else 0.5
    light += 0.1 * bool(question.prefill)
    weights = {o: 1 + light * (sum(map(ord, o)) % 7) for o in question.options}
    total = sum(weights.values())
    return {option: 0.8 * weight / total for option, weight in weights.items()}


def first_option(question: Question) -> str:
    return question.options[0]


def logits(question: Question) -> Logits:
    return Logits({option: float(len(option)) for option in question.options})


def nothing(question: Question) -> Mapping[str, float]:
    return dict.fromkeys(question.options, 0.0)


def too_much(question: Question) -> Mapping[str, float]:
    return dict.fromkeys(question.options, 0.9)


def not_a_number(question: Question) -> Mapping[str, float]:
    return dict.fromkeys(question.options, float("nan"))


def negative(question: Question) -> Mapping[str, float]:
    return dict.fromkeys(question.options, -0.1)


def mumble(question: Question) -> str:
    return "hm"


def silent(question: Question) -> None:
    return None


def failing(question: Question) -> Mapping[str, float]:
    raise RuntimeError("out of ideas")


def lacking(question: Question) -> Mapping[str, float]:
    return {question.options[0]: 0.5}


def left_over(question: Question) -> Mapping[str, float]:
    return {**dict.fromkeys(question.options, 0.1), "stranger": 0.1}


NOT_A_FUNCTION = 3


def small(seed: int) -> np.ndarray:
    """(6, 8, 3) uint8, another one for each seed."""
    return np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)


def rate(seed: int) -> Question:
    return choice(small(seed), "How is the quality?", options=("Good", "Poor"))


if __name__ == "__main__":
    seconds = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0

    def slow(question: Question) -> Mapping[str, float]:
        time.sleep(seconds)
        return by_brightness(question)

    judge = Memory(ScriptedJudge(slow, "slow"), Path(sys.argv[1]), batch=4)
    for start in range(0, int(sys.argv[2]), 4):
        judge.answer([rate(seed) for seed in range(start, start + 4)])
        print(start, flush=True)
    judge.close()
