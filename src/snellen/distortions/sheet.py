"""Contact sheets: a picture and its degraded copies, a distortion a row, a level a column."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from snellen.distortions.catalogue import Distortion
from snellen.distortions.degrading import apply, seed_of

_WORK_SIDE = 512  # pixels: KADID-10k's size, at which its levels were rated
_GAP, _CAPTION, _HEADING, _MARGIN = 6, 20, 26, 190
_INK, _FAINT, _PAPER = (20, 20, 20), (100, 100, 100), (255, 255, 255)


def sheet(
    pixels: NDArray[np.uint8],
    distortions: Sequence[Distortion],
    *,
    content: str,
    tile: int = 192,
) -> Image.Image:
    """A sheet with the original at the left and the five levels of each of `distortions`.

    pixels  : (h, w, 3) uint8. Its centre, at most 512 pixels a side, is degraded; of that, tiles
              show the centre at full resolution, because scaling would hide what is to be seen.
    content : the image's hash; seeds come from it.
    tile    : side of a tile, pixels.
    """
    pixels = _center(pixels, _WORK_SIDE)
    shown = min(tile, *pixels.shape[:2])
    columns = 1 + max(len(distortion.levels) for distortion in distortions)
    row_height = shown + _CAPTION + _GAP
    image = Image.new(
        "RGB",
        (_MARGIN + columns * (shown + _GAP), _HEADING + len(distortions) * row_height),
        _PAPER,
    )
    draw = ImageDraw.Draw(image)
    small, bold = ImageFont.load_default(12), ImageFont.load_default(15)
    for column in range(columns):
        text = "original" if column == 0 else f"level {column}"
        draw.text((_MARGIN + column * (shown + _GAP), 5), text, _INK, bold)

    for row, distortion in enumerate(distortions):
        top = _HEADING + row * row_height
        draw.text((8, top), distortion.name, _INK, bold)
        about = [distortion.family, *textwrap.wrap(distortion.sees, 26)]
        draw.multiline_text((8, top + 22), "\n".join(about), _FAINT, small)
        for column in range(len(distortion.levels) + 1):
            left = _MARGIN + column * (shown + _GAP)
            if column == 0:
                copy, caption = pixels, distortion.parameter
            else:
                seed = seed_of(content, distortion.name, column)
                copy = apply(pixels, distortion.name, column, seed=seed)
                caption = _caption(distortion, column)
            image.paste(Image.fromarray(_center(copy, shown)), (left, top))
            draw.text((left, top + shown + 2), caption, _FAINT, small)
    return image


def _caption(distortion: Distortion, level: int) -> str:
    """The parameter at `level`, and what people said of it where they were asked."""
    if not distortion.visible(level):
        return f"{distortion.value(level):g} · unchanged"
    opinion = distortion.opinion(level)
    rated = f" · rated {opinion.mean:.1f} of 5" if opinion else ""
    return f"{distortion.value(level):g}{rated}"


def _center(pixels: NDArray[Any], side: int) -> NDArray[Any]:
    """The central part of (h, w, 3), at most `side` pixels each way."""
    h, w = pixels.shape[:2]
    top, left = max(0, h - side) // 2, max(0, w - side) // 2
    return pixels[top : top + side, left : left + side]
