"""The scorer that ships: what it says of pictures whose fate is known."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import skimage.data

from snellen import distortions
from snellen.errors import InputError, ScorerError, UnknownName
from snellen.images.view import View, make_view
from snellen.scorers import Score, load_scorer
from snellen.scorers.built_in import FOLDER
from snellen.scorers.student import Student

PHOTOS = {name: getattr(skimage.data, name)() for name in ("astronaut", "coffee", "chelsea")}


@pytest.fixture(scope="module")
def scorer() -> Student:
    loaded = load_scorer("built-in")
    assert isinstance(loaded, Student)
    return loaded


def score(scorer: Student, pixels: np.ndarray) -> Score:
    return scorer.score_view(make_view(pixels, scorer.policy))


def worse(pixels: np.ndarray, name: str, level: int) -> np.ndarray:
    return distortions.apply(pixels, name, level, seed=1)


@pytest.mark.parametrize("photo", PHOTOS)
def test_a_score_has_scale_interval_families_and_map(scorer: Student, photo: str) -> None:
    pixels = PHOTOS[photo]
    found = score(scorer, pixels)
    assert 0 <= found.low <= found.value <= found.high <= 100
    assert found.spread > 0
    assert tuple(found.families) == distortions.FAMILIES
    assert sum(found.families.values()) == pytest.approx(1, abs=1e-5)
    assert found.severity is not None
    assert 0 <= found.severity <= 4
    height, width = pixels.shape[:2]
    assert len(found.cells) == len(make_view(pixels, scorer.policy).boxes) * 4
    for cell in found.cells:
        assert 0 <= cell.x < cell.x + cell.width <= width
        assert 0 <= cell.y < cell.y + cell.height <= height
        assert 0 <= cell.score <= 100


@pytest.mark.parametrize("photo", PHOTOS)
@pytest.mark.parametrize("name", ["gaussian-blur", "jpeg", "white-noise", "jpeg2000"])
def test_strong_harm_lowers_the_score_and_weak_harm_less(
    scorer: Student, photo: str, name: str
) -> None:
    pristine = score(scorer, PHOTOS[photo]).value
    weak = score(scorer, worse(PHOTOS[photo], name, 2)).value
    strong = score(scorer, worse(PHOTOS[photo], name, 5)).value
    assert strong < pristine - 20
    # Nothing is asked of weak against pristine: mild compression hides a photo's own grain.
    assert strong < weak - 10


@pytest.mark.parametrize(
    ("name", "level"),
    [("gaussian-blur", 4), ("lens-blur", 4), ("jpeg", 5), ("white-noise", 4), ("impulse-noise", 4)],
)
def test_what_is_wrong_is_named(scorer: Student, name: str, level: int) -> None:
    family = distortions.get(name).family
    named = [score(scorer, worse(pixels, name, level)).problem for pixels in PHOTOS.values()]
    assert named.count(family) >= 2


def test_the_map_finds_where_it_is_bad(scorer: Student) -> None:
    pixels = PHOTOS["astronaut"].copy()
    pixels[:, 256:] = worse(pixels, "gaussian-blur", 5)[:, 256:]
    cells = score(scorer, pixels).cells
    left = np.mean([cell.score for cell in cells if cell.x + cell.width <= 250])
    right = np.mean([cell.score for cell in cells if cell.x >= 262])
    assert right < left - 10


def test_the_mean_of_the_map_is_the_score(scorer: Student) -> None:
    found = score(scorer, PHOTOS["coffee"])
    assert np.mean([cell.score for cell in found.cells]) == pytest.approx(found.value, abs=2)


def test_the_same_picture_scores_the_same_in_any_thread(scorer: Student) -> None:
    pixels = [worse(PHOTOS["chelsea"], "jpeg", level) for level in range(1, 6)] * 4
    alone = [score(scorer, p).value for p in pixels]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda p: score(scorer, p).value, pixels))
    assert together == alone


def test_more_crops_are_another_scorer_with_a_finer_map(scorer: Student) -> None:
    finer = load_scorer("built-in", crops=24)
    assert finer.name != scorer.name
    assert finer.name.startswith(scorer.name.split("?")[0])
    big = np.tile(PHOTOS["coffee"], (2, 2, 1))  # where nine crops see nine places of the photo
    assert isinstance(finer, Student)
    assert len(score(finer, big).cells) > 2 * len(score(scorer, big).cells)
    assert score(finer, big).value == pytest.approx(score(scorer, big).value, abs=15)


@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (20, 30), (63, 400), (96, 96)])
def test_small_pictures_are_scored_and_marked(scorer: Student, shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    found = score(scorer, rng.integers(0, 256, (*shape, 3), dtype=np.uint8))
    assert np.isfinite(found.value)
    assert ("small" in found.view) == (min(shape) < 64)
    assert all(c.x + c.width <= shape[1] and c.y + c.height <= shape[0] for c in found.cells)


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_flat_pictures_have_a_finite_score(scorer: Student, grey: int) -> None:
    found = score(scorer, np.full((200, 300, 3), grey, np.uint8))
    assert 0 <= found.low <= found.value <= found.high <= 100


def test_crops_given_in_another_order_score_the_same(scorer: Student) -> None:
    view = make_view(PHOTOS["astronaut"], scorer.policy)
    turned = View(view.crops[::-1].copy(), view.boxes[::-1], view.whole, view.record)
    assert scorer.score_view(turned).value == pytest.approx(scorer.score_view(view).value, abs=1e-3)


def test_an_altered_file_is_refused_with_its_hash(tmp_path: Path) -> None:
    data = bytearray((FOLDER / "built-in.onnx").read_bytes())
    data[len(data) // 2] ^= 1
    altered = tmp_path / "built-in.onnx"
    altered.write_bytes(data)
    expected = (FOLDER / "built-in.sha256").read_text().strip()
    with pytest.raises(ScorerError, match=expected[:16]) as caught:
        Student(altered, sha256=expected)
    assert "Install Snellen again" in caught.value.fix


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x07" * 100])
def test_what_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(content)
    with pytest.raises(ScorerError, match=r"x\.onnx"):
        load_scorer(path)


def test_a_missing_file_and_an_unknown_name_are_told_apart() -> None:
    with pytest.raises(ScorerError, match="no model file"):
        load_scorer("nowhere.onnx")
    with pytest.raises(UnknownName) as caught:
        load_scorer("builtin")
    assert "built-in" in str(caught.value)


@pytest.mark.parametrize("crops", [0, -1, 100_000])
def test_the_dial_has_limits_and_its_default_is_named(scorer: Student, crops: int) -> None:
    with pytest.raises(InputError, match="crops") as caught:
        load_scorer("built-in", crops=crops)
    assert caught.value.fix == f"{scorer.policy.crops} is the default."
