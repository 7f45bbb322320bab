"""The pictures of an audit: your photos made worse on purpose, or a public set with its own.

A photo gives one pristine picture and one for every type and level of the catalogue; nothing is
written to disk, as a picture made again from its content-seeded recipe is the same one. Photos are
cut to a window of at most `side` pixels at native resolution: distortions keep the strength they
were made with, and an audit of 24-megapixel photos costs what one of small ones does.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from snellen import distortions
from snellen.data import Dataset
from snellen.errors import DataError, ImageError, InputError
from snellen.images import AnyFile, Census, Picture, find, read
from snellen.judges.image import ImagePart
from snellen.scorers import Scorer

Pixels = npt.NDArray[np.uint8]
SIDE = 512  # pixels of the window's longer side
SMALLEST = 96  # pixels of the shorter side: below it a photo is refused
FEWEST = 2  # references: with one there is no interval
FEW = 8  # references below which a warning is due
PRISTINE = "pristine"
_DOUBTFUL = 60.0  # built-in score under which a photo is no good starting point
_PER_SET = 400  # pictures taken of a public set unless told otherwise


@dataclass(frozen=True, slots=True)
class Item:
    """One picture of the audit.

    name      : unique, printable: reference/type/level, or the picture's path in its set.
    reference : the photo it was made from.
    type      : distortion by its own name; `PRISTINE` for the photo itself.
    family    : the right answer, one of the eight labels.
    level     : the catalogue's or the set's number; 0 for the pristine.
    place     : 0 pristine, 1 mildest … 5 worst: levels in order of harm.
    mos       : people's opinion, 0–1, higher is better; NaN without. For made pictures it is the
                expected one of KADID-10k's copies of that type and level.
    """

    name: str
    reference: str
    type: str
    family: str
    level: int
    place: int
    mos: float


class Material(Protocol):
    """What is audited: items, and the picture of each.

    items    : in an order that keeps a reference together.
    notes    : what a reader of the results should know.
    left_out : pictures that cannot take part, with the reason.
    """

    items: list[Item]
    notes: list[str]
    left_out: list[str]

    def picture(self, item: Item) -> Picture:
        """Raises `ImageError` where it cannot be had."""
        ...

    def pristine(self, item: Item) -> Picture | None:
        """The reference of an item, where it is there."""
        ...


@dataclass
class Photos:
    """Photos × catalogue; made by `from_photos`."""

    items: list[Item]
    paths: dict[str, AnyFile]
    side: int
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        # One photo at a time is worked on; threads make its copies.
        self._window = lru_cache(maxsize=4)(self._read)

    def __reduce__(self) -> tuple[type[Photos], tuple[object, ...]]:
        """Sent to another process it begins anew: what is remembered stays here."""
        return Photos, (self.items, self.paths, self.side, self.notes, self.left_out)

    def _read(self, reference: str) -> Picture:
        return picture_of(window(read(self.paths[reference]).pixels, self.side))

    def pristine(self, item: Item) -> Picture:
        return self._window(item.reference)

    def picture(self, item: Item) -> Picture:
        photo = self._window(item.reference)
        if item.type == PRISTINE:
            return photo
        seed = distortions.seed_of(photo.hash, item.type, item.level)
        return picture_of(distortions.apply(photo.pixels, item.type, item.level, seed=seed))


@dataclass
class Corpus:
    """A public set of distorted pictures; made by `from_corpus`."""

    items: list[Item]
    paths: dict[str, Path]
    references: dict[str, Path]
    notes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def picture(self, item: Item) -> Picture:
        return read(self.paths[item.name])

    def pristine(self, item: Item) -> Picture | None:
        path = self.references.get(item.reference)
        return read(path) if path else None


def picture_of(pixels: Pixels) -> Picture:
    """Pixels of our own making as a `Picture`, known by their values."""
    height, width, _ = pixels.shape
    made = np.ascontiguousarray(pixels)
    return Picture(
        made, ImagePart(made).hash, width, height, format="PNG", bytes=made.nbytes, decoder="made"
    )


def window(pixels: Pixels, side: int) -> Pixels:
    """The middle of a photo, at most `side` pixels long, in the photo's own shape; 0 keeps all."""
    height, width, _ = pixels.shape
    if not side or max(height, width) <= side:
        return pixels
    scale = side / max(height, width)
    h, w = max(round(height * scale), 1), max(round(width * scale), 1)
    top, left = (height - h) // 2, (width - w) // 2
    return np.ascontiguousarray(pixels[top : top + h, left : left + w])


