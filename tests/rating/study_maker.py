"""Studies over small made pictures, whose quality is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from snellen.images import content_hash
from snellen.rating import Gallery, Study
from snellen.rating.pictures import Known
from snellen.rating.store import Rater, Task, Trial
from snellen.rating.teaching import Teaching


def make_picture(path: Path, number: int, size: tuple[int, int] = (64, 48)) -> Known:
    """A picture of its own, written to `path`; its score is ten times its number."""
    if not path.exists():
        rng = np.random.default_rng(number)
        pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(path)
    digest = content_hash(path.read_bytes())
    kind = path.suffix[1:].upper()
    return Known(digest, path.name, path, kind, *size, score=10.0 * number)


def make_gallery(folder: Path, n: int = 30) -> Gallery:
    folder.mkdir(exist_ok=True)
    return Gallery([make_picture(folder / f"p{i:02}.png", i) for i in range(n)])


def make_study(folder: Path, task: Task = "acr", n: int = 20, pictures: int = 30) -> Study:
    gallery = make_gallery(folder / "photos", pictures)
    return begin(folder / "ratings.db", gallery, task, n, seed="tests")


def begin(
    path: Path, gallery: Gallery, task: Task = "acr", n: int = 50, seed: str | None = None
) -> Study:
    return Study.begin(path, gallery, task, n, seed, Untaught(gallery))


class Untaught(Teaching):
    """As where torch is not installed: these tests are about people, not about a student."""

    def __init__(self, gallery: Gallery) -> None:
        self._gallery = gallery
        self._student = self._looked = None


def honest(study: Study, trial: Trial, noise: float = 0.0, seed: int = 0) -> str:
    """What a rater says who sees the score, and that a ruined copy is bad."""
    rng = np.random.default_rng((seed, trial.id))

    def worth(side: int) -> float:
        stimulus = trial.shown[side]
        score = 0.0 if stimulus.ruined else study.gallery.known[stimulus.image].score
        return score + noise * float(rng.normal())

    if study.task == "acr":
        best = max(picture.score for picture in study.gallery.known.values())
        return str(int(np.clip(1 + round(4 * worth(0) / best), 1, 5)))
    lead = worth(0) - worth(1)
    return "same" if abs(lead) < 5 else "first" if lead > 0 else "second"


def rate_all(study: Study, rater: Rater, noise: float = 0.0, seconds: float = 2.0) -> list[Trial]:
    """Answer everything; gives the trials in the order seen."""
    seen = []
    while (trial := study.next(rater)) is not None:
        study.answer(rater, trial.id, honest(study, trial, noise, rater.id), seconds)
        seen.append(trial)
    return seen
