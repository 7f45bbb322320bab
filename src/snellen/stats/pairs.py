"""Paired comparisons as counts, and whether they hold together enough to be scaled.

    comparisons = collect_pairs(first, second, preferred)
    scale = bradley_terry(comparisons)        # snellen.stats.scaling

Rows about the same two items are added up, whichever stood first: what is kept is a sparse graph of
items with a count of wins either way and of ties on every edge.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snellen.errors import Disconnected, InputError, StatsError, TooFewRatings
from snellen.stats.votes import Codes, Floats, encode, recode, sums

# What a table may say for each answer; case and surrounding space do not matter. Bare 0 is not
# here: some tables mean "tie" by it and some "the first".
_FIRST = frozenset({"first", "left", "a", "1"})
_SECOND = frozenset({"second", "right", "b", "2"})
_TIE = frozenset({"tie", "equal", "same", "draw", "both", "neither", "="})
FIRST, SECOND, TIE = 1, 2, 0
"""Codes of `read_preferences`."""

_SHOWN = 3  # items of a group shown in errors


@dataclass(frozen=True)
class Comparisons:
    """Counts per pair of items that were compared.

    first, second : (pairs,) item codes, first < second; no pair twice.
    wins_first, wins_second, ties : (pairs,) counts ≥ 0 (fractions allowed: weighted answers).
    items   : names by code.
    missing : comparisons without an answer, left out.
    selfs   : comparisons of an item with itself, left out.
    """

    first: Codes
    second: Codes
    wins_first: Floats
    wins_second: Floats
    ties: Floats
    items: tuple[Hashable, ...]
    missing: int = 0
    selfs: int = 0

    def __len__(self) -> int:
        return len(self.first)

    @property
    def total(self) -> float:
        """Comparisons in all, ties included."""
        return float(self.wins_first.sum() + self.wins_second.sum() + self.ties.sum())

    def per_item(self, first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
        """(items,) sums over the edges: `first` (pairs,) goes to the first item of each."""
        size = len(self.items)
        return sums(self.first, first, size) + sums(self.second, second, size)


def collect_pairs(
    first: Iterable[Hashable],
    second: Iterable[Hashable],
    preferred: Iterable[object],
    weight: npt.ArrayLike | None = None,
) -> Comparisons:
    """Comparisons from three columns, one row per answer.

    first, second : (n,) names of the two items.
    preferred     : (n,) "first", "second" or "tie" (see `read_preferences`), or the codes 1, 2 and
                    0 in an integer array; None or "" = no answer, left out and counted.
    weight        : (n,) how much each answer counts, ≥ 0; 1 where not given.
    Raises `InputError` for columns of different lengths or an answer that is none of these,
    `TooFewRatings` when nothing is left.
    """
    first, second = _column(first), _column(second)
    if isinstance(preferred, np.ndarray) and preferred.dtype.kind in "iu":
        answer = preferred.astype(np.int64)
        if not np.isin(answer, (FIRST, SECOND, TIE)).all():
            raise InputError(
                f"preferred holds codes from {answer.min()} to {answer.max()}",
                "Give 1 for the first item, 2 for the second, 0 for a tie.",
            )
    else:
        answer = read_preferences(first, second, preferred)
    n = len(answer)
    counts = np.ones(n) if weight is None else np.asarray(weight, dtype=np.float64)
    if counts.shape != (n,):
        raise InputError(f"{counts.size} weights for {n} answers", "Give one weight per answer.")
    return collect_counts(
        first,
        second,
        np.where(answer == FIRST, counts, 0.0),
        np.where(answer == SECOND, counts, 0.0),
        np.where(answer == TIE, counts, 0.0),
    )


def collect_counts(
    first: Iterable[Hashable],
    second: Iterable[Hashable],
    wins_first: npt.ArrayLike,
    wins_second: npt.ArrayLike,
    ties: npt.ArrayLike | None = None,
) -> Comparisons:
    """Comparisons from counts, one row per pair of items or several.

    first, second : (n,) names of the two items.
    wins_first, wins_second, ties : (n,) how often each was preferred and how often neither was.
    Rows without a count are left out; `missing` counts them.
    Raises `InputError` for columns of different lengths, `StatsError` for counts that are negative
    or not finite, `TooFewRatings` when nothing is left.
    """
    first, second = _column(first), _column(second)
    n = len(first)
    columns = [np.asarray(wins_first, np.float64), np.asarray(wins_second, np.float64)]
    columns.append(np.zeros(n) if ties is None else np.asarray(ties, np.float64))
    if len(second) != n or any(column.shape != (n,) for column in columns):
        sizes = ", ".join(str(size) for size in (n, len(second), *(len(c) for c in columns)))
        raise InputError(
            f"columns of {sizes} rows are not of one table", "Give columns of the same length."
        )
    counts = np.stack(columns)
    bad = ~(np.isfinite(counts) & (counts >= 0)).all(axis=0)
    if bad.any():
        raise StatsError(
            f"the counts in row {int(np.flatnonzero(bad)[0]) + 1} are negative or not finite",
            "Counts are 0 or more.",
        )
    codes, items = _encode_both(first, second)
    one, other = np.split(codes, 2)
    selfs = one == other
    empty = ~selfs & (counts.sum(axis=0) == 0)
    kept = ~(selfs | empty)
    if not kept.any():
        raise TooFewRatings(f"none of {n} rows compares two items", "Check the columns.")
    codes, items = recode(np.concatenate([one[kept], other[kept]]), items)
    one, other = np.split(codes, 2)
    counts = counts[:, kept]
    swap = one > other
    low, high = np.where(swap, other, one), np.where(swap, one, other)
    wins_low, wins_high = np.where(swap, counts[1::-1], counts[:2])
    edges, row = np.unique(low * len(items) + high, return_inverse=True)
    return Comparisons(
        first=edges // len(items),
        second=edges % len(items),
        wins_first=sums(row, wins_low, len(edges)),
        wins_second=sums(row, wins_high, len(edges)),
        ties=sums(row, counts[2], len(edges)),
        items=items,
        missing=int(empty.sum()),
        selfs=int(selfs.sum()),
    )


def read_preferences(
    first: Sequence[Hashable], second: Sequence[Hashable], preferred: Iterable[object]
) -> npt.NDArray[np.int64]:
    """(n,) answers as codes: 1 = the first item, 2 = the second, 0 = tie, −1 = no answer.

    Understood are first / left / a / 1, second / right / b / 2, tie / equal / same / draw, and the
    name of either item itself, which is looked for first.
    Raises `InputError` naming the row of anything else.
    """
    words = dict.fromkeys(_FIRST, FIRST) | dict.fromkeys(_SECOND, SECOND) | dict.fromkeys(_TIE, TIE)
    found: list[int] = []
    for one, other, answer in zip(first, second, preferred, strict=True):
        if answer is None or answer == "" or answer != answer:
            found.append(-1)
        elif answer == one:
            found.append(FIRST)
        elif answer == other:
            found.append(SECOND)
        else:
            code = words.get(str(answer).strip().lower())
            if code is None:
                raise InputError(
                    f"{answer!r} in row {len(found) + 1} is no answer about {one!r} and {other!r}",
                    "Say first, second or tie, or the name of the preferred item.",
                )
            found.append(code)
    return np.array(found, dtype=np.int64)


def check_connected(pairs: Comparisons) -> None:
    """Refuse comparisons that leave distances between some items undetermined.

    Raises `Disconnected` when the items fall into groups never compared with each other, or when a
    group never lost (nor tied) against the rest: its distance from them would be infinite.
    Source: Ford 1957 (finite maximum-likelihood scores need a chain of wins from every item to
    every other).
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    size = len(pairs.items)
    half = pairs.ties > 0
    beaten = (pairs.wins_second > 0) | half  # an edge from the first item to one that it lost to
    beats = (pairs.wins_first > 0) | half
    graph = csr_matrix(
        (
            np.ones(int(beaten.sum() + beats.sum()), dtype=np.int8),
            (
                np.concatenate([pairs.first[beaten], pairs.second[beats]]),
                np.concatenate([pairs.second[beaten], pairs.first[beats]]),
            ),
        ),
        shape=(size, size),
    )
    groups, label = connected_components(graph, directed=True, connection="weak")
    if groups > 1:
        raise Disconnected(
            f"the items fall into {groups} groups never compared with each other: "
            f"{_show_groups(pairs, label)}",
            "Compare items across the groups, scale each by itself, or give a prior.",
        )
    groups, label = connected_components(graph, directed=True, connection="strong")
    if groups == 1:
        return
    # Between groups answers go one way only: one group at least never lost to the rest, and one
    # never won. The smaller of the two is what is odd.
    loser, winner = label[graph.tocoo().coords[0]], label[graph.tocoo().coords[1]]
    across = loser != winner
    unbeaten = _first_group(label, without=loser[across])
    winless = _first_group(label, without=winner[across])
    odd, word = (unbeaten, "lost to") if len(unbeaten) <= len(winless) else (winless, "won against")
    raise Disconnected(
        f"{_show(pairs, odd)} never {word} the other {size - len(odd)} items, "
        "so that the distance is not finite",
        "Give a prior, or leave out items that won or lost every comparison.",
    )


