"""Which raters to leave out: the screening of ITU-R BT.500 and that of ITU-T P.913.

    checked = screen_bt500(votes)
    for name, reason in zip(checked.raters, checked.reasons): ...
    kept = votes.keep_raters(~checked.rejected)

Both only flag; leaving out is the caller's decision. The subject model (`snellen.stats.subjects`)
weighs unreliable raters down instead and needs no screening.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from snellen.errors import InputError, TooFewRatings
from snellen.stats.votes import Codes, Flags, Floats, Votes, encode, sums

# ITU-R BT.500-15 § A1-2.3.1: scores beyond 2 standard deviations are outlying where votes
# are normally distributed (kurtosis from 2 to 4), beyond √20 where they are not.
_NORMAL_KURTOSIS = (2.0, 4.0)
_NORMAL_LIMIT, _OTHER_LIMIT = 2.0, float(np.sqrt(20.0))
_OUTLYING_SHARE = 0.05
_ONE_SIDED = 0.3


@dataclass(frozen=True)
class Bt500Screening:
    """Screening by outlying votes, one entry per rater.

    above, below : votes outlying on either side (P and Q).
    share        : (P + Q) / votes; over 0.05 is suspicious.
    one_sidedness: |P − Q| / (P + Q), NaN without outlying votes; under 0.3 the rater is erratic,
                   over it merely strict or generous (a bias, which is no reason to reject).
    rejected     : both limits broken.
    reasons      : one sentence for the rejected, "" for the others.
    """

    raters: tuple[Hashable, ...]
    above: npt.NDArray[np.int64]
    below: npt.NDArray[np.int64]
    share: Floats
    one_sidedness: Floats
    rejected: Flags
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class P913Screening:
    """Screening by correlation with the other raters, one entry per rater.

    r1       : Pearson correlation of the rater's votes with the MOS of the raters still in when
               this one was judged; NaN where it does not exist.
    r2       : the same over the means per condition; None when no conditions were given.
    rejected : in the order of `raters`; order holds their codes, worst (first out) first.
    reasons  : one sentence for the rejected and for those who could not be judged, else "".
    """

    raters: tuple[Hashable, ...]
    r1: Floats
    r2: Floats | None
    rejected: Flags
    order: tuple[int, ...]
    reasons: tuple[str, ...]


def screen_bt500(votes: Votes) -> Bt500Screening:
    """Flag raters whose votes often lie far from the others', on both sides.

    Per item: mean, standard deviation S (n − 1) and kurtosis β2 = m4 / m2² of the votes; a vote at
    or beyond mean ± 2 S (mean ± √20 S unless 2 ≤ β2 ≤ 4) counts as outlying. A rater with more
    than 5 % outlying votes, about as many above as below, is rejected. Shares are of the votes
    that a rater gave, so that raters who saw part of the items are judged alike (ours).
    The standard means this for fewer than 20 non-expert raters, and once: not repeated after
    leaving raters out.
    Raises `TooFewRatings` under 3 raters.
    Source: ITU-R BT.500-15 (2023), § A1-2.3.1.
    """
    _needs_raters(votes)
    n = votes.per_item()
    mean = votes.per_item(votes.score) / n
    rest = votes.score - mean[votes.item]
    squares, fourths = votes.per_item(rest**2), votes.per_item(rest**4)
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = np.sqrt(squares / (n - 1))
        kurtosis = n * fourths / squares**2
    normal = (kurtosis >= _NORMAL_KURTOSIS[0]) & (kurtosis <= _NORMAL_KURTOSIS[1])
    limit = np.where(normal, _NORMAL_LIMIT, _OTHER_LIMIT) * spread
    # Where all agree the limit is 0 and every vote would reach it: none is outlying there. NaN
    # (a single vote) compares false by itself.
    limit = np.where(squares > 0, limit, np.inf)[votes.item]
    above = votes.per_rater(rest >= limit).astype(np.int64)
    below = votes.per_rater(rest <= -limit).astype(np.int64)
    outlying = above + below
    given = votes.per_rater()
    share = outlying / given
    one_sided = np.full(len(given), np.nan)
    np.divide(np.abs(above - below), outlying, out=one_sided, where=outlying > 0)
    rejected = (share > _OUTLYING_SHARE) & (one_sided < _ONE_SIDED)
    reasons = tuple(
        f"{up + down} of {int(total)} votes lie far out, {up} above and {down} below" if bad else ""
        for bad, up, down, total in zip(rejected, above, below, given, strict=True)
    )
    return Bt500Screening(votes.raters, above, below, share, one_sided, rejected, reasons)


def screen_p913(
    votes: Votes,
    condition: npt.ArrayLike | None = None,
    r1_limit: float = 0.75,
    r2_limit: float = 0.8,
) -> P913Screening:
    """Flag raters whose votes do not follow the panel's, worst first and one at a time.

    condition : (items,) what was done to each item (the standard's HRC: codec, distortion and
                level), in the order of `votes.items`. With it a rater must fall short of both
                limits to be rejected; without it of `r1_limit` alone.
    r1_limit  : 0.75 is the standard's for entertainment video; it allows others where the spread
                of quality is small, as in sets of photos with authentic distortions.

    After each rejection the MOS and the correlations are made anew from the raters left. Judged
    are raters with 3 votes or more; one who gave the same score to everything is rejected, since
    nothing can be learned from such votes (ours).
    Raises `TooFewRatings` under 3 raters, `InputError` for a condition of the wrong length.
    Source: ITU-T P.913 (06/2021), post-experiment screening by Pearson correlation; the two limits
    together are those of VQEG's test plans, which it took over.
    """
    _needs_raters(votes)
    groups = None
    if condition is not None:
        groups, _ = encode(np.asarray(condition).tolist())
        if len(groups) != len(votes.items):
            raise InputError(
                f"{len(groups)} conditions for {len(votes.items)} items",
                "Give one condition per item, in the order of votes.items.",
            )
    given = votes.per_rater()
    total = votes.per_rater(votes.score)
    spread = votes.per_rater((votes.score - (total / given)[votes.rater]) ** 2)
    judged = given >= 3
    flat = judged & (spread == 0)
    rejected = flat.copy()
    reasons = np.array([""] * len(given), dtype=object)
    reasons[~judged] = "fewer than 3 votes: not judged"
    reasons[flat] = "the same score for everything"
    order = [int(code) for code in np.flatnonzero(flat)]
    r1 = np.full(len(given), np.nan)
    r2 = np.full(len(given), np.nan) if groups is not None else None
    over_items = _Follower(votes, votes.item)
    over_conditions = None if groups is None else _Follower(votes, groups[votes.item])
    while True:
        inside = ~rejected
        if inside.sum() < 3:
            break
        now = over_items.correlations(inside)
        r1[inside] = now[inside]
        short = inside & judged & (now < r1_limit)
        if r2 is not None and over_conditions is not None:
            now2 = over_conditions.correlations(inside)
            r2[inside] = now2[inside]
            # One condition alone has no correlation over conditions: r1 decides then.
            short &= ~(now2 >= r2_limit)
        if not short.any():
            break
        worst = int(np.flatnonzero(short)[np.argmin(now[short])])
        rejected[worst] = True
        order.append(worst)
        tail = f" and {r2[worst]:.2f} over conditions" if r2 is not None else ""
        reasons[worst] = f"correlation {r1[worst]:.2f} with the panel{tail}, under {r1_limit:g}"
    return P913Screening(votes.raters, r1, r2, rejected, tuple(order), tuple(reasons))


class _Follower:
    """Pearson correlation of every rater's means per unit with the panel's over the same units.

    unit : (n,) code of what each vote was about: the item, or its condition.
    """

    def __init__(self, votes: Votes, unit: Codes) -> None:
        self._votes, self._unit, self._units = votes, unit, int(unit.max()) + 1
        # One row per (rater, unit): repeated votes, or the items of a condition, are averaged.
        cell, row, each = np.unique(
            votes.rater * self._units + unit, return_inverse=True, return_counts=True
        )
        self._rater, self._place = cell // self._units, cell % self._units
        self._n = np.bincount(self._rater, minlength=len(votes.raters))
        own = np.bincount(row, votes.score) / each
        self._own = own - (self._sums(own) / self._n)[self._rater]

    def correlations(self, inside: Flags) -> Floats:
        """(raters,) with the mean of the raters `inside` (raters,); NaN where it does not exist."""
        chosen = inside[self._votes.rater]
        unit, score = self._unit[chosen], self._votes.score[chosen]
        with np.errstate(invalid="ignore", divide="ignore"):
            panel = sums(unit, score, self._units) / sums(unit, None, self._units)
            others = panel[self._place]
            others = others - (self._sums(others) / self._n)[self._rater]
            scale = self._sums(self._own**2) * self._sums(others**2)
            return np.where(scale > 0, self._sums(self._own * others) / np.sqrt(scale), np.nan)

    def _sums(self, values: Floats) -> Floats:
        return sums(self._rater, values, len(self._n))


def _needs_raters(votes: Votes) -> None:
    if len(votes.raters) < 3:
        raise TooFewRatings(
            f"screening compares raters with each other and there are {len(votes.raters)}",
            "It needs 3 raters or more.",
        )
