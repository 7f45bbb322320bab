"""The student of a study: what it asks for, what it learns, the button that calibrates it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from study_maker import rate_all

from snellen import distortions
from snellen.images import content_hash
from snellen.rating import Gallery, Study
from snellen.rating.pictures import Known
from snellen.rating.teaching import Teaching

pytestmark = pytest.mark.torch


@pytest.fixture
def gallery(tmp_path: Path) -> Gallery:
    """One scene in 30 states, all better than ruined; its score is how good it is."""
    folder = tmp_path / "photos"
    folder.mkdir()
    y, x = np.mgrid[0:160, 0:200]
    rng = np.random.default_rng(0)
    scene = (127 + 60 * np.sin(x / 9) + 50 * np.sin(y / 5))[..., None] + rng.normal(
        0, 9, (160, 200, 3)
    )
    known = []
    for i, (kind, level) in enumerate(
        (kind, level)
        for kind in ("gaussian-blur", "jpeg", "white-noise", "darken", "pixelate", "motion-blur")
        for level in range(1, 6)
    ):
        pixels = np.clip(scene, 0, 255).astype(np.uint8)
        path = folder / f"{kind}-{level}.png"
        Image.fromarray(distortions.apply(pixels, kind, level, seed=i)).save(path)
        digest = content_hash(path.read_bytes())
        known.append(Known(digest, path.name, path, "PNG", 200, 160, 110.0 - 20 * level))
    return Gallery(known)


@pytest.fixture
def teaching(gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Teaching:
    monkeypatch.chdir(tmp_path)
    return Teaching(gallery)


def test_what_is_asked_next_is_new_and_the_same_every_time(
    teaching: Teaching, gallery: Gallery
) -> None:
    first = teaching.next([], 10)
    more = teaching.next(first, 10)
    assert len(set(first) | set(more)) == 20
    assert first == teaching.next([], 10)
    rest = teaching.next([*first, *more], 50)
    assert sorted([*first, *more, *rest]) == sorted(gallery.known)
    assert teaching.next(list(gallery.known), 5) == []


def test_figures_follow_the_opinions(teaching: Teaching, gallery: Gallery) -> None:
    rng = np.random.default_rng(1)
    good = {image: 1 + picture.score / 25 for image, picture in gallery.known.items()}
    noise = dict(zip(good, rng.permutation(list(good.values())), strict=True))
    assert teaching.fit(good)["srcc"] > 0.5 > teaching.fit(noise)["srcc"]


@pytest.mark.parametrize("task", ["acr", "pairs"])
def test_the_button_calibrates_and_the_student_scores(
    teaching: Teaching, gallery: Gallery, tmp_path: Path, task: str
) -> None:
    from snellen.students.model import open_student

    n = 30 if task == "acr" else 120
    for picture in gallery.known.values():  # found beside the working directory, as the verb does
        assert picture.path.is_absolute()
    with Study.begin(tmp_path / "r.db", gallery, task, n, "tests", teaching) as study:  # type: ignore[arg-type]
        study.file.name_images({p.hash: str(p.path) for p in gallery.known.values()})
        rate_all(study, study.join("anna"))
        told = teaching.calibrate(study.file)
    assert "SRCC" in told["said"]
    student = open_student(told["folder"])
    assert student.opinion is not None
    assert student.card["calibration"]["n"] == len(gallery.known)