def from_photos(
    paths: Iterable[str | Path],
    *,
    types: Sequence[str] | None = None,
    side: int = SIDE,
    most: int | None = None,
    scorer: Scorer | None = None,
) -> Photos:
    """Every photo under `paths`, with every type of `types` at every level.

    types  : names of the catalogue; KADID-10k's 25 without.
    side   : of the window, pixels; 0 takes photos whole.
    most   : at most so many photos, the first by name.
    scorer : looks for photos that are bad already; they stay in and are told in `notes`.
    Raises `NothingFound`, `UnknownName`, and `InputError` for fewer than two usable photos.
    """
    chosen = [distortions.get(name) for name in types] if types else distortions.catalogue()[:25]
    census = Census()
    usable: dict[str, AnyFile] = {}
    left_out: list[str] = []
    doubtful: list[str] = []
    given = [str(path) for path in paths]
    for found in find(given, census=census):
        if most is not None and len(usable) == most:
            break
        try:
            if found.problem is not None:
                raise found.problem
            photo = read(found.path)
        except ImageError as error:
            left_out.append(str(error))
            continue
        if min(photo.width, photo.height) < SMALLEST:
            size = f"{photo.width}×{photo.height}"
            left_out.append(f"{found.name}: {size} is too small, at least {SMALLEST} is needed")
            continue
        name = _unique(found.path.name, usable)
        usable[name] = found.path
        if scorer is not None and (why := _doubt(photo, side, scorer)):
            doubtful.append(f"{name} ({why})")
    if not usable and not left_out:
        raise census.nothing_found(given)
    if len(usable) < FEWEST:
        reasons = f"; left out: {left_out[0]}" if left_out else ""
        raise InputError(
            f"an audit needs at least {FEWEST} photos and {len(usable)} can be used{reasons}",
            f"Give a folder of {FEW} or more sharp, uncompressed photos.",
        )
    items = [item for name in usable for item in _ladder(name, chosen)]
    notes = []
    if len(usable) < FEW:
        notes.append(f"only {len(usable)} photos: the intervals are wide, {FEW} or more are better")
    if doubtful:
        shown = ", ".join(doubtful[:5]) + (f" and {len(doubtful) - 5} more" * (len(doubtful) > 5))
        notes.append(
            f"{len(doubtful)} of {len(usable)} photos are not pristine to the built-in scorer:"
            f" {shown}; what they lack counts against the judge"
        )
    return Photos(items, usable, side, notes, left_out)


def _doubt(photo: Picture, side: int, scorer: Scorer) -> str:
    """Why a photo is no good starting point; empty where it is."""
    score = scorer.score(picture_of(window(photo.pixels, side)))
    return f"{score.problem}, {score.value:.0f}" if score.value < _DOUBTFUL else ""


def _unique(name: str, taken: Collection[str]) -> str:
    number = 2
    found = name
    while found in taken:
        found, number = f"{name}~{number}", number + 1
    return found


def _ladder(reference: str, chosen: Iterable[distortions.Distortion]) -> list[Item]:
    """The photo and all copies of it. A level that changes nothing has the place of the photo."""
    items = [Item(f"{reference}/{PRISTINE}/0", reference, PRISTINE, "clean", 0, 0, 1.0)]
    for distortion in chosen:
        places = [level for level in distortion.order if distortion.visible(level)]
        for level in distortion.levels:
            opinion = distortion.opinion(level)
            items.append(
                Item(
                    name=f"{reference}/{distortion.name}/{level}",
                    reference=reference,
                    type=distortion.name,
                    family=distortion.label(level),
                    level=level,
                    place=places.index(level) + 1 if level in places else 0,
                    mos=(opinion.mean - 1) / 4 if opinion else float("nan"),
                )
            )
    return items


