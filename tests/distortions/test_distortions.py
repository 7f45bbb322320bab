"""Every distortion keeps the same promises; what is in the catalogue is tested by being there."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from distortion_golden import GOLDEN
from distortion_pictures import psnr, scene
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen import distortions
from snellen.distortions import Distortion
from snellen.errors import InputError, UnknownName

ALL = distortions.catalogue()
every = pytest.mark.parametrize("distortion", ALL, ids=lambda d: d.name)

# Where people's order, or ImageNet-C's, is not that of the error in pixels.
NOT_BY_ERROR = {"mean-shift", "contrast-change", "saturate", "color-shift", "fog"}
RANDOM = {
    "motion-blur", "color-shift", "white-noise", "white-noise-ycbcr", "impulse-noise",
    "multiplicative-noise", "denoise", "jitter", "non-eccentricity-patch", "color-block",
    "spatter", "fog", "sensor-noise", "haze", "underwater", "low-ink", "skewed-light",
    "tilted-defocus",
}  # fmt: skip


def degraded(pixels: Any, distortion: Distortion, level: int, seed: int = 1) -> Any:
    return distortions.apply(pixels, distortion.name, level, seed=seed)


@every
def test_result_is_an_image_of_the_same_size_and_the_input_stays(distortion: Distortion) -> None:
    pixels = scene()
    before = pixels.copy()
    pixels.flags.writeable = False
    for level in distortion.levels:
        worse = degraded(pixels, distortion, level)
        assert worse.shape == pixels.shape
        assert worse.dtype == np.uint8
        assert worse.flags.c_contiguous
        assert not np.shares_memory(worse, pixels)
    assert np.array_equal(pixels, before)


@every
def test_only_the_levels_said_to_change_nothing_change_nothing(distortion: Distortion) -> None:
    pixels = scene()
    unchanged = {
        level
        for level in distortion.levels
        if np.array_equal(degraded(pixels, distortion, level), pixels)
    }
    assert unchanged == distortion.unchanged
    assert all(distortion.visible(level) != (level in unchanged) for level in distortion.levels)
    assert all(distortion.label(level) == "clean" for level in unchanged)


@every
def test_a_seed_decides_everything(distortion: Distortion) -> None:
    pixels = scene()
    level = distortion.order[-1]
    first = degraded(pixels, distortion, level, 1)
    assert np.array_equal(first, degraded(pixels, distortion, level, 1))
    others = [degraded(pixels, distortion, level, seed) for seed in (0, 2, 3, 2**64 - 1)]
    same = all(np.array_equal(first, other) for other in others)
    assert same == (distortion.name not in RANDOM)


@every
def test_float_pixels_give_the_same_as_8_bit_ones(distortion: Distortion) -> None:
    pixels = scene()
    for dtype in (np.float32, np.float64):
        from_float = degraded(pixels.astype(dtype) / 255, distortion, 4)
        difference = from_float.astype(int) - degraded(pixels, distortion, 4)
        assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("distortion", [d for d in ALL if d.name not in NOT_BY_ERROR], ids=str)
def test_each_level_is_further_from_the_original(distortion: Distortion) -> None:
    pixels = scene(192, 256)
    quality = [psnr(degraded(pixels, distortion, level), pixels) for level in distortion.order]
    # Blocks and patches may fall on one another, so that a level may come out no worse.
    slack = 0.5 if distortion.name in {"color-block", "non-eccentricity-patch"} else 0.0
    assert all(later < earlier + slack for earlier, later in pairwise(quality)), quality


@every
@pytest.mark.parametrize("size", [(8, 8), (9, 31), (33, 8)])
def test_tiny_and_odd_sizes(distortion: Distortion, size: tuple[int, int]) -> None:
    for level in distortion.levels:
        assert degraded(scene(*size), distortion, level).shape == (*size, 3)


@every
@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_pictures(distortion: Distortion, value: int) -> None:
    flat = np.full((40, 48, 3), value, np.uint8)
    for level in distortion.levels:
        assert degraded(flat, distortion, level).shape == flat.shape


@pytest.mark.parametrize(
    "name",
    ["gaussian-blur", "lens-blur", "motion-blur", "zoom-blur", "ringing", "upscaling-bicubic",
     "upscaling-smooth", "tilted-defocus", "pixelate", "jitter", "quantization",
     "high-sharpen", "jpeg", "saturation-hsv", "saturation-lab", "color-diffusion"],
)  # fmt: skip
def test_grey_stays_grey(name: str) -> None:
    grey = np.repeat(scene()[:, :, 1:2], 3, axis=2)
    worse = distortions.apply(grey, name, 4, seed=1).astype(int)
    assert np.ptp(worse, axis=2).max() <= 1


@settings(max_examples=60, deadline=None)
@given(
    distortion=st.sampled_from(ALL),
    level=st.integers(1, 5),
    size=st.tuples(st.integers(8, 40), st.integers(8, 40)),
    seed=st.integers(0, 2**64 - 1),
)
def test_any_size_level_and_seed(
    distortion: Distortion, level: int, size: tuple[int, int], seed: int
) -> None:
    worse = degraded(scene(*size), distortion, level, seed)
    assert worse.shape == (*size, 3)


@every
def test_results_are_those_of_the_release(distortion: Distortion) -> None:
    pixels = scene()
    # Encoders may round otherwise in another version; all else is ours.
    tolerance = 0.5 if distortion.family == "compression" else 0.05
    for level, (mean, change) in zip(distortion.levels, GOLDEN[distortion.name], strict=True):
        worse = degraded(pixels, distortion, level).astype(float)
        assert worse.mean() == pytest.approx(mean, abs=tolerance)
        assert np.abs(worse - pixels).mean() == pytest.approx(change, abs=tolerance)


@every
@pytest.mark.parametrize("level", [0, 6, -1])
def test_levels_that_do_not_exist_are_refused(distortion: Distortion, level: int) -> None:
    for ask in (distortion.value, distortion.visible, distortion.label, distortion.opinion):
        with pytest.raises(InputError, match=f"{distortion.name} has no level {level}"):
            ask(level)
    with pytest.raises(InputError, match="Levels are 1 to 5"):
        degraded(scene(), distortion, level)


@every
def test_entries_are_complete(distortion: Distortion) -> None:
    assert distortion.name == distortion.name.lower().replace("_", "-").replace(" ", "-")
    assert distortion.family in set(distortions.FAMILIES) - {"clean"}
    assert sorted(distortion.order) == list(distortion.levels) == [1, 2, 3, 4, 5]
    # Pillow's own font, which sheets are lettered in, has little beyond ASCII.
    assert distortion.sees.isascii()
    assert distortion.parameter.isascii()
    assert distortion.sees
    assert distortion.parameter
    assert distortion.source.startswith(("KADID-10k", "ImageNet-C", "ours"))
    assert distortions.get(distortion.name) is distortion


def test_names_are_unique_and_every_family_is_there() -> None:
    assert not [name for name, times in Counter(d.name for d in ALL).items() if times > 1]
    assert {d.family for d in ALL} == set(distortions.FAMILIES) - {"clean"}


def test_kadid_types_are_all_there_in_order() -> None:
    numbers = [d.aliases["kadid10k"] for d in ALL if "kadid10k" in d.aliases]
    assert numbers == [str(number) for number in range(1, 26)]
    families = Counter(d.family for d in ALL if "kadid10k" in d.aliases)
    assert families == {
        "blur": 3, "noise": 5, "compression": 2, "brightness": 3,
        "contrast": 2, "colorfulness": 5, "jitter": 5,
    }  # fmt: skip


def test_unknown_names_come_with_the_nearest() -> None:
    with pytest.raises(UnknownName, match="'gaussian-blur'") as caught:
        distortions.get("gausian-blur")
    assert caught.value.kind == "distortion"


def test_there_is_nothing_to_add_to_an_entry() -> None:
    with pytest.raises(AttributeError):
        ALL[0].name = "other"  # type: ignore[misc]
