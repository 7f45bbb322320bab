"""The pictures that a tuning trains on, and those it is audited on: no photo is in both."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from snellen.audit.inside import balanced
from snellen.audit.material import PRISTINE, Item, Photos, Pixels
from snellen.data import split_by_group
from snellen.errors import InputError
from snellen.images import content_hash

TESTED = 0.3  # share of the photos that is audited and never trained on


def split(
    photos: Photos, learnt: int, audited: int, others: Photos | None = None
) -> tuple[list[Item], list[Item]]:
    """Items to train on and to audit: no photo in both, about as many of each label.

    others : photos to audit instead of three of ten.
    Raises `InputError` for fewer than two photos on a side, and for a photo on both.
    """
    if others is not None:
        _refuse_shared(photos, others)
        train, test = photos.items, others.items
    else:
        names = sorted({item.reference for item in photos.items})
        sides = dict(zip(names, split_by_group(names, test=TESTED), strict=True))
        train = [item for item in photos.items if sides[item.reference] == "train"]
        test = [item for item in photos.items if sides[item.reference] == "test"]
        if min(len({item.reference for item in side}) for side in (train, test)) < 2:
            raise InputError(
                f"{len(names)} photos are too few to train on some and audit others",
                "Give at least 7.",
            )
    return balanced(train, learnt), _with_ladders(test, audited)


def _refuse_shared(photos: Photos, others: Photos) -> None:
    """Raises `InputError` where the same file, whatever its name, is in both."""
    known = {content_hash(path.read_bytes()): name for name, path in photos.paths.items()}
    for name, path in others.paths.items():
        if (same := known.get(content_hash(path.read_bytes()))) is not None:
            raise InputError(
                f"{name} would be audited and, as {same}, trained on",
                "Take it out of one of the two folders.",
            )


def _with_ladders(items: Sequence[Item], count: int) -> list[Item]:
    """Balanced items, and the pristine of each photo: what a fall is measured from."""
    chosen = {item.name for item in balanced(items, count)}
    return [item for item in items if item.name in chosen or item.type == PRISTINE]


class Shelf:
    """The pictures to train on, made once and kept on disk, raw: each is read many times."""

    def __init__(
        self,
        photos: Photos,
        items: Sequence[Item],
        folder: Path,
        progress: Callable[[str, int, int], None],
    ) -> None:
        from snellen.audit.training import Example

        folder.mkdir(exist_ok=True)
        self._folder = folder
        self.examples: list[Example] = []
        for number, item in enumerate(items, 1):
            name = f"{photos.pristine(item).hash[:16]}-{item.type}-{item.level}"
            path = self._path(name)
            if not path.exists():
                with path.with_suffix(".tmp").open("wb") as file:
                    np.save(file, photos.picture(item).pixels)
                path.with_suffix(".tmp").replace(path)
            self.examples.append(Example(name, item.family))
            progress("making pictures", number, len(items))

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.npy"

    def picture(self, name: str) -> Pixels:
        pixels: Pixels = np.load(self._path(name))
        return pixels
