"""Pristine photos for the built-in scorer, and the role of each.

The split is by *content*: a photo's role follows from the hash of its file, so adding photos never
moves one across, and no degraded copy of a held-out photo is ever trained on.
"""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from PIL import Image

from snellen.distortions.planes import from_uint8, gaussian, to_uint8

FOLDERS = ("pristine/kodak", "pristine/bsds500", "photos/imagenet-sample")
TEST, VALIDATION = 0.10, 0.05  # shares of contents
SMALLEST = 224  # shorter side kept after the mild resize, pixels
LONGEST = 640
NARROWEST = 160  # shorter side that a photo `taken` otherwise keeps at least, pixels
FILTERS = tuple(
    Image.Resampling[name] for name in ("LANCZOS", "BICUBIC", "HAMMING", "BILINEAR", "BOX")
)


def photos(data: Path) -> list[Path]:
    """All pristine photos under `data`, sorted; raises when the folders are not there."""
    found = sorted(
        path
        for folder in FOLDERS
        for path in (data / folder).rglob("*")
        if path.suffix.lower() in {".png", ".jpg", ".jpeg"}
    )
    if not found:
        raise SystemExit(f"no photos under {data}; expected {', '.join(FOLDERS)}")
    return found


def role(path: Path) -> str:
    """`test` (reported, never looked at before), `validation` (for choices) or `train`."""
    digest = hashlib.sha256(path.read_bytes()).digest()
    place = int.from_bytes(digest[:4], "big") / 2**32
    return "test" if place < TEST else "validation" if place < TEST + VALIDATION else "train"


def pristine(path: Path, rng: np.random.Generator) -> np.ndarray:
    """The photo as uint8 (h, w, 3), shrunk a little.

    JPEG sources carry faint blocking and sensor noise; a mild shrink hides both, and varies the
    scale of the content. Raw sources (PNG) are shrunk more rarely.
    """
    image = Image.open(path).convert("RGB")
    short, long = min(image.size), max(image.size)
    factor = 1.0 if path.suffix.lower() == ".png" and rng.random() < 0.5 else rng.uniform(0.6, 0.95)
    factor = max(factor, SMALLEST / short)
    factor = min(factor, LONGEST / long, 1.0)
    if factor < 1:
        size = (round(image.width * factor), round(image.height * factor))
        image = image.resize(size, Image.Resampling.LANCZOS)
    return np.asarray(image)


def taken(path: Path, rng: np.random.Generator) -> np.ndarray:
    """The photo as another camera or program might have left it, and nobody would mind: uint8.

    `pristine` shrinks everything with one filter, and a network that learned from nothing else
    takes that filter's sharpness for quality: shrunk to half by averaging, a good photo lost 15
    points. So here scale, filter, softness, sharpening, grain and a fine JPEG vary, each less than
    the mildest level that raters marked down. Ours.
    """
    image = Image.open(path).convert("RGB")
    short, long = min(image.size), max(image.size)
    factor = 1.0 if rng.random() < 0.25 else rng.uniform(min(1.0, NARROWEST / short), 1)
    factor = min(factor, LONGEST / long)
    if factor < 1:
        size = (round(image.width * factor), round(image.height * factor))
        image = image.resize(size, FILTERS[rng.integers(len(FILTERS))])
    planes = from_uint8(np.asarray(image))
    if rng.random() < 0.5:
        planes = gaussian(planes, rng.uniform(0.2, 0.5))
    if rng.random() < 0.25:
        planes = planes + np.float32(rng.uniform(0.1, 0.4)) * (planes - gaussian(planes, 1.0))
    if rng.random() < 0.3:
        grain = rng.standard_normal(planes.shape, np.float32) * rng.uniform(0.3, 1) + (
            rng.standard_normal(planes.shape[1:], np.float32) * rng.uniform(0.3, 1.5)
        )
        planes = planes + grain / np.float32(255)
    pixels = to_uint8(np.clip(planes, 0, 1))
    if rng.random() < 0.5:
        file = io.BytesIO()
        quality, coarse = int(rng.integers(85, 98)), int(rng.integers(0, 3))
        Image.fromarray(pixels).save(file, "JPEG", quality=quality, subsampling=coarse)
        pixels = np.asarray(Image.open(file))
    return pixels
