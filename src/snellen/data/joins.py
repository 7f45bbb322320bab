"""Two tables about the same images, whose paths are written differently, row beside row.

Scores say `/data/koniq/1024x768/10004473376.jpg` where the ratings say `10004473376.jpg`, or
`i01_01_1.png` for `I01_01_1.BMP`. Ids are matched by the most that they share: the whole path,
then the longest ending that names one image on both sides, then the same without the file ending
and without case. What stays ambiguous stays unmatched; nothing is guessed, and all is counted.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snellen.errors import DataError

Parts = tuple[str, ...]

# Only these count as a file ending: ids may well hold dots ("clip0.5").
_ENDINGS = frozenset(
    {"jpg", "jpeg", "jpe", "jfif", "png", "bmp", "tif", "tiff", "webp", "avif", "heic", "heif"}
    | {"gif", "ppm", "pgm", "jp2", "j2k", "exr", "dng"}
)
_EXAMPLES = 3  # unmatched ids shown with their nearest candidates
_CANDIDATES = 5_000  # ids searched for the nearest: beyond this the search would be felt


@dataclass(frozen=True)
class Join:
    """Which row of one table belongs to which row of another.

    left, right : (n,) row numbers; `left[i]` and `right[i]` are the same image. Right's order.
    how         : number of rows matched by "path", "ending" (of the path) and "stem".
    only_left   : ids without partner, in their order.
    only_right  : likewise.
    nearest     : for the first few ids without partner, the likest id of the other side.
    """

    left: npt.NDArray[np.intp]
    right: npt.NDArray[np.intp]
    how: dict[str, int]
    only_left: list[str]
    only_right: list[str]
    nearest: dict[str, str]

    def __len__(self) -> int:
        return len(self.left)


def join_by_image(
    left: Sequence[str],
    right: Sequence[str],
    names: tuple[str, str] = ("the scores", "the ratings"),
) -> Join:
    """Match two lists of image ids.

    left, right : ids: paths with either slash, file names or bare names.
    names       : what to call the two in errors.
    Raises `DataError` when a side names an image twice, has an empty id, or nothing matches.
    """
    sides = [[_parts(name) for name in ids] for ids in (left, right)]
    for ids, parts, name in zip((left, right), sides, names, strict=True):
        _refuse_repeats(ids, parts, name)
    partner: dict[int, int] = {}  # row of right -> row of left
    how = {"path": 0, "ending": 0, "stem": 0}
    depth = max((len(parts) for side in sides for parts in side), default=1)
    steps: list[tuple[str, Callable[[Parts], Parts | None]]] = [("path", lambda parts: parts)]
    steps += [("ending", _last(count)) for count in range(depth, 0, -1)]
    steps += [("stem", _last_stem(count)) for count in range(depth, 0, -1)]
    taken: set[int] = set()
    for step, key in steps:
        if len(taken) in {len(left), len(right)}:
            break
        places_left, places_right = (_unique(side, key) for side in sides)
        for found, row in places_right.items():
            other = places_left.get(found)
            if other is not None and row not in partner and other not in taken:
                partner[row] = other
                taken.add(other)
                how[step] += 1
    only_left = [name for row, name in enumerate(left) if row not in taken]
    only_right = [name for row, name in enumerate(right) if row not in partner]
    nearest = _nearest(only_left, only_right or right) | _nearest(only_right, only_left or left)
    if not partner:
        raise DataError(_nothing_matches(left, right, names), _hint(nearest))
    rows = sorted(partner)
    return Join(
        left=np.array([partner[row] for row in rows], dtype=np.intp),
        right=np.array(rows, dtype=np.intp),
        how=how,
        only_left=only_left,
        only_right=only_right,
        nearest=nearest,
    )


def _parts(name: str) -> Parts:
    """An id as path parts: either slash, no `.`, composed Unicode (macOS writes it decomposed)."""
    plain = unicodedata.normalize("NFC", name.strip().replace("\\", "/"))
    return tuple(part for part in plain.split("/") if part not in {"", "."})


def _stem(parts: Parts) -> Parts:
    stem, dot, ending = parts[-1].rpartition(".")
    name = stem if dot and stem and ending.lower() in _ENDINGS else parts[-1]
    return tuple(part.casefold() for part in (*parts[:-1], name))


def _last(count: int) -> Callable[[Parts], Parts | None]:
    return lambda parts: parts[-count:] if len(parts) >= count else None


def _last_stem(count: int) -> Callable[[Parts], Parts | None]:
    return lambda parts: _stem(parts)[-count:] if len(parts) >= count else None


def _unique(side: Sequence[Parts], key: Callable[[Parts], Parts | None]) -> dict[Parts, int]:
    """Key → row, for the keys that one row alone has.

    Rows matched already are counted too: that `a/1.png` found its partner does not prove that
    the `1.png` left over is the `b/1.png` left over.
    """
    keys = [key(parts) for parts in side]
    count = Counter(keys)
    return {found: row for row, found in enumerate(keys) if found is not None and count[found] == 1}


def _refuse_repeats(ids: Sequence[str], parts: Sequence[Parts], name: str) -> None:
    empty = next((row for row, found in enumerate(parts) if not found), None)
    if empty is not None:
        raise DataError(f"row {empty + 1} of {name} names no image", "Fill in or delete the row.")
    count = Counter(parts)
    repeated = [found for found, times in count.items() if times > 1]
    if repeated:
        row = parts.index(repeated[0])
        raise DataError(
            f"{len(repeated)} of {len(count)} images stand more than once in {name}, "
            f"{ids[row]!r} {count[repeated[0]]} times",
            "Keep one row per image: the mean of several scores, or the latest.",
        )


def _nearest(ids: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    others = others[:_CANDIDATES]
    found = {}
    for name in ids[:_EXAMPLES]:
        near = difflib.get_close_matches(name, others, n=1, cutoff=0.4)
        if near:
            found[name] = near[0]
    return found


def _nothing_matches(left: Sequence[str], right: Sequence[str], names: tuple[str, str]) -> str:
    if not left or not right:
        return f"{names[0] if not left else names[1]} hold no row"
    return (
        f"none of the {len(left)} images of {names[0]} is among the {len(right)} of {names[1]}: "
        f"the first are {left[0]!r} and {right[0]!r}"
    )


def _hint(nearest: dict[str, str]) -> str:
    if not nearest:
        return "Both need the same file names; folders before them may differ."
    name, near = next(iter(nearest.items()))
    return f"The nearest are {name!r} and {near!r}."
