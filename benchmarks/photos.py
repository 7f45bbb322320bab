"""Pictures for benchmarks, made on the spot from the photos that scikit-image carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import simplejpeg


def mosaic(shape: tuple[int, int], seed: int = 0) -> npt.NDArray[np.uint8]:
    """(h, w, 3) of real photos at native resolution, mirrored and repeated, with camera noise.

    Enlarged photos would be smooth, and decode faster than a camera's: this keeps the detail.
    """
    from skimage import data

    height, width = shape
    rng = np.random.default_rng(seed)
    tiles = [photo()[:300, :450] for photo in (data.astronaut, data.coffee, data.chelsea)]
    row = np.concatenate([tiles[i] for i in rng.permutation(3)], axis=1)
    block = np.concatenate([row, row[::-1, ::-1]], axis=0)
    down, across = -(-height // block.shape[0]), -(-width // block.shape[1])
    pixels = np.tile(block, (down, across, 1))[:height, :width]
    noise = rng.normal(0, 3, (257, width, 3)).astype(np.float32)
    for top in range(0, height, 257):
        part = pixels[top : top + 257]
        part[:] = np.clip(part + noise[: len(part)], 0, 255).astype(np.uint8)
    return np.ascontiguousarray(pixels)


def write_jpegs(
    folder: Path, count: int, shape: tuple[int, int], quality: int = 90, different: int = 6
) -> list[Path]:
    """`count` JPEG files of `shape`, 4:2:0 as cameras write them: copies of `different` ones."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = [
        simplejpeg.encode_jpeg(mosaic(shape, seed), quality=quality, colorsubsampling="420")
        for seed in range(min(count, different))
    ]
    paths = [folder / f"{number:06d}.jpg" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(contents[number % len(contents)])
    return paths


def write_degraded(folder: Path, levels: tuple[int, ...] = (1, 3, 5)) -> Path:
    """Three photos, each as it is and with every distortion at `levels`, as JPEGs of quality 95."""
    from skimage import data

    from snellen import distortions

    folder.mkdir(parents=True, exist_ok=True)
    for name in ("astronaut", "coffee", "chelsea"):
        pixels = getattr(data, name)()
        copies = {"pristine": pixels} | {
            f"{kind.name}-{level}": distortions.apply(pixels, kind.name, level, seed=level)
            for kind in distortions.catalogue()
            for level in levels
        }
        for copy, degraded in copies.items():
            jpeg = simplejpeg.encode_jpeg(degraded, quality=95, colorsubsampling="444")
            (folder / f"{name}-{copy}.jpg").write_bytes(jpeg)
    return folder
