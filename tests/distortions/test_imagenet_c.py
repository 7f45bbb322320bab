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
    ("zoom-blur", 1): (126.11, 125.63, 119.99, 183.1, 125.1, 73.1, 111.9, 101.8, 128.5, 48.3, 114.9, 175.6),
    ("zoom-blur", 2): (126.00, 125.66, 119.99, 175.4, 126.1, 76.1, 111.2, 105.6, 127.5, 56.5, 116.1, 169.3),
    ("zoom-blur", 3): (125.73, 125.85, 120.00, 187.0, 137.2, 69.3, 122.5, 105.5, 115.7, 52.5, 105.9, 167.5),
    ("zoom-blur", 4): (125.78, 125.84, 120.00, 188.8, 135.8, 65.2, 121.2, 107.4, 117.3, 50.7, 106.9, 172.1),
    ("zoom-blur", 5): (126.00, 126.13, 120.00, 191.6, 138.7, 47.3, 118.8, 117.7, 119.0, 54.6, 111.1, 182.9),
    ("spatter", 1): (127.51, 127.81, 121.22, 200.0, 200.0, 40.0, 40.0, 40.0, 200.0, 40.0, 40.0, 200.0),
    ("spatter", 2): (129.34, 130.26, 123.61, 200.0, 200.0, 40.0, 40.0, 40.0, 200.0, 40.0, 40.0, 200.0),
    ("spatter", 3): (132.49, 134.24, 127.30, 203.4, 200.0, 40.0, 40.0, 40.0, 200.0, 40.0, 70.0, 218.8),
    ("spatter", 4): (121.83, 119.38, 110.08, 200.0, 200.0, 23.3, 40.0, 40.0, 200.0, 40.0, 23.6, 52.0),
    ("spatter", 5): (118.01, 114.52, 104.05, 200.0, 200.0, 21.8, 40.0, 40.0, 200.0, 40.0, 22.7, 49.8),
    ("saturate", 1): (171.49, 171.49, 169.38, 200.0, 200.0, 163.2, 101.6, 101.6, 211.2, 169.5, 169.5, 217.5),
    ("saturate", 2): (184.20, 184.20, 183.49, 200.0, 200.0, 198.4, 119.2, 119.2, 214.4, 206.5, 206.5, 222.5),
    ("saturate", 3): (105.25, 105.40, 100.13, 200.0, 200.0, 9.4, 0.0, 0.0, 184.0, 0.0, 0.0, 175.0),
    ("saturate", 4): (98.18, 98.49, 94.44, 200.0, 200.0, 9.4, 0.0, 0.0, 176.7, 0.0, 0.0, 77.5),
    ("saturate", 5): (97.17, 97.54, 93.26, 200.0, 200.0, 9.4, 0.0, 0.0, 176.7, 0.0, 0.0, 0.0),
    ("fog", 1): (126.18, 126.19, 123.37, 150.3, 197.6, 91.5, 93.9, 70.4, 152.9, 104.9, 44.2, 154.9),
    ("fog", 2): (126.08, 126.09, 123.75, 144.8, 197.4, 97.3, 99.9, 73.8, 147.7, 112.2, 44.7, 149.9),
    ("fog", 3): (127.65, 127.66, 125.65, 142.1, 186.9, 105.8, 111.7, 72.2, 144.4, 122.3, 34.5, 144.1),
    ("fog", 4): (129.53, 129.54, 127.53, 144.1, 174.5, 106.5, 117.7, 72.1, 145.5, 122.3, 35.6, 143.3),
    ("fog", 5): (130.16, 130.17, 128.41, 142.4, 165.9, 107.7, 124.0, 72.5, 142.6, 124.1, 35.9, 139.9),
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
    assert_close(ours(name, level), REFERENCE[name, level], pixel=0.2, mean=0.05)


@pytest.mark.parametrize("level", [4, 5])
def test_mud_is_the_same_to_the_pixel(level: int) -> None:
    assert_close(ours("spatter", level), REFERENCE["spatter", level], pixel=0.2, mean=0.05)


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
