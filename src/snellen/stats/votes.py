"""Raw votes to mean opinion scores: the table of votes, MOS with intervals, the SOS hypothesis.

    votes = collect_votes(rater, image, score)
    opinions = mean_opinion_scores(votes)         # one MOS, spread and interval per image
    fit = fit_sos(opinions.mos, opinions.std)     # is the spread what such a test should show?

Votes stay in long form (one row per vote), so that sparse crowdsourced votes of a million rows cost
what they hold and repeated votes are not lost.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from snellen.errors import ConstantValues, InputError, NotFinite, StatsError, TooFewRatings

Floats: TypeAlias = npt.NDArray[np.float64]
Codes: TypeAlias = npt.NDArray[np.intp]
Flags: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Votes:
    """One row per vote, raters and items as codes.

    rater, item : (n,) codes into `raters` and `items`.
    score       : (n,) finite scores in the raters' own scale.
    raters      : names in order of first appearance; likewise `items`.
    missing     : votes that were left out because they held no score.
    repeats     : votes beyond a rater's first on the same item.
    """

    rater: Codes
    item: Codes
    score: Floats
    raters: tuple[Hashable, ...]
    items: tuple[Hashable, ...]
    missing: int = 0
    repeats: int = 0

    def __len__(self) -> int:
        return len(self.score)

    def per_item(self, values: npt.ArrayLike | None = None) -> Floats:
        """(items,) sum over each item's votes of `values` (n,); of ones where not given."""
        return sums(self.item, values, len(self.items))

    def per_rater(self, values: npt.ArrayLike | None = None) -> Floats:
        """(raters,) sum over each rater's votes of `values` (n,); of ones where not given."""
        return sums(self.rater, values, len(self.raters))

    def keep_raters(self, keep: npt.ArrayLike) -> Votes:
        """The votes of some raters; items nobody else voted on are dropped.

        keep : (raters,) True where a rater's votes stay.
        Raises `TooFewRatings` when no vote is left.
        """
        chosen = np.asarray(keep, dtype=bool)[self.rater]
        if not chosen.any():
            raise TooFewRatings("no vote is left after leaving out raters", "Keep some raters.")
        return collect_votes(
            [self.raters[code] for code in self.rater[chosen]],
            [self.items[code] for code in self.item[chosen]],
            self.score[chosen],
        )


@dataclass(frozen=True)
class OpinionScores:
    """Mean opinion scores with their spread and interval, one entry per item of the votes.

    mos        : (items,) mean of the votes.
    std        : (items,) standard deviation of opinion scores (SOS; n − 1 in the denominator), NaN
                 for a single vote.
    n          : (items,) votes.
    low, high  : (items,) interval of the mean, NaN where nothing tells the spread.
    confidence : of the interval.
    interval   : how it was made: "t" or "pooled".
    """

    mos: Floats
    std: Floats
    n: npt.NDArray[np.int64]
    low: Floats
    high: Floats
    confidence: float
    interval: str


@dataclass(frozen=True)
class SosFit:
    """The SOS hypothesis fitted: SOS² = a · (mos − lowest)(highest − mos).

    a         : the SOS parameter; 0 = all agree, 1 = votes on the two ends of the scale alone.
    low, high : its interval.
    rmse      : of the fitted SOS about the seen SOS, in units of the scale.
    n         : items used; n_missing have no spread (a single vote) or lie off the scale's inside.
    """

    a: float
    low: float
    high: float
    rmse: float
    n: int
    n_missing: int
    scale: tuple[float, float]

    def sos(self, mos: npt.ArrayLike) -> Floats:
        """The standard deviation of votes expected at `mos` (any shape)."""
        room = _room(np.asarray(mos, dtype=np.float64), self.scale)
        return np.sqrt(self.a * np.maximum(room, 0.0))


