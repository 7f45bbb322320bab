"""Pristine photos for the built-in scorer, and the role of each.

The split is by *content*: a photo's role follows from the hash of its file, so adding photos never
moves one across, and no degraded copy of a held-out photo is ever trained on.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PIL import Image

FOLDERS = ("pristine/kodak", "pristine/bsds500", "photos/imagenet-sample")
TEST, VALIDATION = 0.10, 0.05  # shares of contents
SMALLEST = 224  # shorter side kept after the mild resize, pixels
LONGEST = 640


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
