"""Applying distortions: bad input, seeds, several in a row, sheets and the command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distortion_pictures import apply, psnr, scene
from PIL import Image
from typer.testing import CliRunner

from snellen import distortions
from snellen.cli import app
from snellen.distortions.sheet import sheet
from snellen.errors import InputError, SnellenError, UnknownName


@pytest.mark.parametrize(
    ("pixels", "what"),
    [
        (np.zeros((20, 20), np.uint8), r"got \(20, 20\)"),
        (np.zeros((20, 20, 4), np.uint8), r"got \(20, 20, 4\)"),
        (np.zeros((7, 20, 3), np.uint8), "got 20×7"),
        (np.zeros((20, 20, 3), np.int16), "got int16"),
        (np.full((20, 20, 3), 1.5), "got 1.5 to 1.5"),
        (np.full((20, 20, 3), -0.1), "got -0.1 to -0.1"),
        (np.full((20, 20, 3), np.nan), "got nan to nan"),
    ],
)
def test_arrays_that_are_no_rgb_image_are_refused(pixels: Any, what: str) -> None:
    with pytest.raises(InputError, match=what) as caught:
        apply(pixels, "jpeg", 1)
    assert caught.value.fix


def test_views_are_as_good_as_copies() -> None:
    wide = np.ascontiguousarray(scene()[:, ::-1])
    flipped = wide[:, ::-1]
    assert not flipped.flags.c_contiguous
    assert np.array_equal(apply(flipped, "gaussian-blur", 4), apply(scene(), "gaussian-blur", 4))


# Seeds


def test_seeds_differ_by_content_name_and_level_and_are_always_the_same() -> None:
    pixels = scene()
    other = pixels.copy()
    other[0, 0, 0] ^= 1
    seeds = [
        distortions.seed_of(content, name, level)
        for content in (pixels, other, pixels[:, :-1], pixels / 255, "9f86d081")
        for name in ("jitter", "denoise")
        for level in (1, 2)
    ]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**64 for seed in seeds)
    assert distortions.seed_of("9f86d081", "jitter", 1) == 9029286477435657930


def test_seed_of_a_view_is_that_of_its_copy() -> None:
    assert distortions.seed_of(scene()[:, 10:50], "jitter", 1) == distortions.seed_of(
        scene()[:, 10:50].copy(), "jitter", 1
    )


# Several in a row


def test_one_step_is_plain_application() -> None:
    for name in ("white-noise", "jpeg", "spatter"):
        composed = distortions.compose(scene(), [(name, 3)], seed=5)
        assert np.array_equal(composed, apply(scene(), name, 3, seed=5))


def test_no_step_changes_nothing() -> None:
    assert np.array_equal(distortions.compose(scene(), [], seed=1), scene())


def test_order_matters_and_a_second_step_worsens() -> None:
    steps = [("gaussian-blur", 4), ("white-noise", 4)]
    forth = distortions.compose(scene(), steps, seed=1)
    back = distortions.compose(scene(), steps[::-1], seed=1)
    assert not np.array_equal(forth, back)
    assert psnr(forth, scene()) < psnr(apply(scene(), "gaussian-blur", 4), scene())


def test_the_same_noise_twice_is_not_the_same_noise() -> None:
    grey = np.full((128, 128, 3), 128, np.uint8)
    twice = distortions.compose(grey, [("white-noise", 3)] * 2, seed=1)
    assert (twice / 255).var() == pytest.approx(2 * 0.003, rel=0.05)  # equal noise would give 4


# Sheets


def test_a_sheet_shows_the_original_and_the_copies_at_full_resolution() -> None:
    pixels = scene(60, 80)
    chosen = [distortions.get("jpeg"), distortions.get("gaussian-blur")]
    image = np.asarray(sheet(pixels, chosen, content="abc", tile=48))
    assert find(image, pixels[6:54, 16:64]) == 1 + 2  # the original twice, and blur's level 1
    seed = distortions.seed_of("abc", "jpeg", 4)
    assert find(image, distortions.apply(pixels, "jpeg", 4, seed=seed)[6:54, 16:64]) == 1


def test_sheets_of_large_pictures_degrade_only_the_part_of_kadids_size() -> None:
    pixels = scene(700, 900)
    image = np.asarray(sheet(pixels, [distortions.get("jpeg2000")], content="abc", tile=32))
    part = pixels[94:606, 194:706]
    seed = distortions.seed_of("abc", "jpeg2000", 5)
    assert find(image, distortions.apply(part, "jpeg2000", 5, seed=seed)[240:272, 240:272]) == 1


def find(image: Any, tile: Any) -> int:
    """How many times `tile` lies in `image`, rows of tiles apart from one another."""
    h, w = tile.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(image[:, :, 0], w, axis=1)
    starts = np.argwhere((windows == tile[0, :, 0]).all(axis=2))
    return sum(np.array_equal(image[y : y + h, x : x + w], tile) for y, x in starts)


# The command


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "photo.png"
    Image.fromarray(scene()).save(path)
    return path


def degrade(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["degrade", *map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def decoded(path: str) -> Any:
    with Image.open(path) as image:
        return np.asarray(image)


def test_command_writes_the_copy_and_names_it(photo: Path) -> None:
    assert "photo-jpeg-4.png (128×96)" in degrade(photo, "--as", "jpeg", "--level", 4)
    written = decoded("photo-jpeg-4.png")
    assert np.array_equal(written, apply(scene(), "jpeg", 4))


def test_command_gives_the_same_copy_every_time_and_another_for_another_picture(
    photo: Path,
) -> None:
    grey = np.full((40, 40, 3), 128, np.uint8)
    Image.fromarray(grey).save("one.png")
    Image.fromarray(grey).save("two.bmp")  # same pixels, other bytes
    for number, name in enumerate(("one.png", "one.png", "two.bmp")):
        degrade(name, "--as", "white-noise", "-o", f"{number}.png")
    copies = [decoded(f"{number}.png") for number in range(3)]
    assert np.array_equal(copies[0], copies[1])
    assert not np.array_equal(copies[0], copies[2])


def test_command_takes_several_in_a_row(photo: Path) -> None:
    degrade(photo, "--as", "gaussian-blur=3", "--as", "jpeg", "--level", 5)
    expected = distortions.compose(scene(), [("gaussian-blur", 3), ("jpeg", 5)], seed=0)
    written = decoded("photo-gaussian-blur-3-jpeg-5.png")
    assert np.array_equal(written, expected)


def test_command_draws_ladders(photo: Path) -> None:
    degrade(photo, "--ladder", "--as", "banding", "--as", "haze")
    degrade(photo, "--ladder", "-o", "all.jpg")
    with Image.open("photo-ladder.png") as two, Image.open("all.jpg") as everything:
        assert everything.format == "JPEG"
        assert everything.width == two.width
        rows = len(distortions.catalogue()) / 2
        assert everything.height == pytest.approx(two.height * rows, rel=0.15)


def test_command_lists_the_catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    listed = degrade("--list")
    for distortion in distortions.catalogue():
        assert distortion.name in listed
        assert distortion.sees in listed


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ([], InputError, "no picture was given"),
        (["photo.png"], InputError, "nothing to do"),
        (["photo.png", "--as", "jepg"], UnknownName, "'jpeg'"),
        (["photo.png", "--as", "jpeg=9"], InputError, "Levels are 1 to 5"),
        (["photo.png", "--as", "jpeg=high"], InputError, "NAME=LEVEL"),
        (["photo.png", "--as", "jpeg", "-o", "photo.png"], InputError, "the picture itself"),
        (["photo.png", "--as", "jpeg", "-o", "copy.xyz"], InputError, r"such as \.png"),
        (["photo.png", "--as", "jpeg", "-o", "no/such/copy.png"], InputError, "existing folder"),
        (["nowhere.png", "--as", "jpeg"], SnellenError, r"nowhere\.png"),
    ],
)
def test_command_refuses_with_the_fix(
    photo: Path, arguments: list[str], error: type[SnellenError], message: str
) -> None:
    before = photo.read_bytes()
    with pytest.raises(error, match=message):
        CliRunner().invoke(app, ["degrade", *arguments], catch_exceptions=False)
    assert photo.read_bytes() == before
    assert sorted(path.name for path in photo.parent.iterdir()) == ["photo.png"]
