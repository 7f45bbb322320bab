"""What a network is shown: native pixels, nothing random, any size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.images.view import SMALL_SIDE, ViewPolicy, make_view, mirror, whole_view


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_crops_are_the_pictures_own_pixels() -> None:
    pixels = picture(480, 640)
    view = make_view(pixels)
    assert len(view.crops) == 9
    for crop, (x, y, w, h) in zip(view.crops, view.boxes, strict=True):
        np.testing.assert_array_equal(crop, pixels[y : y + h, x : x + w])


@pytest.mark.parametrize(
    ("height", "width", "grid"),
    [(400, 600, [3, 3]), (480, 1000, [4, 2]), (200, 1200, [9, 1]), (1200, 200, [1, 9])],
)
def test_the_grid_follows_the_shape(height: int, width: int, grid: list[int]) -> None:
    assert make_view(picture(height, width)).record["grid"] == grid


@pytest.mark.parametrize("crops", [1, 2, 4, 6, 12, 24, 48])
def test_the_dial_gives_about_as_many_crops_as_asked_for(crops: int) -> None:
    shown = len(make_view(picture(1500, 2000), ViewPolicy(crops=crops)).crops)
    assert crops * 0.6 <= shown <= crops


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 700), width=st.integers(1, 700), crops=st.integers(1, 24))
def test_any_size_gives_full_crops_on_the_block_grid_inside_the_picture(
    height: int, width: int, crops: int
) -> None:
    policy = ViewPolicy(crops=crops)
    view = make_view(np.full((height, width, 3), 7, np.uint8), policy)
    assert view.crops.shape == (len(view.boxes), policy.size, policy.size, 3)
    assert (view.crops == 7).all()
    assert (view.whole == 7).all()
    x, y, w, h = view.boxes.T
    assert (x % 8 == 0).all()
    assert (y % 8 == 0).all()
    assert (x + w <= width).all()
    assert (y + h <= height).all()
    assert len(np.unique(view.boxes, axis=0)) == len(view.boxes)
    assert ("mirrored" in view.record) == (min(height, width) < policy.size)
    assert ("small" in view.record) == (min(height, width) < SMALL_SIDE)


def test_a_picture_of_one_crop_is_shown_whole() -> None:
    pixels = picture(64, 64)
    view = make_view(pixels)
    assert view.boxes.tolist() == [[0, 0, 64, 64]]
    np.testing.assert_array_equal(view.crops[0], pixels)


def test_mirroring_runs_there_and_back() -> None:
    cut = np.arange(3, dtype=np.uint8)[None, :, None].repeat(3, axis=2)
    filled = mirror(cut, 8)
    assert filled.shape == (8, 8, 3)
    assert filled[0, :, 0].tolist() == [0, 1, 2, 2, 1, 0, 0, 1]


def test_the_whole_view_keeps_tone_colour_and_place() -> None:
    ramp = np.linspace(0, 255, 3000).round().astype(np.uint8)
    pixels = np.zeros((2000, 3000, 3), np.uint8)
    pixels[..., 0] = ramp  # red grows to the right
    pixels[1000:, :, 2] = 200  # blue below
    whole = whole_view(pixels, 64)
    assert whole.shape == (64, 64, 3)
    np.testing.assert_allclose(whole[..., 0].mean(0), np.linspace(2, 253, 64), atol=2)
    assert (whole[:32, :, 2] == 0).all()
    assert (whole[32:, :, 2] == 200).all()


def test_the_whole_view_of_a_picture_of_its_own_size_is_the_picture() -> None:
    pixels = picture(64, 64)
    np.testing.assert_array_equal(whole_view(pixels, 64), pixels)


def test_the_same_pixels_give_the_same_view_however_they_lie_in_memory() -> None:
    pixels = picture(300, 500)
    strided = np.asfortranarray(pixels)
    for one, other in zip(
        (make_view(pixels).crops, make_view(pixels).whole),
        (make_view(strided).crops, make_view(strided).whole),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_the_record_says_what_was_shown() -> None:
    record = make_view(picture(50, 200)).record
    assert record["policy"] == "native-grid-1"
    assert record["input"] == [200, 50]
    assert record["crop"] == 64
    assert record["mirrored"]
    assert record["small"]
    assert "none" in record["resampler"]
