"""Thumbnails: small, of the right shape, and looking like the picture."""

from __future__ import annotations

import io

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from snellen.images.thumbnail import make_thumbnail


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@settings(max_examples=60, deadline=None)
@given(height=st.integers(1, 700), width=st.integers(1, 700), side=st.sampled_from([16, 128]))
def test_any_shape_fits_and_keeps_its_proportions(height: int, width: int, side: int) -> None:
    image = opened(make_thumbnail(np.full((height, width, 3), 77, np.uint8), side))
    assert image.format == "JPEG"
    assert max(image.size) <= side
    factor = -(-max(height, width) // side)
    assert image.size == (max(1, width // factor), max(1, height // factor))
    assert np.abs(np.asarray(image).astype(int) - 77).max() <= 2


@pytest.mark.parametrize("photo", ["astronaut", "coffee", "chelsea"])
def test_it_looks_like_the_picture_averaged_down(photo: str) -> None:
    pixels = getattr(skimage.data, photo)()
    small = opened(make_thumbnail(pixels))
    factor = -(-max(pixels.shape[:2]) // 128)
    boxes = Image.fromarray(pixels).reduce(factor).crop((0, 0, *small.size))
    difference = np.asarray(small).astype(float) - np.asarray(boxes)
    assert abs(difference.mean()) < 1.5
    assert np.sqrt((difference**2).mean()) < 14  # 25 dB: four samples a cell, and JPEG


def test_a_small_picture_is_not_enlarged_and_a_view_is_taken_as_it_is() -> None:
    pixels = np.arange(40 * 30 * 3, dtype=np.uint8).reshape(40, 30, 3)
    assert opened(make_thumbnail(pixels)).size == (30, 40)
    assert make_thumbnail(pixels[::-1, ::-1]) == make_thumbnail(pixels[::-1, ::-1].copy())


def test_the_picture_itself_stays_as_it_was() -> None:
    pixels = skimage.data.astronaut()
    before = pixels.copy()
    make_thumbnail(pixels)
    assert np.array_equal(pixels, before)
