"""Plain questions about small pictures made on the spot: to try a judge with nothing at hand."""

from __future__ import annotations

import numpy as np

from snellen.judges.image import ImagePart, Pixels
from snellen.judges.question import Question, choice, predicate, score

_LEVELS = ("bad", "poor", "fair", "good", "excellent")


def picture(seed: int, width: int = 64, height: int = 48) -> Pixels:
    """(height, width, 3) uint8: a gradient with stripes and noise, another one for each seed."""
    random = np.random.default_rng(seed)
    x = np.linspace(0, 1, width)[None, :, None]
    y = np.linspace(0, 1, height)[:, None, None]
    plain = random.random(3) * x + random.random(3) * y
    stripes = 0.3 * np.sin(2 * np.pi * (2 + seed % 5) * (x + y))
    noise = random.normal(0, 0.02 * (1 + seed % 4), (height, width, 3))
    made: Pixels = np.clip((0.5 * plain + stripes + noise + 0.2) * 255, 0, 255).astype(np.uint8)
    return made


def plain_questions(*, prefill: bool, images: int | None) -> list[Question]:
    """Questions that any judge should answer: the shapes that the methods ask in.

    prefill : whether some may have one.
    images  : the most images that a question may have; None for no limit.
    """
    begin = "The quality of the image is" if prefill else ""
    one, other = (ImagePart(picture(seed)) for seed in (1, 2))
    tall = ImagePart(picture(3, 40, 88))
    rate = "How is the quality of the image?"
    asked = [
        choice(one, rate, options=("Good", "Poor"), prefill=begin),
        choice(tall, rate, options=("Good", "Poor"), prefill=begin),
        score(one, rate, levels=_LEVELS, prefill=begin),
        choice("Name what is wrong.", other, options=("blur", "noise", "compression")),
    ]
    if images is None or images >= 2:
        asked += [
            choice(one, other, "Which image is sharper, A or B?", options=("A", "B")),
            predicate(one, tall, "Do these two images describe the same object? Yes or no"),
            choice(one, tall, "The first image is poor. And the second?", options=("Good", "Poor")),
        ]
    return asked