def _first_group(label: npt.NDArray[np.int32], without: npt.NDArray[np.int32]) -> Codes:
    """Members of the first group that is not among `without`."""
    group = np.setdiff1d(label, without)[0]
    return np.flatnonzero(label == group)


def _show_groups(pairs: Comparisons, label: npt.NDArray[np.int32]) -> str:
    order = np.argsort(-np.bincount(label), kind="stable")[:_SHOWN]
    shown = "; ".join(_show(pairs, np.flatnonzero(label == group)) for group in order)
    return shown + ("; …" if label.max() >= _SHOWN else "")


def _show(pairs: Comparisons, members: Codes) -> str:
    names = ", ".join(repr(pairs.items[code]) for code in members[:_SHOWN])
    more = len(members) - _SHOWN
    return names + (f" and {more} more" if more > 0 else "")


def _column(names: Iterable[Hashable]) -> Sequence[Hashable]:
    """Something with a length; an array stays one, for `encode` to sort through."""
    return names if isinstance(names, (np.ndarray, list, tuple)) else list(names)  # type: ignore[return-value]


def _encode_both(
    first: Sequence[Hashable], second: Sequence[Hashable]
) -> tuple[Codes, tuple[Hashable, ...]]:
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        return encode(np.concatenate([first, second]))
    return encode([*first, *second])
