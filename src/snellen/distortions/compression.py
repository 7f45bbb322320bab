"""Compression: KADID-10k types 9 and 10, and WebP, by the encoders that Pillow carries.

Every recipe takes planes (3, h, w) float32 in [0, 1], one parameter and a seeded generator that it
does not use, and returns planes of the same shape.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from snellen.distortions.planes import Planes, from_uint8, to_uint8


def jpeg(planes: Planes, quality: float, rng: np.random.Generator) -> Planes:
    """JPEG at libjpeg `quality` (1–100), chroma 4:2:0. Source: KADID-10k type 10."""
    return _through("JPEG", planes, quality=int(quality), subsampling="4:2:0")


def jpeg2000(planes: Planes, ratio: float, rng: np.random.Generator) -> Planes:
    """JPEG 2000 at compression `ratio`, irreversible wavelet. Source: KADID-10k type 9.

    Ours: below 1 KB the headers would leave nothing for the picture, so that a file that ought to
    be smaller goes only half the way, on a logarithmic scale.
    """
    size = planes.size / ratio
    if size < _SMALL_FILE:
        size = np.sqrt(size * _SMALL_FILE)
    # OpenJPEG refuses more wavelet levels than the shorter side can be halved.
    resolutions = min(6, int(np.log2(min(planes.shape[1:]))) + 1)
    return _through(
        "JPEG2000",
        planes,
        quality_mode="rates",
        quality_layers=[max(1.0, planes.size / size)],
        num_resolutions=resolutions,
        irreversible=True,
    )


_SMALL_FILE = 1024  # bytes


def webp(planes: Planes, quality: float, rng: np.random.Generator) -> Planes:
    """Lossy WebP at `quality` (0–100). Levels ours."""
    return _through("WEBP", planes, quality=int(quality), method=2)


def _through(encoder: str, planes: Planes, **options: Any) -> Planes:
    """Encode and decode again with a Pillow `encoder`."""
    data = io.BytesIO()
    Image.fromarray(to_uint8(planes)).save(data, encoder, **options)
    with Image.open(data) as image:
        return from_uint8(np.asarray(image.convert("RGB")))
