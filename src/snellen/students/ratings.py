"""Ratings to calibrate on: MOS, raw votes or pairs, from one table, with everything odd named.

    ratings = read_opinions("ratings.csv")
    ratings.image, ratings.mos, ratings.scale

What cannot be a slip is refused with the fix; what may be meant is said in `notes`. Nothing is
dropped without being counted, and no scale is turned over without being told to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from snellen.data.comparisons import are_comparisons, comparisons_of
from snellen.data.tables import (
    IMAGE_NAMES,
    MOS_NAMES,
    RATER_NAMES,
    REFERENCE_NAMES,
    VOTE_NAMES,
    Table,
    find_column,
    find_optional,
    numbers,
    read_table,
    texts,
)
from snellen.errors import ConstantValues, DataError, InputError, NotFinite
from snellen.stats.arrays import Floats
from snellen.stats.scaling import thurstone
from snellen.stats.votes import collect_votes, mean_opinion_scores
from snellen.wording import counted

SCALES: tuple[tuple[float, float], ...] = (
    (0, 1), (1, 5), (0, 5), (1, 7), (1, 9), (0, 9), (1, 10), (0, 10), (1, 100), (0, 100)
)  # fmt: skip
"""Rating scales in use, narrowest first; the first that holds all ratings is taken where the user
says none, and said in the notes."""

_FIVE = 5.0  # the top of the usual short scale
_LONG = 10.0  # ratings above it cannot be of a short one
_SHARE, _FEW = 0.1, 3  # so much of both, and so many, make two scales in one file (ours)
_PRIOR = 2.0  # JOD; images that won or lost every pair stay finite
_SHOWN = 3


@dataclass(frozen=True)
class Opinions:
    """What people said of n images.

    kind    : "mos", "votes" or "pairs".
    image   : (n,) as the table names them.
    mos     : (n,) finite, higher is better, on `scale`; of pairs in JOD about their mean.
    scale   : its ends; None of pairs, which say nothing of where a scale begins.
    answers : ratings, votes or comparisons that it comes from.
    raters  : people, where the table tells; 0 otherwise.
    reference : (n,) what an image was made from, where the table has such a column: images that
              share it are not independent. None where it has not.
    notes   : what was assumed or left out, one sentence each.
    """

    kind: Literal["mos", "votes", "pairs"]
    image: list[str]
    mos: Floats
    scale: tuple[float, float] | None
    answers: int
    raters: int
    notes: tuple[str, ...]
    reference: list[str] | None = None

    def __len__(self) -> int:
        return len(self.image)


def read_opinions(
    path: str | Path,
    *,
    scale: tuple[float, float] | None = None,
    lower_is_better: bool = False,
    image: str | None = None,
    mos: str | None = None,
) -> Opinions:
    """The ratings in a table: which kind they are shows in its columns.

    scale           : the ends of the rating scale, lower number first; guessed from `SCALES`.
    lower_is_better : the numbers count impairment: they are turned over.
    image, mos      : names of columns; the usual ones otherwise. A column of raters makes votes,
                      columns first and second (or winner and loser) make pairs.
    Raises `DataError` for repeated images, numbers off the scale and two scales in one file,
    `ConstantValues`, `NotFinite`, and what reading a table raises.
    """
    path = Path(path)
    table = read_table(path)
    if scale is not None and not scale[0] < scale[1]:
        raise InputError(
            f"the scale {scale[0]:g} to {scale[1]:g} has no inside", "Give its lower end first."
        )
    if are_comparisons(table):
        if scale is not None or lower_is_better:
            raise InputError(
                f"{path} holds comparisons, which have no scale",
                "Leave out --scale and --lower-is-better.",
            )
        return _of_pairs(table, path)
    rater = find_optional(table, RATER_NAMES, path)
    names = texts(table, find_column(table, IMAGE_NAMES, image, where=path))
    wanted = VOTE_NAMES if rater is not None else MOS_NAMES
    column = find_column(table, (*wanted, *MOS_NAMES), mos, where=path)
    values = numbers(table, column, path)
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0]) + 1
        raise NotFinite(f"{path}: row {row} holds an infinite rating", "Empty the cell.")
    people = None if rater is None else texts(table, rater)
    named = np.array([bool(name.strip()) for name in names], bool)
    notes = [
        f"{counted(int(without.sum()), 'row')} without {what} left out."
        for without, what in ((np.isnan(values), "a rating"), (~named, "the name of an image"))
        if without.any()
    ]
    kept = np.flatnonzero(~np.isnan(values) & named)
    if not kept.size:
        raise DataError(f"{path}: column {column!r} holds no number", "Check the column.")
    names, values = [names[row] for row in kept], values[kept]
    ends = scale or _guess(
        values, names, path, None if people is None else [people[i] for i in kept]
    )
    if scale is None:
        odd = "" if ends in SCALES else " (their ends, as no usual scale holds all of them)"
        notes.append(
            f"The scale is taken to be {ends[0]:g} to {ends[1]:g}{odd}; --scale says another."
        )
    _inside(values, names, ends, path)
    if lower_is_better:
        values = ends[0] + ends[1] - values
    origin = find_optional(table, REFERENCE_NAMES, path)
    references = None if origin is None else [texts(table, origin)[row] for row in kept]
    made_from = None if references is None else dict(zip(names, references, strict=True))
    if people is None:
        _refuse_repeats(names, path)
        return _checked("mos", names, values, ends, len(values), 0, notes, made_from)
    votes = collect_votes([people[row] for row in kept], names, values)
    if len(votes.raters) == 1:
        notes.append(
            "All votes are one rater's: intervals hold for that person, not for people at large."
        )
    if votes.repeats:
        notes.append(f"{counted(votes.repeats, 'repeated vote')} counted as votes of their own.")
    opinions = mean_opinion_scores(votes).mos
    images = [str(item) for item in votes.items]
    return _checked(
        "votes", images, opinions, ends, len(votes), len(votes.raters), notes, made_from
    )


def _of_pairs(table: Table, path: Path) -> Opinions:
    """Thurstone's case V over all comparisons; a weak prior keeps unbeaten images finite."""
    pairs = comparisons_of(table, path)
    notes = ["Pairs fix ranks and distances, not a scale: the student keeps its own ends."]
    if pairs.missing:
        notes.append(f"{counted(pairs.missing, 'comparison')} without an answer left out.")
    if pairs.selfs:
        notes.append(f"{counted(pairs.selfs, 'comparison')} of an image with itself left out.")
    found = thurstone(pairs, prior=_PRIOR, intervals=False)
    images = [str(item) for item in pairs.items]
    return _checked("pairs", images, found.jod, None, round(pairs.total), 0, notes)