def collect_votes(
    rater: Iterable[Hashable],
    item: Iterable[Hashable],
    score: npt.ArrayLike,
    repeats: Literal["keep", "mean"] = "keep",
) -> Votes:
    """Votes from three columns.

    rater, item : (n,) who voted, and on what; any names.
    score       : (n,) the votes; NaN = no vote, left out and counted.
    repeats     : a rater's second vote on an item is "keep": a vote of its own (as repetitions in
                  ITU-T P.910), or "mean": averaged with the first into one vote.
    Raises `InputError` for columns of different lengths, `NotFinite` for infinite scores,
    `TooFewRatings` when no vote is left.
    """
    if repeats not in ("keep", "mean"):
        raise InputError(f"repeats is {repeats!r}", 'Give "keep" or "mean".')
    scores = np.asarray(score, dtype=np.float64)
    rater_codes, raters = encode(rater)
    item_codes, items = encode(item)
    if not len(rater_codes) == len(item_codes) == scores.size or scores.ndim != 1:
        raise InputError(
            f"{len(rater_codes)} raters, {len(item_codes)} items and scores of shape "
            f"{scores.shape} are not columns of one table",
            "Give three columns of the same length.",
        )
    if np.isinf(scores).any():
        row = int(np.flatnonzero(np.isinf(scores))[0])
        raise NotFinite(f"the score in row {row + 1} is infinite", "Correct or empty the cell.")
    given = ~np.isnan(scores)
    if not given.any():
        raise TooFewRatings(f"none of {scores.size} votes holds a score", "Check the score column.")
    if not given.all():
        # Who never voted and what was never voted on leave the table with their empty rows.
        rater_codes, raters = recode(rater_codes[given], raters)
        item_codes, items = recode(item_codes[given], items)
    votes = Votes(
        rater_codes, item_codes, scores[given], raters, items, missing=int((~given).sum())
    )
    cell, first, index, count = np.unique(
        votes.item * len(raters) + votes.rater,
        return_index=True,
        return_inverse=True,
        return_counts=True,
    )
    extra = len(votes) - len(cell)
    if repeats == "keep" or not extra:
        return Votes(votes.rater, votes.item, votes.score, raters, items, votes.missing, extra)
    means = np.bincount(index, weights=votes.score) / count
    order = np.argsort(first)  # back to the order of the first votes
    kept = first[order]
    return Votes(
        votes.rater[kept], votes.item[kept], means[order], raters, items, votes.missing, extra
    )


