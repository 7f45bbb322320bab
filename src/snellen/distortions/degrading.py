"""Apply distortions to images: checked input, seeds from content, several in a row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from snellen.distortions.catalogue import get
from snellen.distortions.planes import Planes, from_uint8, to_uint8
from snellen.errors import InputError

MIN_SIDE = 8  # pixels; below this there is no 8×8 block to compress


def apply(pixels: NDArray[Any], name: str, level: int, *, seed: int) -> NDArray[np.uint8]:
    """`pixels` made worse by distortion `name` at `level`.

    pixels : (h, w, 3) RGB, uint8 or float in [0, 1], sides at least 8; left as it is.
    level  : the catalogue's number, 1–5.
    seed   : where the randomness starts; `seed_of` takes it from the content.
    Returns (h, w, 3) uint8, the same on every machine to within one grey level.
    Raises `UnknownName`, and `InputError` for a level or an array that cannot be.
    """
    return to_uint8(_degraded(_planes(pixels), name, level, seed))


def compose(
    pixels: NDArray[Any], steps: Iterable[tuple[str, int]], *, seed: int
) -> NDArray[np.uint8]:
    """`pixels` made worse by several (name, level) in a row, rounded to 8 bits once, at the end.

    Arguments, result and errors as in `apply`, which a single step equals. Every further step draws
    from a seed of its own, so that the same distortion twice does not repeat its noise.
    """
    planes = _planes(pixels)
    for number, (name, level) in enumerate(steps):
        own = seed if number == 0 else _derived(seed, name, level, number)
        planes = _degraded(planes, name, level, own)
    return to_uint8(planes)


def seed_of(content: NDArray[Any] | str, name: str, level: int) -> int:
    """A seed in [0, 2⁶⁴) from content, distortion and level.

    content : the image's hash as text (cheap), or its pixels.
    """
    if isinstance(content, str):
        return _derived(content, name, level)
    digest = hashlib.blake2b(np.ascontiguousarray(content).tobytes(), digest_size=16)
    return _derived(f"{content.shape}{content.dtype}{digest.hexdigest()}", name, level)


def _derived(*parts: object) -> int:
    text = "\0".join(map(str, parts)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def _degraded(planes: Planes, name: str, level: int, seed: int) -> Planes:
    distortion = get(name)
    parameter = distortion.value(level)
    if not distortion.visible(level):
        return planes
    # The bit generator is named because numpy may change its default one.
    rng = np.random.Generator(np.random.PCG64(seed))
    return np.clip(distortion.recipe(planes, parameter, rng), 0, 1)


def _planes(pixels: NDArray[Any]) -> Planes:
    """Checked `pixels` as planes (3, h, w) float32 in [0, 1]."""
    pixels = np.asarray(pixels)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InputError(
            f"a distortion needs an RGB image of shape (h, w, 3), got {pixels.shape}",
            "Stack a grey image three times; drop an alpha channel.",
        )
    if min(pixels.shape[:2]) < MIN_SIDE:
        h, w = pixels.shape[:2]
        raise InputError(
            f"a distortion needs sides of at least {MIN_SIDE} pixels, got {w}×{h}",
            "Leave such an image out or enlarge it first.",
        )
    if pixels.dtype == np.uint8:
        return from_uint8(pixels)
    if not np.issubdtype(pixels.dtype, np.floating):
        raise InputError(
            f"a distortion needs uint8 or float pixels, got {pixels.dtype}",
            "Scale to 0–1 and convert to float32.",
        )
    # Written so that NaN fails too.
    if not (pixels.min() >= 0 and pixels.max() <= 1):
        raise InputError(
            f"float pixels must lie in [0, 1], got {pixels.min():g} to {pixels.max():g}",
            "Divide 8-bit values by 255, 16-bit ones by 65535; replace NaN.",
        )
    return np.ascontiguousarray(pixels.transpose(2, 0, 1), dtype=np.float32)
