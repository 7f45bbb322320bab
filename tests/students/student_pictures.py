"""Pictures of known quality, because it was made: textures or photos, blurred more and more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image, ImageFilter

SHARPNESS = "scripted:snellen.judges.demo:sharpness"


def write_pictures(folder: Path, count: int, side: int = 96) -> list[Path]:
    """`count` pictures of different textures; the later ones are blurrier."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for i in range(count):
        rng = np.random.default_rng(i)
        coarse = rng.integers(0, 256, (12, 12, 3), np.uint8)
        texture = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        grain = rng.normal(0, 14, (side, side, 1))
        sharp = np.clip(np.asarray(texture, float) + grain, 0, 255).astype(np.uint8)
        picture = Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(4 * i / count))
        paths.append(folder / f"{i:03}.png")
        picture.save(paths[-1])
    return paths


def write_photos(folder: Path, count: int, side: int = 128) -> list[Path]:
    """`count` places of real photos, for what has an opinion of photos alone; the later ones are
    blurrier."""
    folder.mkdir(parents=True, exist_ok=True)
    photos = [skimage.data.astronaut(), skimage.data.coffee(), skimage.data.chelsea()]
    paths = []
    for i in range(count):
        rng = np.random.default_rng(i)
        photo = photos[i % len(photos)]
        top, left = (int(rng.integers(length - side)) for length in photo.shape[:2])
        sharp = Image.fromarray(photo[top : top + side, left : left + side])
        paths.append(folder / f"{i:03}.png")
        sharp.filter(ImageFilter.GaussianBlur(4 * i / count)).save(paths[-1])
    return paths


def write_ratings(path: Path, names: list[str], values: list[float]) -> Path:
    lines = [f"{name},{value}" for name, value in zip(names, values, strict=True)]
    path.write_text("image,mos\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def falling(count: int, low: float = 1.2, high: float = 4.8) -> list[float]:
    """Ratings on 1–5 that agree with `write_pictures`: the blurrier, the lower."""
    return [round(float(value), 3) for value in np.linspace(high, low, count)]
