"""Colours come out as sRGB whatever profile they were stored with."""

from __future__ import annotations

import io

import numpy as np
import pytest
from image_files import P3, SRGB, SRGB_CURVE, Array, encode, icc_profile, photo
from PIL import Image, ImageCms

from snellen.images import read

ADOBE_RGB = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
ADOBE_GAMMA = (2.19921875,)


def to_linear(levels: Array, curve: tuple[float, ...]) -> Array:
    """Light from levels 0–255 by an ICC curve: a gamma, or the parametric one of type 3."""
    x = levels / 255
    if len(curve) == 1:
        return x ** curve[0]
    gamma, a, b, c, d = curve
    return np.where(x >= d, (a * x + b) ** gamma, c * x)


def expected_srgb(
    levels: Array, colorants: tuple[tuple[float, ...], ...], curve: tuple[float, ...]
) -> Array:
    """The same colours in sRGB, by the definition of matrix profiles, clipped to its gamut."""
    to_xyz, from_xyz = np.array(colorants), np.linalg.inv(np.array(SRGB))
    light = (to_linear(levels, curve) @ to_xyz @ from_xyz).clip(0, 1)
    levels = np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
    return np.rint(levels * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("name", "colorants", "curve"),
    [("Display P3", P3, SRGB_CURVE), ("Adobe RGB (1998)", ADOBE_RGB, ADOBE_GAMMA)],
)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
def test_wide_gamut_is_converted(
    kind: str, name: str, colorants: tuple[tuple[float, ...], ...], curve: tuple[float, ...]
) -> None:
    pixels = photo()
    options = {"lossless": True} if kind == "WEBP" else {}
    profile = icc_profile(name, colorants, curve)
    picture = read(encode(pixels, kind, icc_profile=profile, **options))
    expected = expected_srgb(pixels, colorants, curve)
    assert np.abs(picture.pixels.astype(int) - expected).max() <= 2
    assert np.abs(picture.pixels.astype(int) - pixels).max() > 20
    assert picture.notes == (f"ICC profile {name!r} converted to sRGB",)


def test_the_red_of_srgb_stored_in_display_p3() -> None:
    red = np.full((4, 4, 3), (234, 51, 35), np.uint8)  # CSS Color 4: color(display-p3 .918 .2 .139)
    picture = read(encode(red, "PNG", icc_profile=icc_profile("Display P3", P3)))
    assert picture.pixels[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("height", [70, 1100])  # one band, and more than one
def test_a_jpeg_of_a_phone(height: int) -> None:
    profile = icc_profile("Display P3", P3)
    photo_of_it = photo(height, 1000)
    plain = encode(photo_of_it, "JPEG", quality=95)
    picture = read(encode(photo_of_it, "JPEG", quality=95, icc_profile=profile))
    last = slice(height - 70, height)
    expected = expected_srgb(read(plain).pixels[last], P3, SRGB_CURVE)
    assert np.abs(picture.pixels[last].astype(int) - expected).max() <= 2
    assert picture.pixels.flags.c_contiguous


def test_a_profile_in_several_segments_of_a_jpeg() -> None:
    profile = icc_profile("Display P3", P3)
    long = profile.ljust(150_000, b"\0")
    long = len(long).to_bytes(4, "big") + long[4:]
    data = encode(photo(), "JPEG", icc_profile=long)
    assert data.count(b"ICC_PROFILE\0") == 3
    once = encode(photo(), "JPEG", icc_profile=profile)
    assert np.array_equal(read(data).pixels, read(once).pixels)


@pytest.mark.parametrize(
    "profile",
    [
        icc_profile("a maker's own sRGB"),
        ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
    ],
)
def test_srgb_by_any_name_is_left_alone(profile: bytes) -> None:
    picture = read(encode(photo(), "PNG", icc_profile=profile))
    assert np.array_equal(picture.pixels, photo())
    assert picture.notes == ()


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_profile_for_grey(kind: str) -> None:
    linear = icc_profile("linear grey", curve=(1.0,), space=b"GRAY")
    grey = np.full((16, 16), 55, np.uint8)
    picture = read(encode(grey, kind, icc_profile=linear))
    level = round(255 * (1.055 * (55 / 255) ** (1 / 2.4) - 0.055))
    assert np.abs(picture.pixels.astype(int) - level).max() <= 1
    assert picture.notes == ("grey converted to RGB", "ICC profile 'linear grey' converted to sRGB")


def test_colours_are_converted_before_they_are_shown_on_white() -> None:
    red = np.full((4, 4, 4), (234, 51, 35, 128), np.uint8)
    picture = read(encode(red, "PNG", icc_profile=icc_profile("Display P3", P3)))
    assert np.abs(picture.pixels[0, 0].astype(int) - [255, 127, 127]).max() <= 1


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (b"not a profile at all", "it is broken"),
        (icc_profile("cut", P3)[:200], "it is broken"),
        (icc_profile("grey", curve=(2.2,), space=b"GRAY"), "it is for GRAY, the pixels are RGB"),
    ],
)
def test_a_profile_of_no_use_is_ignored_and_noted(profile: bytes, said: str) -> None:
    picture = read(encode(photo(), "PNG", icc_profile=profile))
    assert np.array_equal(picture.pixels, photo())
    assert picture.notes == (f"ICC profile ignored: {said}",)


def test_an_rgb_profile_in_a_cmyk_file_is_ignored() -> None:
    image = Image.fromarray(photo()).convert("CMYK")
    picture = read(encode(image, "TIFF", icc_profile=icc_profile("P3", P3)))
    assert np.array_equal(picture.pixels, photo())
    assert picture.notes[-1] == "ICC profile ignored: it is for RGB, the pixels are CMYK"


def test_the_name_of_a_profile_stays_on_one_line() -> None:
    profile = icc_profile("two\nlines " + "x" * 99, P3)
    [note] = read(encode(photo(), "PNG", icc_profile=profile)).notes
    assert note.isprintable()
    assert len(note) < 110


def test_pillow_agrees_on_the_conversion() -> None:
    profile = icc_profile("Display P3", P3)
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    theirs = ImageCms.profileToProfile(
        Image.fromarray(photo()), source, ImageCms.createProfile("sRGB"), 1
    )
    ours = read(encode(photo(), "PNG", icc_profile=profile)).pixels
    assert np.abs(ours.astype(int) - np.asarray(theirs)).max() <= 1
