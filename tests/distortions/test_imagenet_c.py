"""Zoom blur, spatter, saturate and fog against the `imagecorruptions` package.

Reference values: its 1.1.2 on `probe()`, numpy.random.seed(0) before each call, under numpy 2.4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from distortion_pictures import probe

from snellen import distortions
from snellen.distortions import imagenet_c
from snellen.distortions.planes import from_uint8

# (name, level): mean red, green and blue; then blue at nine pixels, rows 12, 48, 84 and columns
# 20, 64, 108.
# fmt: off
REFERENCE = {
    ("zoom-blur", 1): (126.11, 125.63, 119.99, 183, 125, 73, 112, 102, 128, 48, 115, 176),
    ("zoom-blur", 2): (126.00, 125.66, 119.99, 175, 126, 76, 111, 106, 128, 56, 116, 169),
    ("zoom-blur", 3): (125.73, 125.85, 120.00, 187, 137, 69, 122, 106, 116, 52, 106, 168),
    ("zoom-blur", 4): (125.78, 125.84, 120.00, 189, 136, 65, 121, 107, 117, 51, 107, 172),
    ("zoom-blur", 5): (126.00, 126.13, 120.00, 192, 139, 47, 119, 118, 119, 55, 111, 183),
    ("spatter", 1): (127.51, 127.81, 121.22, 200, 200, 40, 40, 40, 200, 40, 40, 200),
    ("spatter", 2): (129.34, 130.26, 123.61, 200, 200, 40, 40, 40, 200, 40, 40, 200),
    ("spatter", 3): (132.49, 134.24, 127.30, 203, 200, 40, 40, 40, 200, 40, 70, 219),
    ("spatter", 4): (121.83, 119.38, 110.08, 200, 200, 23, 40, 40, 200, 40, 24, 52),
    ("spatter", 5): (118.01, 114.52, 104.05, 200, 200, 22, 40, 40, 200, 40, 23, 50),
    ("saturate", 1): (171.49, 171.49, 169.38, 200, 200, 163, 102, 102, 211, 170, 170, 218),
    ("saturate", 2): (184.20, 184.20, 183.49, 200, 200, 198, 119, 119, 214, 206, 206, 222),
    ("saturate", 3): (105.25, 105.40, 100.13, 200, 200, 9, 0, 0, 184, 0, 0, 175),
    ("saturate", 4): (98.18, 98.49, 94.44, 200, 200, 9, 0, 0, 177, 0, 0, 78),
    ("saturate", 5): (97.17, 97.54, 93.26, 200, 200, 9, 0, 0, 177, 0, 0, 0),
    ("fog", 1): (126.18, 126.19, 123.37, 150, 198, 92, 94, 70, 153, 105, 44, 155),
    ("fog", 2): (126.08, 126.09, 123.75, 145, 197, 97, 100, 74, 148, 112, 45, 150),
    ("fog", 3): (127.65, 127.66, 125.65, 142, 187, 106, 112, 72, 144, 122, 34, 144),
    ("fog", 4): (129.53, 129.54, 127.53, 144, 174, 106, 118, 72, 146, 122, 36, 143),
    ("fog", 5): (130.16, 130.17, 128.41, 142, 166, 108, 124, 72, 143, 124, 36, 140),
}
# fmt: on


class LegacyRandom:
    """numpy's old global generator, seeded with 0, behind the two methods the recipes call."""

    def __init__(self) -> None:
        self._state = np.random.RandomState(0)

    def standard_normal(self, size: tuple[int, ...], dtype: Any) -> Any:
        return self._state.standard_normal(size).astype(dtype)

    def uniform(self, low: float, high: float, size: tuple[int, ...]) -> Any:
        return self._state.uniform(low, high, size)


def ours(name: str, level: int) -> Any:
    distortion = distortions.get(name)
    planes = distortion.recipe(from_uint8(probe()), distortion.value(level), LegacyRandom())  # type: ignore[arg-type]
    return np.clip(planes, 0, 1).transpose(1, 2, 0) * 255


@pytest.mark.parametrize(("name", "level"), [key for key in REFERENCE if key[0] != "spatter"])
def test_same_as_the_reference_to_the_pixel(name: str, level: int) -> None:
    assert_close(ours(name, level), REFERENCE[name, level], pixel=0.6, mean=0.05)


@pytest.mark.parametrize("level", [4, 5])
def test_mud_is_the_same_to_the_pixel(level: int) -> None:
    assert_close(ours("spatter", level), REFERENCE["spatter", level], pixel=0.6, mean=0.05)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_water_lies_where_it_does_in_the_reference(level: int) -> None:
    # OpenCV's distances are approximate and its edge detector differs in ties, so that the drops'
    # shine is not the same in every pixel; their place and light are.
    assert ours("spatter", level).mean(axis=(0, 1)) == pytest.approx(
        REFERENCE["spatter", level][:3], abs=0.4
    )


def assert_close(image: Any, reference: tuple[float, ...], pixel: float, mean: float) -> None:
    assert image.mean(axis=(0, 1)) == pytest.approx(reference[:3], abs=mean)
    assert image[12::36, 20::44, 2].ravel() == pytest.approx(reference[3:], abs=pixel)


def test_water_only_adds_light_and_leaves_most_of_the_picture_alone() -> None:
    pixels = probe()
    for level in (1, 2, 3):
        wet = distortions.apply(pixels, "spatter", level, seed=3).astype(int) - pixels
        assert wet.min() >= 0
        assert 0.5 < np.mean(wet == 0) < 0.99


def test_fog_never_exceeds_the_former_maximum() -> None:
    dim = probe() // 2
    for level in range(1, 6):
        assert distortions.apply(dim, "fog", level, seed=1).max() <= dim.max()


@pytest.mark.parametrize("side", [1, 2, 3, 8, 100])
def test_plasma_covers_any_side_and_all_of_its_range(side: int) -> None:
    cloud = imagenet_c.plasma(side, 2.0, np.random.Generator(np.random.PCG64(0)))
    assert min(cloud.shape) >= side
    assert cloud.min() == 0
    assert cloud.max() == pytest.approx(1)


def test_plasma_is_smoother_the_faster_it_decays() -> None:
    rough, smooth = (
        np.abs(
            np.diff(imagenet_c.plasma(128, decay, np.random.Generator(np.random.PCG64(0))))
        ).mean()
        for decay in (1.4, 2.0)
    )
    assert smooth < rough / 2


def test_the_copies_of_q_debias_are_in_the_catalogue() -> None:
    for name, level in imagenet_c.Q_DEBIAS:
        assert distortions.get(name).aliases["q-debias"] == f"level {level}"
