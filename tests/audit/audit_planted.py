"""Photos made here, and a judge whose eyesight is planted: it knows what was done to a picture."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from snellen.audit.material import Photos, from_photos
from snellen.audit.questions import LABELS, order_of
from snellen.judges import ImagePart, Question, ScriptedJudge

TYPES = ("gaussian-blur", "white-noise", "darken", "jpeg")


def photo(seed: int, height: int = 96, width: int = 128) -> np.ndarray:
    """(height, width, 3) uint8: a gradient, patches and fine grain, another one for each seed."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width] / max(height, width)
    tilt = rng.uniform(-1, 1, (2, 3))
    pixels = 0.5 + 0.3 * (y[..., None] * tilt[0] + x[..., None] * tilt[1])
    for _ in range(12):
        top, left = rng.integers(0, height - 16), rng.integers(0, width - 16)
        pixels[top : top + 16, left : left + 16] += rng.uniform(-0.3, 0.3, 3)
    pixels += rng.normal(0, 0.03, (height, width, 1))
    return (np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def folder_of_photos(folder: Path, count: int = 6) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        Image.fromarray(photo(seed)).save(folder / f"photo{seed}.png")
    return folder


def material(folder: Path, count: int = 6, types: Collection[str] = TYPES) -> Photos:
    return from_photos([folder_of_photos(folder, count)], types=list(types))


def content(image: ImagePart) -> str:
    """Who a picture is, whatever file its pixels came in."""
    return ImagePart(image.pixels()).hash


class Planted:
    """A script with planted eyesight.

    sees    : families that it names, surely; of all others it says clean.
    follows : families for which its score falls with the place.
    moody   : it names by the first option where the options' order is not the plain one.
    silent  : families about which it answers nothing.
    """

    def __init__(
        self,
        photos: Photos,
        sees: Collection[str],
        follows: Collection[str],
        *,
        moody: bool = False,
        silent: Collection[str] = (),
        name: str = "planted",
    ) -> None:
        self.sees, self.follows = set(sees), set(follows)
        self.moody, self.silent = moody, set(silent)
        self.known = {photos.picture(item).hash: item for item in photos.items}
        self.asked: list[Question] = []
        self.judge = ScriptedJudge(self.answer, name)

    def answer(self, question: Question) -> Mapping[str, float] | None:
        self.asked.append(question)
        item = self.known.get(content(question.images[-1]))
        family = item.family if item else "clean"
        if family in self.silent:
            return None
        words = set(question.options)
        if words == set(LABELS):
            return self._naming(question, family, dict(zip(LABELS, LABELS, strict=True)))
        if words == set("ABCDEFGH"):
            listed = re.findall(r"([A-H])\. (\w+)", question.text)
            return self._naming(question, family, {label: letter for letter, label in listed})
        if question.kind == "score":
            return self._levels(question, self._quality(question, -1))
        first, last = self._quality(question, 0), self._quality(question, -1)
        p = 0.5 + 0.4 * np.sign(first - last)
        return {"A": 0.9 * p, "B": 0.9 * (1 - p)}

    def _naming(
        self, question: Question, family: str, spelled: Mapping[str, str]
    ) -> Mapping[str, float]:
        said = spelled[family if family in self.sees else "clean"]
        hashed = content(question.images[-1])
        plain = tuple(LABELS[place] for place in order_of(hashed))
        if self.moody and tuple(question.options) != plain:
            said = question.options[0]
        left = 0.2 / (len(question.options) - 1)
        return {option: 0.7 if option == said else left for option in question.options}

    def _quality(self, question: Question, place: int) -> float:
        item = self.known.get(content(question.images[place]))
        if item is None:
            return 0.0
        return 0.9 - 0.15 * item.place if item.family in self.follows else 0.9

    def _levels(self, question: Question, quality: float) -> Mapping[str, float]:
        top = len(question.options) - 1
        at = quality * top
        return {
            option: max(0.0, 1 - abs(at - place)) for place, option in enumerate(question.options)
        }
