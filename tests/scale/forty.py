"""The folders that are scored, labelled and audited elsewhere and on Ray alike."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter


def picture(number: int) -> bytes:
    """A PNG of one colour, another one for each number."""
    file = io.BytesIO()
    Image.new("RGB", (24, 16), (number % 256, 2 * number % 256, 90)).save(file, "PNG")
    return file.getvalue()


def make_photos(folder: Path) -> Path:
    """Forty pictures, one file that is none, one that is named like another."""
    (folder / "more").mkdir(parents=True)
    for number in range(40):
        (folder / f"{number:02d}.png").write_bytes(picture(number))
    (folder / "more" / "07.png").write_bytes(picture(99))
    (folder / "text.jpg").write_text("no picture")
    return folder


def make_textures(folder: Path) -> Path:
    """Ten textures, more and more blurred."""
    for number in range(10):
        noise = np.random.default_rng(number).integers(0, 256, (120, 120, 3), np.uint8)
        picture = Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1 + number / 4))
        picture.save(folder / f"{number}.png")
    return folder
