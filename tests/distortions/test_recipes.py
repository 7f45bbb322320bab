"""Single recipes against independent implementations and the physics or formula they stand for."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from distortion_pictures import apply, generator, psnr, scene, step_edge
from PIL import Image
from scipy import ndimage
from skimage import color as skcolor
from skimage import filters as skfilters

from snellen import distortions
from snellen.distortions import blur, color, colorspace, planes, spatial

# Colour spaces


def test_lab_is_scikit_images() -> None:
    pixels = generator().integers(0, 256, (40, 50, 3), dtype=np.uint8)
    ours = colorspace.to_lab(planes.from_uint8(pixels)).transpose(1, 2, 0)
    assert ours == pytest.approx(skcolor.rgb2lab(pixels), abs=0.02)


def test_lab_and_back_changes_no_8_bit_value() -> None:
    pixels = generator().integers(0, 256, (64, 64, 3), dtype=np.uint8)
    lab = colorspace.to_lab(planes.from_uint8(pixels))
    assert np.array_equal(planes.to_uint8(colorspace.from_lab(lab)), pixels)


def test_linear_light_and_back_changes_no_8_bit_value() -> None:
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16)[:, :, None].repeat(3, axis=2)
    light = colorspace.linear(planes.from_uint8(ramp))
    assert light.max() == 1
    assert np.array_equal(planes.to_uint8(colorspace.encoded(light)), ramp)


# Filters and blur


@pytest.mark.parametrize("sigma", [1.0, 3.0, 5.0, 11.0])
def test_gaussian_is_scipys_whichever_way_it_is_computed(sigma: float) -> None:
    image = planes.from_uint8(scene())
    expected = ndimage.gaussian_filter(
        image.astype(np.float64),
        (0, sigma, sigma),
        mode="nearest",
        truncate=np.ceil(2 * sigma) / sigma,
    )
    assert planes.gaussian(image, sigma) == pytest.approx(expected, abs=2e-5)


@pytest.mark.parametrize("shape", [(3, 3), (9, 5), (17, 31)])
def test_convolution_by_fourier_is_the_direct_one(shape: tuple[int, int]) -> None:
    image = planes.from_uint8(scene(40, 56))
    kernel = generator().random(shape)
    expected = [ndimage.convolve(plane.astype(float), kernel, mode="nearest") for plane in image]
    assert planes.convolve(image, kernel) == pytest.approx(np.array(expected), rel=1e-4)


@pytest.mark.parametrize("radius", [1, 2, 4, 8])
def test_disk_weighs_pixels_by_their_part_inside(radius: int) -> None:
    kernel = blur.disk(radius)
    assert kernel.sum() == pytest.approx(1)
    assert np.array_equal(kernel, kernel.T)
    assert 1 / kernel.max() == pytest.approx(np.pi * radius**2, rel=0.02)
    reach = len(kernel) // 2
    # Second moments along an axis: a uniform disk's is r²/4, a pixel's own 1/12.
    moment = (kernel * np.arange(-reach, reach + 1) ** 2).sum()
    assert moment == pytest.approx(radius**2 / 4 + 1 / 12, rel=0.2 if radius == 1 else 0.05)


def test_a_line_of_one_pixel_is_the_identity_and_longer_ones_spread_along_their_angle() -> None:
    assert blur.line(1, 0.7) == pytest.approx(np.array([[1.0]]))
    kernel = blur.line(9, 0.0)
    y, x = np.mgrid[-4:5, -4:5]
    assert (kernel * x**2).sum() == pytest.approx((9**2 - 1) / 12, rel=0.15)
    assert (kernel * y**2).sum() < 0.2
    assert blur.line(9, np.pi / 2) == pytest.approx(kernel.T, abs=1e-9)


@pytest.mark.parametrize("name", ["gaussian-blur", "lens-blur", "motion-blur", "ringing"])
def test_blur_keeps_the_mean_of_a_flat_picture_and_spreads_a_point(name: str) -> None:
    flat = np.full((48, 64, 3), 77, np.uint8)
    point = flat.copy()
    point[24, 32] = 255
    assert np.array_equal(apply(flat, name, 5), flat)
    assert apply(point, name, 5)[24, 32].max() < 120


# Colour


def test_hsv_saturation_is_scikit_images() -> None:
    pixels = scene()
    hsv = skcolor.rgb2hsv(pixels)
    hsv[:, :, 1] *= 0.4
    expected = skcolor.hsv2rgb(hsv) * 255
    assert apply(pixels, "saturation-hsv", 1) == pytest.approx(expected, abs=0.51)


def test_lab_saturation_keeps_lightness_and_hue() -> None:
    soft = (96 + scene() // 4).astype(np.uint8)
    before, after = (skcolor.rgb2lab(image) for image in (soft, apply(soft, "saturation-lab", 2)))
    assert after[:, :, 0] == pytest.approx(before[:, :, 0], abs=0.7)
    assert after[:, :, 1:] == pytest.approx(2 * before[:, :, 1:], abs=2)


def test_colour_diffusion_keeps_lightness_and_blurs_hue() -> None:
    edge = np.full((64, 96, 3), (150, 120, 110), np.uint8)
    edge[:, 48:] = 110, 130, 140
    lab = skcolor.rgb2lab(apply(edge, "color-diffusion", 1))
    assert lab[:, :, 0] == pytest.approx(skcolor.rgb2lab(edge)[:, :, 0], abs=0.7)
    slope = np.diff(lab[32, :, 1])
    assert (slope < -0.05).sum() > 10  # one step in the original
    assert abs(slope).max() < 4


def test_colour_shift_moves_only_green_and_only_at_edges() -> None:
    edge = step_edge(64, 160)
    shifted = apply(edge, "color-shift", 5)
    assert np.array_equal(shifted[:, :, [0, 2]], edge[:, :, [0, 2]])
    moved = np.flatnonzero(shifted[32, :, 1] != edge[32, :, 1])
    assert len(moved)
    assert moved.min() >= 80
    assert moved.max() < 80 + 12


@pytest.mark.parametrize(("level", "colors"), [(1, 64), (3, 32), (5, 8)])
def test_quantized_pictures_have_no_more_colours_than_asked(level: int, colors: int) -> None:
    used = np.unique(apply(scene(), "color-quantization", level).reshape(-1, 3), axis=0)
    assert colors / 2 < len(used) <= colors


def test_palette_gives_each_of_few_colours_its_own_entry() -> None:
    shades = np.array([[4, 4, 4], [252, 4, 4], [4, 252, 4], [4, 4, 252], [252, 252, 252]], np.uint8)
    image = shades[generator().integers(0, 5, (20, 30))]
    palette = color.minimum_variance_palette(image, 16)
    assert len(palette) == 5
    distance = np.abs(palette[:, None].astype(int) - shades[None].astype(int)).sum(axis=2)
    assert distance.min(axis=0).max() <= 12  # colours are merged to five bits


def test_palette_is_better_than_pillows_median_cut() -> None:
    image = scene()
    ours = color.minimum_variance_palette(image, 16).astype(float)
    theirs = np.array(Image.fromarray(image).quantize(16).getpalette()[: 16 * 3], float)

    def error(palette: Any) -> float:
        gaps = image.reshape(-1, 1, 3) - palette.reshape(1, -1, 3)
        return float((gaps**2).sum(axis=2).min(axis=1).mean())

    assert error(ours) < error(theirs)


# Noise


@pytest.mark.parametrize(("level", "variance"), [(1, 0.001), (3, 0.003), (5, 0.01)])
def test_white_noise_has_its_variance_and_independent_channels(level: int, variance: float) -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    noise = apply(grey, "white-noise", level) / 255 - 128 / 255
    assert noise.var() == pytest.approx(variance, rel=0.03)
    assert noise.mean() == pytest.approx(0, abs=0.001)
    correlation = np.corrcoef(noise.reshape(-1, 3).T)
    assert abs(correlation[np.triu_indices(3, 1)]).max() < 0.03


def test_ycbcr_noise_is_that_of_the_studio_range() -> None:
    grey = np.full((200, 200, 3), 128, np.uint8)
    noise = apply(grey, "white-noise-ycbcr", 3) / 255 - 128 / 255
    luma, chroma = (255 / 219) ** 2, (255 / 224) ** 2
    expected = [
        0.001 * (luma + chroma * 1.402**2),
        0.001 * (luma + chroma * (0.344136**2 + 0.714136**2)),
        0.001 * (luma + chroma * 1.772**2),
    ]
    assert noise.var(axis=(0, 1)) == pytest.approx(expected, rel=0.04)


@pytest.mark.parametrize(("level", "density"), [(1, 0.001), (5, 0.03)])
def test_impulses_are_half_salt_half_pepper(level: int, density: float) -> None:
    grey = np.full((300, 300, 3), 128, np.uint8)
    noisy = apply(grey, "impulse-noise", level)
    assert set(np.unique(noisy)) == {0, 128, 255}
    for value in (0, 255):
        assert np.mean(noisy == value) == pytest.approx(density / 2, rel=0.25)


def test_multiplicative_noise_is_uniform_and_grows_with_light() -> None:
    for value in (50, 150):
        grey = np.full((200, 200, 3), value, np.uint8)
        noise = apply(grey, "multiplicative-noise", 3).astype(float) - value
        assert noise.std() == pytest.approx(value * 0.1, rel=0.03)
        assert abs(noise).max() <= value * 0.1 * np.sqrt(3) + 1  # uniform noise has a bound


def test_denoising_removes_most_noise_and_then_gives_up() -> None:
    pixels = scene(192, 256)
    for level, gain in ((1, 6), (2, 8), (3, 9)):
        variance = distortions.get("denoise").value(level)
        noisy = np.clip(
            pixels + generator().normal(0, 255 * np.sqrt(variance), pixels.shape), 0, 255
        )
        assert psnr(apply(pixels, "denoise", level), pixels) > psnr(noisy, pixels) + gain
    flat = np.full((128, 128, 3), 128, np.uint8)
    assert apply(flat, "denoise", 3).std() < 6
    assert apply(flat, "denoise", 5).std() > 15


# Compression


@pytest.mark.parametrize(("level", "quality"), [(1, 43), (3, 24), (5, 4)])
def test_jpeg_is_the_encoders(level: int, quality: int) -> None:
    data = io.BytesIO()
    Image.fromarray(scene()).save(data, "JPEG", quality=quality, subsampling="4:2:0")
    with Image.open(data) as image:
        expected = np.asarray(image)
    assert np.array_equal(apply(scene(), "jpeg", level), expected)


def test_jpeg2000_files_get_no_smaller_than_their_headers() -> None:
    tiny = scene(32, 32)
    assert psnr(apply(tiny, "jpeg2000", 5), tiny) > 8
    assert psnr(apply(tiny, "jpeg2000", 1), tiny) > psnr(apply(tiny, "jpeg2000", 4), tiny)


# Brightness and contrast


def curve(name: str, level: int) -> Any:
    """What becomes of the grey levels 0 … 255."""
    ramp = np.arange(256, dtype=np.uint8).repeat(8).reshape(8, 256, order="F")
    return apply(np.stack([ramp] * 3, axis=2), name, level)[0, :, 0].astype(float)


@pytest.mark.parametrize(("level", "amount"), [(1, 0.05), (3, 0.2), (4, 0.4)])
def test_darken_goes_through_its_three_knots(level: int, amount: float) -> None:
    out = curve("darken", level)
    assert out[[0, 255]] == pytest.approx([0, 255])
    assert out[127:129].mean() == pytest.approx(255 * (0.5 - amount / 2), abs=1)


def test_brighten_of_grey_lies_between_its_two_curves() -> None:
    out = curve("brighten", 3)
    assert out[[0, 255]] == pytest.approx([0, 255])
    encoded = 255 * 0.7
    lightness = skcolor.rgb2lab(np.full((1, 1, 3), 0.5))[0, 0, 0] / 100
    raised = lightness + 4 * 0.2 * lightness * (1 - lightness)
    in_lab = 255 * skcolor.lab2rgb([[[100 * raised, 0, 0]]])[0, 0, 0]
    assert out[127:129].mean() == pytest.approx((2 * encoded + in_lab) / 3, abs=1.5)


@pytest.mark.parametrize(("level", "amount"), [(1, 0.3), (2, 0.15), (4, -0.4), (5, -0.6)])
def test_contrast_change_goes_through_its_four_knots(level: int, amount: float) -> None:
    out = curve("contrast-change", level)
    quarter, three_quarters = np.interp([63.75, 191.25], np.arange(256), out)
    assert out[[0, 255]] == pytest.approx([0, 255])
    assert quarter == pytest.approx(255 * (0.25 - amount / 4), abs=0.6)
    assert three_quarters == pytest.approx(255 * (0.75 + amount / 4), abs=0.6)
    assert (np.diff(out) >= 0).all()


@pytest.mark.parametrize(("level", "shift"), [(1, 0.15), (2, 0.08), (4, -0.08), (5, -0.15)])
def test_mean_shift_adds_and_clips(level: int, shift: float) -> None:
    expected = np.clip(np.arange(256) + 255 * shift, 0, 255)
    assert curve("mean-shift", level) == pytest.approx(expected, abs=0.51)


def test_sharpening_overshoots_on_both_sides_of_an_edge() -> None:
    profile = apply(step_edge(), "high-sharpen", 2)[32, :, 0].astype(int)
    assert profile[46] < 50
    assert profile[49] > 190
    assert profile[[4, 90]].tolist() == [60, 180]


# Spatial


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_jitter_comes_near_five_bicubic_warps(level: int) -> None:
    pixels = scene()
    amount, draw = distortions.get("jitter").value(level), generator(7)
    image = planes.from_uint8(pixels)
    for _ in range(5):
        places = np.indices(pixels.shape[:2]) + amount * draw.standard_normal((2, 96, 128))
        image = np.stack(
            [ndimage.map_coordinates(plane, places, order=3, mode="nearest") for plane in image]
        )
    expected = psnr(planes.to_uint8(image), pixels)
    # Bilinear warps smooth texture a little more than bicubic ones, seen while shifts are small.
    slack = 2.0 if level < 3 else 0.8
    assert psnr(apply(pixels, "jitter", level), pixels) == pytest.approx(expected, abs=slack)


def test_patches_come_from_nearby_and_blocks_have_one_colour() -> None:
    pixels = scene(192, 256)
    patched = apply(pixels, "non-eccentricity-patch", 1)
    palette = {tuple(color) for color in pixels.reshape(-1, 3).tolist()}
    assert {tuple(color) for color in patched.reshape(-1, 3).tolist()} <= palette
    changed = np.any(patched != pixels, axis=2).mean()
    assert 0.01 < changed <= 20 * 256 / (192 * 256)

    blocked = apply(pixels, "color-block", 1)
    changed = np.any(blocked != pixels, axis=2)
    assert changed.sum() <= 2 * 32 * 32
    assert len(np.unique(blocked[changed], axis=0)) == 2


def test_pixelation_repeats_pixels_of_the_picture() -> None:
    row = np.tile(np.arange(200, dtype=np.uint8), (40, 1))
    out = apply(np.stack([row] * 3, axis=2), "pixelate", 5)[0, :, 0]
    expected = int(np.ceil(200 * (0.95 - 0.5**0.6)))
    assert len(np.unique(out)) == expected
    assert (np.diff(out.astype(int)) >= 0).all()


def test_thresholds_go_from_even_spacing_to_otsus() -> None:
    modes = generator().normal([[60], [120], [190], [230]], 9, (4, 900))
    image = np.clip(modes, 0, 255).astype(np.uint8)
    counts = np.bincount(image.ravel(), minlength=256)

    def spread(cuts: Any) -> float:
        parts = np.digitize(image, cuts, right=True)
        return float(sum(image[parts == n].var() * (parts == n).sum() for n in np.unique(parts)))

    even, few, many = (spatial.near_even_thresholds(counts, 3, rounds) for rounds in (0, 3, 50))
    assert np.diff(even) == pytest.approx([np.diff(even)[0]] * 2)
    assert spread(even) > spread(few) >= spread(many)
    otsu = skfilters.threshold_multiotsu(image, 4, nbins=256)
    assert spread(many) <= spread(otsu) * 1.001


def test_thresholds_of_a_few_grey_levels() -> None:
    for used in ([7], [0, 255], [10, 11, 12]):
        counts = np.bincount(used, minlength=256)
        cuts = spatial.near_even_thresholds(counts, 20)
        assert len(cuts) == 20
        assert (np.diff(cuts) >= 0).all()
        assert used[0] <= cuts[0] <= cuts[-1] <= used[-1]


@pytest.mark.parametrize(("level", "thresholds"), [(1, 20), (3, 13), (5, 7)])
def test_quantization_leaves_one_value_more_than_thresholds(level: int, thresholds: int) -> None:
    assert len(np.unique(apply(scene(), "quantization", level))) == thresholds + 1
