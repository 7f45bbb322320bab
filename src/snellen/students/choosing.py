"""Which images people should rate next: the ones that leave least unknown about all the others.

    chosen = choose(student, looked, 50, rated=[…])

Calibration is a Gaussian process on the student's features and score (`students.opinion`), so what
is unknown of a picture before anybody rates it is known: its posterior variance. Each step takes
the picture whose rating would take most variance off the whole pool. That is uncertainty times
diversity in one: a picture like one already taken has nothing left to tell, and an odd one tells
of itself alone. Source: active learning by the expected reduction of variance (Cohn, Ghahramani &
Jordan 1996); its use here is ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from snellen.data import join_by_image
from snellen.errors import InputError
from snellen.images import AnyFile
from snellen.stats.arrays import Floats, Ints
from snellen.students.opinion import kernel, typical_width
from snellen.students.ratings import read_opinions

MOST = 3000
"""Pictures weighed against each other; of a larger pool those at even steps of the content hash."""

_SLOPE = 0.6  # standard deviation of the score's slope that is worth knowing, in deviations (ours)
_NOISE = 1.0  # variance of one rating's noise, that of f being 1


@dataclass(frozen=True)
class Choice:
    """Pictures in the order to rate them.

    rows  : (k,) rows of the pool, best first.
    known : (k,) share of the pool's variance that is known once this one and all before are rated.
    """

    rows: Ints
    known: Floats


def choose(
    scores: Floats,
    features: Floats,
    count: int,
    *,
    rated: Sequence[int] = (),
    hashes: Sequence[str] | None = None,
) -> Choice:
    """The next `count` of n pictures to rate.

    scores, features : (n,), (n, d) of the pool, rated ones among them, as calibration takes them.
    rated            : rows that people have rated already.
    hashes           : (n,) content hashes: which of more than `MOST` are weighed, and ties, then
                       do not depend on the order of files.
    Raises `InputError` where there are fewer than `count` unrated pictures.
    """
    n = len(scores)
    free = n - len(set(rated))
    if not 1 <= count <= free:
        raise InputError(
            f"{count} pictures were asked for and {free} of {n} are not rated yet",
            f"Ask for 1 to {free}." if free else "Give further pictures.",
        )
    pool = _pool(n, rated, hashes)
    if count > len(pool) - len(set(rated)):
        raise InputError(
            f"{count} pictures were asked for, and {MOST} are weighed at a time",
            "Choose fewer, rate them, and choose again.",
        )
    covariance = _prior(scores[pool], features[pool])
    whole = float(np.trace(covariance))
    place = {int(row): at for at, row in enumerate(pool)}
    taken = np.zeros(len(pool), bool)
    for row in sorted(set(rated)):
        covariance = _after(covariance, place[row])
        taken[place[row]] = True
    rows, known = [], []
    for _ in range(count):
        gain = (covariance**2).sum(1) / (np.diag(covariance) + _NOISE)
        best = int(np.argmax(np.where(taken, -1.0, gain)))
        covariance = _after(covariance, best)
        taken[best] = True
        rows.append(pool[best])
        known.append(1 - float(np.trace(covariance)) / whole)
    return Choice(np.array(rows, np.intp), np.array(known))


def rated_rows(ratings: Path, paths: Sequence[AnyFile]) -> list[int]:
    """Rows of the pool that a table of ratings (MOS, votes or pairs) names.

    Raises `DataError` where it names none of them.
    """
    opinions = read_opinions(ratings)
    names = ("the pictures", "the ratings")
    join = join_by_image([str(path) for path in paths], opinions.image, names)
    return [int(row) for row in join.left]


def _pool(n: int, rated: Sequence[int], hashes: Sequence[str] | None) -> Ints:
    """Rows to weigh, in the order of their hashes: all rated ones, and as many others as fit."""
    order = np.arange(n) if hashes is None else np.argsort(np.array(hashes), kind="stable")
    is_rated = np.isin(order, list(set(rated)))
    others = order[~is_rated]
    room = max(MOST - int(is_rated.sum()), 1)
    if others.size > room:
        others = others[np.linspace(0, others.size - 1, room).round().astype(np.intp)]
    return np.concatenate([order[is_rated], others]).astype(np.intp)


def _prior(scores: Floats, features: Floats) -> Floats:
    """(m, m) covariance of opinions before any rating: mean, slope of the score, and features."""
    spread = float(scores.std()) or 1.0
    straight = _SLOPE * (scores - scores.mean()) / spread
    like = kernel(features, features, typical_width(features))
    return np.asarray(1.0 + np.outer(straight, straight) + like)


def _after(covariance: Floats, row: int) -> Floats:
    """The covariance once picture `row` is rated."""
    column = covariance[row]
    return np.asarray(covariance - np.outer(column, column) / (column[row] + _NOISE))