def _checked(
    kind: Literal["mos", "votes", "pairs"],
    image: list[str],
    mos: Floats,
    scale: tuple[float, float] | None,
    answers: int,
    raters: int,
    notes: list[str],
    made_from: dict[str, str] | None = None,
) -> Opinions:
    if np.ptp(mos) < 1e-9:
        raise ConstantValues(
            f"all {len(mos)} images are rated {mos[0]:g}: there is nothing to learn from them",
            "Check the column, or rate images of different quality.",
        )
    reference = made_from and [made_from[name] or name for name in image]
    return Opinions(kind, image, mos, scale, answers, raters, tuple(notes), reference or None)


def _guess(
    values: Floats, names: Sequence[str], path: Path, raters: Sequence[str] | None
) -> tuple[float, float]:
    """The narrowest usual scale that holds all. Raises `DataError` where there seem to be two: many
    ratings on either, or some stray long ones among many short ones."""
    short, long = values <= _FIVE, values > _LONG
    between = ~(short | long)
    both = min(short.sum(), long.sum()) >= max(_FEW, _SHARE * values.size)
    stray = long.any() and short.sum() >= max(_FEW, (1 - _SHARE) * values.size)
    if (both or stray) and between.mean() < _SHARE / 2:
        farthest = int(np.argmax(values))
        whose = ""
        if raters is not None:
            some = sorted({who for who, is_short in zip(raters, short, strict=True) if is_short})
            whose = f" (those of {', '.join(some[:_SHOWN])}{' …' * (len(some) > _SHOWN)})"
        raise DataError(
            f"{path}: {int(short.sum())} ratings lie within 0 to 5{whose} and {int(long.sum())}"
            f" above {_LONG:g}, {names[farthest]!r} with {values[farthest]:g}: these look like two"
            " scales",
            "Bring them to one scale; if they are on one, say so with --scale LOW HIGH.",
        )
    for low, high in SCALES:
        if low <= values.min() and values.max() <= high:
            return low, high
    return float(values.min()), float(values.max())


def _inside(values: Floats, names: Sequence[str], ends: tuple[float, float], path: Path) -> None:
    off = np.flatnonzero((values < ends[0]) | (values > ends[1]))
    if off.size:
        raise DataError(
            f"{path}: {off.size} of {len(values)} ratings are off the scale {ends[0]:g} to"
            f" {ends[1]:g}, {names[off[0]]!r} with {values[off[0]]:g}",
            "Correct them, or the ends given with --scale.",
        )


def _refuse_repeats(names: Sequence[str], path: Path) -> None:
    often = [(name, times) for name, times in Counter(names).items() if times > 1]
    if often:
        name, times = often[0]
        raise DataError(
            f"{path}: {len(often)} of {len(set(names))} images are rated more than once,"
            f" {name!r} {times} times",
            "Keep one row an image; a column `rater` makes them votes of several people.",
        )