def mean_opinion_scores(
    votes: Votes,
    confidence: float = 0.95,
    interval: Literal["t", "pooled"] = "t",
) -> OpinionScores:
    """MOS, spread and interval of every item.

    interval : "t": Student's t on the item's own spread, n − 1 degrees of freedom. With two or
               three votes it is honest and very wide, and it has no width at all where the few
               votes happen to agree.
               "pooled": the spread of all items together, its degrees of freedom shared: for
               tiny n, where an item's own spread is hardly known; supposes that raters disagree
               about every item alike. Items with one vote get an interval too.
    Intervals are of the mean over further raters like these and are not cut at the scale's ends.
    Raises `InputError` for a confidence outside (0, 1).
    Source: ITU-R BT.500-15 §A1-2.2 and ITU-T P.1401 §7.4 (t in place of 1.96); "pooled" is the
    within-group variance of the analysis of variance.
    """
    from scipy.special import stdtrit

    tail = check_confidence(confidence)
    n = votes.per_item()
    mos = votes.per_item(votes.score) / n
    squares = votes.per_item((votes.score - mos[votes.item]) ** 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        std = np.where(n > 1, np.sqrt(squares / (n - 1)), np.nan)
        if interval == "t":
            half = stdtrit(n - 1, tail) * std / np.sqrt(n)
        elif interval == "pooled":
            freedom = float(n.sum() - len(n))
            spread = np.sqrt(squares.sum() / freedom) if freedom > 0 else np.nan
            half = stdtrit(freedom, tail) * spread / np.sqrt(n)
        else:
            raise InputError(f"interval is {interval!r}", 'Give "t" or "pooled".')
    return OpinionScores(mos, std, n.astype(np.int64), mos - half, mos + half, confidence, interval)


def fit_sos(
    mos: npt.ArrayLike,
    std: npt.ArrayLike,
    scale: tuple[float, float] = (1.0, 5.0),
    confidence: float = 0.95,
) -> SosFit:
    """The SOS parameter a of a test: how much raters disagree for the room the scale leaves them.

    mos, std : (n,) of the items, std with n − 1 in the denominator; pairs holding NaN are left out.
    scale    : the ends of the rating scale, in the units of `mos`.

    Least squares through the origin of std² on (mos − lowest)(highest − mos). Tests of one
    kind have like a; one far above its kind had raters who answered different questions, or at
    random. The interval allows for unequal scatter (White's HC1; ours).
    Raises `TooFewRatings` under 3 items, `ConstantValues` when every MOS lies on an end of the
    scale, `StatsError` for MOS outside it.
    Source: Hossfeld, Schatz & Egger, "SOS: The MOS is not enough!", QoMEX 2011.
    """
    from scipy.special import stdtrit

    tail = check_confidence(confidence)
    means, spreads = np.asarray(mos, dtype=np.float64), np.asarray(std, dtype=np.float64)
    if means.shape != spreads.shape or means.ndim != 1:
        raise InputError(
            f"mos and std have the shapes {means.shape} and {spreads.shape}",
            "Give two columns of the same length.",
        )
    if not scale[0] < scale[1]:
        raise InputError(f"the scale {scale} has no inside", "Give its lower end first.")
    known = np.isfinite(means) & np.isfinite(spreads)
    x, variance = means[known], spreads[known] ** 2
    if len(x) < 3:
        raise TooFewRatings(
            f"{len(x)} items have a MOS and a spread; the SOS parameter needs 3",
            "Items need two votes or more.",
        )
    if x.min() < scale[0] or x.max() > scale[1]:
        raise StatsError(
            f"MOS from {x.min():g} to {x.max():g} do not lie on the scale "
            f"{scale[0]:g} to {scale[1]:g}",
            "Give the ends of the rating scale.",
        )
    room = _room(x, scale)
    weight = float(room @ room)
    if weight == 0:
        raise ConstantValues(
            "every MOS lies on an end of the scale, where no spread is possible",
            "The SOS parameter needs items between the ends.",
        )
    a = float(room @ variance) / weight
    rest = variance - a * room
    error = np.sqrt(float((room * rest) @ (room * rest)) * len(x) / (len(x) - 1)) / weight
    half = float(stdtrit(len(x) - 1, tail)) * error
    rmse = float(np.sqrt(np.mean((np.sqrt(a * room) - np.sqrt(variance)) ** 2)))
    return SosFit(a, a - half, a + half, rmse, len(x), int((~known).sum()), scale)


def encode(names: Iterable[Hashable]) -> tuple[Codes, tuple[Hashable, ...]]:
    """Names as codes 0, 1, … in order of first appearance, and the names by code.

    An array of numbers is sorted through instead of hashed name by name; codes then follow size.
    """
    if isinstance(names, np.ndarray) and names.dtype.kind in "iub":
        values, codes = np.unique(names, return_inverse=True)
        return codes.astype(np.intp), tuple(values.tolist())
    table: dict[Hashable, int] = {}
    found = [table.setdefault(name, len(table)) for name in names]
    return np.array(found, dtype=np.intp), tuple(table)


def check_confidence(confidence: float) -> float:
    """The upper quantile (1 + confidence) / 2 of a two-sided interval."""
    if not 0 < confidence < 1:
        raise InputError(f"a confidence of {confidence} is none", "Give one such as 0.95.")
    return (1 + confidence) / 2


def recode(codes: Codes, names: Sequence[Hashable]) -> tuple[Codes, tuple[Hashable, ...]]:
    """Codes and names without the names that no code uses."""
    if np.bincount(codes, minlength=len(names)).all():
        return codes, tuple(names)
    used, recoded = np.unique(codes, return_inverse=True)
    return recoded.astype(np.intp), tuple(names[code] for code in used)


def sums(codes: Codes, values: npt.ArrayLike | None, size: int) -> Floats:
    """(size,) sums of `values` (n,) by code; counts where not given."""
    weights = None if values is None else np.asarray(values, dtype=np.float64)
    return np.bincount(codes, weights=weights, minlength=size).astype(np.float64)


def _room(mos: Floats, scale: tuple[float, float]) -> Floats:
    """The largest variance votes of this mean can have on the scale."""
    return (mos - scale[0]) * (scale[1] - mos)
