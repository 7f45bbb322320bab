"""Pictures that show nothing: a judge must score them low, or say that it cannot tell."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from snellen.audit.material import Item, picture_of
from snellen.images import Picture

TYPE = "sanity"
NAMES = ("black", "white", "flat grey", "noise")
LOW = 40.0
"""A score (0–100) under which a picture of nothing counts as recognised: below the middle level of
five with some room (ours)."""
LITTLE = 0.2
"""Mass under which the judge would rather have said something else: flagged, not scored (ours)."""
_HEIGHT, _WIDTH = 256, 384


def items() -> list[Item]:
    """One item a picture; they have no family and take part in no other figure."""
    return [Item(f"{TYPE}/{name}/0", TYPE, TYPE, "", 0, 0, float("nan")) for name in NAMES]


def picture(item: Item) -> Picture:
    """The picture of an item of `items`."""
    return picture_of(_pixels(item.name.split("/")[1]))


def _pixels(name: str) -> npt.NDArray[np.uint8]:
    shape = (_HEIGHT, _WIDTH, 3)
    if name == "noise":
        rng = np.random.Generator(np.random.PCG64(0))
        return rng.integers(0, 256, shape, dtype=np.uint8)
    return np.full(shape, {"black": 0, "white": 255, "flat grey": 128}[name], np.uint8)
