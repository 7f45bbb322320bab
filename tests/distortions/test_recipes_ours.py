"""Our own recipes for scaling, cameras, air and paper against the physics they stand for."""

from __future__ import annotations

import numpy as np
import pytest
from distortion_pictures import apply, generator, probe, step_edge

from snellen import distortions
from snellen.distortions import camera, colorspace, planes, resampling


def test_sensor_noise_follows_photon_statistics() -> None:
    gain = distortions.get("sensor-noise").value(2)
    measured = []
    for value in (60, 120, 180):
        grey = planes.from_uint8(np.full((256, 256, 3), value, np.uint8))
        noise = colorspace.linear(camera.sensor_noise(grey, gain, generator()))[1]
        light = float(colorspace.linear(grey)[1, 0, 0])
        measured.append(noise.var() / (gain * light + 9 * gain**2))
    # Interpolated sites average four neighbours: (1 + ¼)/2 of the variance stays.
    assert measured == pytest.approx([0.625] * 3, rel=0.08)


def test_sensor_noise_is_correlated_by_demosaicing_and_worst_in_red() -> None:
    noise = apply(np.full((256, 256, 3), 120, np.uint8), "sensor-noise", 3).astype(float) - 120
    red, green, _ = noise.transpose(2, 0, 1)
    assert np.corrcoef(red[:, :-1].ravel(), red[:, 1:].ravel())[0, 1] > 0.4
    assert red.std() > 1.2 * green.std()


def test_exposure_divides_and_multiplies_light() -> None:
    grey = np.full((8, 8, 3), 128, np.uint8)
    light = float(colorspace.linear(planes.from_uint8(grey)).mean())
    for name, sign in (("under-exposure", -1), ("over-exposure", 1)):
        stops = distortions.get(name).value(1)
        after = float(colorspace.linear(planes.from_uint8(apply(grey, name, 1))).mean())
        assert after == pytest.approx(light * 2 ** (sign * stops), abs=0.005)


def test_banding_makes_stairs_of_a_ramp() -> None:
    ramp = np.tile(np.linspace(20, 230, 256), (32, 1)).astype(np.uint8)
    out = apply(np.stack([ramp] * 3, axis=2), "banding", 3)[16, 20:-20, 0].astype(int)
    big = np.flatnonzero(np.diff(out) > 15)
    assert len(big) == pytest.approx(7 * (230 - 20) / 255 * 216 / 256, abs=1.5)


def test_ringing_ripples_beside_an_edge_on_both_sides() -> None:
    profile = apply(step_edge(), "ringing", 3)[32, :, 0].astype(int)
    assert profile.min() < 57
    assert profile.max() > 183
    assert profile[[2, -3]].tolist() == pytest.approx([60, 180], abs=2)


@pytest.mark.parametrize("name", ["upscaling-bicubic", "upscaling-nearest", "upscaling-smooth"])
def test_upscaling_removes_what_the_small_picture_cannot_hold(name: str) -> None:
    fine = (np.indices((64, 96)).sum(axis=0) % 2 * 120 + 60).astype(np.uint8)
    out = apply(np.stack([fine] * 3, axis=2), name, 4)
    assert out.std() < 0.2 * fine.std()
    assert out.mean() == pytest.approx(120, abs=4)


def test_smooth_upscaling_keeps_outlines_crisper_than_bicubic() -> None:
    steepest = {
        name: np.abs(np.diff(apply(step_edge(), name, 4)[32, :, 0].astype(int))).max()
        for name in ("upscaling-smooth", "upscaling-bicubic")
    }
    assert steepest["upscaling-smooth"] > steepest["upscaling-bicubic"]


def test_guided_smoothing_flattens_texture_and_leaves_edges() -> None:
    image = planes.from_uint8(step_edge())
    noisy = image + 0.02 * generator().standard_normal(image.shape, dtype=np.float32)
    smooth = planes.guided(noisy, 7, 0.002)
    assert (smooth - image)[:, :, :40].std() < 0.008
    assert abs(smooth[0, 32, 47] - smooth[0, 32, 48]) > 0.4


def test_chromatic_aberration_spreads_red_outwards_and_blue_inwards() -> None:
    bar = np.full((97, 129, 3), 40, np.uint8)
    bar[:, 110] = 220
    out = apply(bar, "chromatic-aberration", 3)[48].astype(int)
    assert out[:, 1].argmax() == 110
    assert out[:, 0].argmax() > 110 > out[:, 2].argmax()
    assert np.array_equal(apply(probe(), "chromatic-aberration", 5)[:, :, 1], probe()[:, :, 1])


def test_haze_lowers_contrast_most_at_the_top() -> None:
    board = (np.indices((96, 128)).sum(axis=0) // 4 % 2 * 200 + 20).astype(np.uint8)
    out = apply(np.stack([board] * 3, axis=2), "haze", 4)[:, :, 1].astype(float)
    assert out[:24].std() < out[-24:].std() < board.std()
    assert out[:24].mean() > 150


def test_water_takes_red_first() -> None:
    grey = np.full((64, 64, 3), 150, np.uint8)
    for seed in range(5):
        red, green, blue = apply(grey, "underwater", 3, seed).mean(axis=(0, 1))
        assert red < min(green, blue) - 10


def test_low_ink_lightens_the_print_and_leaves_the_paper_white() -> None:
    page = np.full((64, 96, 3), 255, np.uint8)
    page[20:40, 10:80] = 15
    pale = apply(page, "low-ink", 4)
    assert (pale[page == 255] == 255).all()
    assert 90 < pale[25:35, 20:70].mean() < 220
    assert pale[20:40, 40, 0].std() > 2  # streaks across the print


def test_skewed_light_falls_from_one_side_to_the_other() -> None:
    page = np.full((64, 96, 3), 240, np.uint8)
    stops = distortions.get("skewed-light").value(2)
    light = colorspace.linear(planes.from_uint8(apply(page, "skewed-light", 2)))
    paper = colorspace.linear(planes.from_uint8(page)).max()
    assert light.max() == pytest.approx(paper, rel=0.01)
    assert light.min() == pytest.approx(paper * 2**-stops, rel=0.05)


def test_tilted_defocus_is_sharp_at_one_side_only() -> None:
    board = (np.indices((128, 128)).sum(axis=0) // 2 % 2 * 200 + 20).astype(np.uint8)
    out = apply(np.stack([board] * 3, axis=2), "tilted-defocus", 3)[:, :, 0].astype(float)
    tiles = out.reshape(8, 16, 8, 16).std(axis=(1, 3))
    assert tiles.max() > 80
    assert tiles.min() < 10


def test_swells_cover_any_size() -> None:
    for size in ((8, 8), (9, 200), (131, 47)):
        field = planes.smooth_field(*size, generator())
        assert field.shape == size
        assert 0 <= field.min() < 0.3 < 0.7 < field.max() <= 1


def test_ringing_kernel_passes_what_is_below_the_cutoff() -> None:
    x = np.arange(256)
    for cycles, kept in ((10, 1.0), (60, 0.0)):  # cutoff at .17 · 256 ≈ 44
        wave = (0.5 + 0.3 * np.sin(2 * np.pi * cycles * x / 256)).astype(np.float32)
        image = np.broadcast_to(wave, (3, 40, 256)).copy()
        out = resampling.ringing(image, 0.17, generator())[0, 20, 60:-60]
        assert np.ptp(out) / 0.6 == pytest.approx(kept, abs=0.07)