def from_corpus(data: Dataset, *, most: int = _PER_SET) -> Corpus:
    """The pictures of a public set that have a family, and its references where they lie there.

    most : so many pictures are taken, whole references at a time so that ladders stay whole; in
           the order of the SHA-256 of their names, so that a larger audit contains a smaller one.
    Raises `DataError` where the set names no families or holds none of its files.
    """
    gone = set(data.missing)
    rows = [r for r, image in enumerate(data.image) if data.family[r] and image not in gone]
    if not any(data.family):
        raise DataError(
            f"{data.name} does not say what was done to its pictures",
            "Audit on live, csiq, tid2013 or kadid-10k, or on photos with --photos.",
        )
    if not rows:
        raise DataError(
            f"{data.root}: none of the {len(data):,} pictures of {data.name} is there",
            "Unpack the pictures beside the labels; see docs/data.md for the layout.",
        )
    chosen = _some_references(data, rows, most)
    references = _references(data, {data.groups[row] for row in chosen})
    items, paths = [], {}
    places = _places(data, chosen)
    for row in chosen:
        item = Item(
            name=data.image[row], reference=data.groups[row],
            type=data.distortion[row] or data.family[row], family=data.family[row],
            level=int(np.nan_to_num(data.level[row])), place=places[row],
            mos=_unit(data, float(data.quality[row])),
        )  # fmt: skip
        items.append(item)
        paths[item.name] = data.root / item.name
    for name, path in references.items():
        item = Item(f"{name}/{PRISTINE}/0", name, PRISTINE, "clean", 0, 0, float("nan"))
        items.append(item)
        paths[item.name] = path
    items.sort(key=lambda item: (item.reference, item.type != PRISTINE))
    notes = list(data.notes)
    if len(chosen) < len(rows):
        notes.append(f"{len(chosen):,} of {len(rows):,} pictures of {data.name} are audited")
    if not references:
        notes.append("no reference picture was found: nothing clean to ask about")
    left_out = [f"{name}: the file is missing" for name in sorted(gone)]
    return Corpus(items, paths, references, notes, left_out)


def join(parts: Sequence[Corpus]) -> Corpus:
    """Several public sets as one; names and references carry the set's."""
    items: list[Item] = []
    paths: dict[str, Path] = {}
    references: dict[str, Path] = {}
    for number, part in enumerate(parts, 1):
        label = f"set {number}: " if len(parts) > 1 else ""
        for item in part.items:
            named = replace(item, name=label + item.name, reference=label + item.reference)
            items.append(named)
            paths[named.name] = part.paths[item.name]
        references.update({label + name: path for name, path in part.references.items()})
    notes = [note for part in parts for note in part.notes]
    return Corpus(
        items, paths, references, notes, [line for part in parts for line in part.left_out]
    )


def _unit(data: Dataset, quality: float) -> float:
    """Quality on 0–1 of the set's scale; NaN where that has no ends."""
    low, high = data.scale.low, data.scale.high
    return (quality - low) / (high - low) if math.isfinite(high - low) else math.nan


def _some_references(data: Dataset, rows: Sequence[int], most: int) -> list[int]:
    """Rows of whole references, as many as come closest below `most`, two references at least."""
    from hashlib import sha256

    groups: dict[str, list[int]] = {}
    for row in rows:
        groups.setdefault(data.groups[row], []).append(row)
    chosen: list[int] = []
    names = sorted(groups, key=lambda name: sha256(name.encode("utf-8", "replace")).digest())
    for count, name in enumerate(names):
        if count >= FEWEST and len(chosen) + len(groups[name]) > most:
            break
        chosen += groups[name]
    return sorted(chosen)


def _references(data: Dataset, names: set[str]) -> dict[str, Path]:
    """Reference → its file, of those that lie anywhere under the set's root."""
    wanted = {Path(name).name.casefold(): name for name in names}
    found: dict[str, Path] = {}
    for path in sorted(data.root.rglob("*")):
        name = wanted.get(path.name.casefold())
        if name is not None and path.is_file():
            found.setdefault(name, path)
    return found


def _places(data: Dataset, rows: Sequence[int]) -> dict[int, int]:
    """Row → place in its ladder, mildest 1: levels by what people said of them over all contents
    (some types are not monotone in their number); without levels, pictures by their own opinion."""
    levels: dict[tuple[str, float], list[float]] = {}
    ladders: dict[tuple[str, str], list[int]] = {}
    for row in rows:
        levels.setdefault((data.distortion[row], data.level[row]), []).append(data.quality[row])
        ladders.setdefault((data.groups[row], data.distortion[row]), []).append(row)

    def quality(row: int) -> float:
        if math.isnan(data.level[row]):
            return float(data.quality[row])
        return float(np.mean(levels[data.distortion[row], data.level[row]]))

    places = {}
    for members in ladders.values():
        seen = [row for row in members if data.family[row] != "clean"]
        order = sorted(seen, key=lambda row: (-quality(row), data.level[row]))
        places.update({row: place for place, row in enumerate(order, 1)})
    return {row: places.get(row, 0) for row in rows}
