"""How well do scores agree with people? Every figure the field asks for, or why it is missing.

    result = evaluate(matched)
    result.figure("srcc").estimate.value

A figure is computed or carries the reason why not; a map fitted on labels is judged on other labels
and shown beside the flattering in-sample figure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from snellen import stats
from snellen.data import Dataset, Scale
from snellen.errors import InputError, StatsError
from snellen.matched import Floats, Matched
from snellen.stats import Estimate, Gap

MAP: stats.mapping.Kind = "logistic4"  # behind residuals, outlier ratio and equivalent raters
_MAPS: tuple[stats.mapping.Kind, ...] = ("logistic4", "logistic5", "isotonic")
_NO_VOTES = "the spread and number of votes are not known"

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """One figure: an estimate, or the reason why there is none."""

    key: str
    label: str
    estimate: Estimate | None
    reason: str = ""

    def plain(self) -> dict[str, Any]:
        """As JSON values; a missing figure has a null value and a reason."""
        found = self.estimate
        if found is None:
            return {"value": None, "reason": self.reason}
        return {
            "value": _finite(found.value), "low": _finite(found.low), "high": _finite(found.high),
            "n": found.n, "missing": found.missing, "interval": found.method,
            "confidence": found.confidence, "mapping": found.mapping, "fit": found.fit,
        }  # fmt: skip


@dataclass(frozen=True)
class Part:
    """Agreement within one kind of distortion: n images, SRCC and raw PLCC."""

    name: str
    n: int
    srcc: Figure
    plcc: Figure


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found for one scorer.

    name, source    : of the scorer.
    ratings, scale  : name of the ratings, and what their numbers mean.
    n, unscored     : images used; rated images without a score.
    clusters        : number of references that intervals respect; 0 where images stand alone.
    figures         : in the order to show them.
    parts, parted_by: agreement per "distortion" or "family"; empty where unknown.
    gap             : smallest meaningful score difference, or why it is missing.
    image, scores, mos, predicted : (n,) used images, their scores, MOS (higher is better) and the
                      score mapped to the MOS scale by a cross-fitted 4-parameter logistic (NaN
                      where it cannot be fitted).
    curve           : the in-sample logistic, (m, 2) points for drawing; empty likewise.
    warnings        : what was left out or looks wrong.
    """

    name: str
    source: str
    ratings: str
    scale: Scale
    n: int
    unscored: int
    clusters: int
    figures: tuple[Figure, ...]
    parts: tuple[Part, ...]
    parted_by: str
    gap: Gap | str
    image: list[str]
    scores: Floats
    mos: Floats
    predicted: Floats
    curve: Floats
    warnings: tuple[str, ...]

    def figure(self, key: str) -> Figure:
        """The figure called `key`; `KeyError` for another."""
        return {figure.key: figure for figure in self.figures}[key]

    @property
    def residual(self) -> Floats:
        """(n,) MOS less prediction, in units of the MOS: positive where people liked it more."""
        return self.mos - self.predicted

    def furthest(self, count: int = 10) -> list[int]:
        """Rows with the largest residuals, largest first; ties in order of image."""
        known = np.flatnonzero(~np.isnan(self.residual))
        size = np.abs(self.residual[known])
        order = sorted(range(known.size), key=lambda i: (-size[i], self.image[known[i]]))
        return [int(known[i]) for i in order[:count]]


def evaluate(
    matched: Matched,
    *,
    scale: tuple[float, float] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    folds: int = 5,
    seed: int = 0,
    brief: bool = False,
) -> Evaluation:
    """Agreement of the one scorer of `matched` with people.

    scale : (lowest, highest possible MOS); that of a public set is known.
    brief : SRCC, PLCC and RMSE alone, raw or after the cross-fitted 4-parameter logistic; no parts
            and no gap. A tenth of the time.
    Intervals respect references where the ratings have them. Raises as `snellen.stats.srcc` when
    there is nothing to correlate: fewer than 3 images, constant scores.
    """
    scores, mos, clusters = matched.scores[0], matched.mos, matched.clusters
    common: dict[str, Any] = {"clusters": clusters, "confidence": confidence, "seed": seed}
    fitted = {**common, "resamples": resamples, "folds": folds}
    srcc = stats.srcc(scores, mos, **common, resamples=resamples)
    figures = [
        Figure("srcc", "SRCC", srcc),
        _figure("plcc", "PLCC", partial(stats.plcc, scores, mos, **common, resamples=resamples)),
        *_mapped(scores, mos, fitted, brief),
    ]
    if not brief:
        krcc = _figure("krcc", "KRCC", partial(stats.krcc, scores, mos, **common))
        figures = [figures[0], krcc, *figures[1:], *_with_votes(matched, fitted)]
    used = matched.common()
    predicted = _or_nan(
        lambda: stats.cross_fit(
            used.scores[0], used.mos, MAP, folds=folds, clusters=used.clusters, seed=seed
        ),
        len(used.ratings),
    )
    warnings = list(matched.warnings)
    if srcc.reversed:
        warnings.append(
            f"The scores of {matched.names[0]} fall as ratings rise (SRCC {srcc.value:.3f}): if "
            "lower scores are better, say --lower-is-better; if lower ratings are, --dmos."
        )
    parted_by, masks = ("", {}) if brief else distortions_of(used.ratings)
    known = _known_scale(used, scale)
    return Evaluation(
        name=matched.names[0],
        source=matched.sources[0],
        ratings=matched.ratings.name,
        scale=known,
        n=srcc.n,
        unscored=matched.unscored[0],
        clusters=len(set(used.clusters)) if used.clusters else 0,
        figures=tuple(figures),
        parts=tuple(_part(name, used.take(mask), common) for name, mask in masks.items()),
        parted_by=parted_by,
        gap="not asked for" if brief else _gap(used, known, seed),
        image=used.ratings.image,
        scores=used.scores[0],
        mos=used.mos,
        predicted=predicted,
        curve=_curve(used),
        warnings=tuple(warnings),
    )


def _figure(key: str, label: str, compute: Callable[[], Estimate]) -> Figure:
    """A figure that other figures can do without: what stands against it becomes its reason."""
    try:
        return Figure(key, label, compute())
    except StatsError as error:
        return Figure(key, label, None, error.what)


def _mapped(scores: Floats, mos: Floats, fitted: dict[str, Any], brief: bool) -> list[Figure]:
    """PLCC and RMSE after each map, cross-fitted before in-sample."""
    figures = []
    kinds = [("plcc", "PLCC", stats.plcc, kind) for kind in ((MAP,) if brief else _MAPS)]
    for name, label, function, kind in [*kinds, ("rmse", "RMSE", stats.rmse, MAP)]:
        for cross in (True,) if brief else (True, False):
            key = f"{name}_{kind}_{'cross_fitted' if cross else 'in_sample'}"
            compute = partial(function, scores, mos, mapping=kind, cross_fit=cross, **fitted)
            figures.append(_figure(key, label, compute))
    return figures


def _with_votes(matched: Matched, fitted: dict[str, Any]) -> list[Figure]:
    """The figures that need to know how sure each MOS is."""
    labels = {
        "outlier_ratio": "outlier ratio",
        "auc_different_similar": "AUC different / similar",
        "auc_better_worse": "AUC better / worse",
        "correct_classification": "correct classification",
        "equivalent_raters": "equivalent raters",
    }
    if not matched.has_votes:
        return [Figure(key, label, None, _NO_VOTES) for key, label in labels.items()]
    scores, mos = matched.scores[0], matched.mos
    std, votes = matched.ratings.std, matched.votes
    plain = {key: value for key, value in fitted.items() if key != "folds"}
    cross = {key: fitted[key] for key in ("clusters", "folds", "seed")}
    analysed = or_reason(
        lambda: stats.krasula(
            [scores], mos, std, votes,
            clusters=fitted["clusters"], confidence=fitted["confidence"], seed=fitted["seed"],
        )
    )  # fmt: skip
    pairs = (
        dict.fromkeys(("auc_different_similar", "auc_better_worse", "correct_classification"))
        if isinstance(analysed, str)
        else {
            "auc_different_similar": analysed.different_similar[0],
            "auc_better_worse": analysed.better_worse[0],
            "correct_classification": analysed.correct[0],
        }
    )
    reason = analysed if isinstance(analysed, str) else ""
    return [
        _figure(
            "outlier_ratio",
            labels["outlier_ratio"],
            lambda: stats.outlier_ratio(
                stats.cross_fit(scores, mos, MAP, **cross), mos, std, votes, **plain
            ),
        ),
        *(Figure(key, labels[key], found, reason) for key, found in pairs.items()),
        _figure(
            "equivalent_raters",
            labels["equivalent_raters"],
            partial(stats.equivalent_raters, scores, mos, std, votes, mapping=MAP, **fitted),
        ),
    ]


def distortions_of(ratings: Dataset) -> tuple[str, dict[str, npt.NDArray[np.bool_]]]:
    """Which images have which distortion: ("distortion", name → mask).

    By "family" where the ratings know no more, and ("", {}) where they know one kind or none.
    """
    for by in ("distortion", "family"):
        column = np.array(getattr(ratings, by), dtype=object)
        names = sorted({name for name in column if name})
        if len(names) > 1:
            return by, {name: np.asarray(column == name) for name in names}
    return "", {}


def _part(name: str, rows: Matched, common: dict[str, Any]) -> Part:
    options = {**common, "clusters": rows.clusters}
    scores, mos = rows.scores[0], rows.mos
    return Part(
        name,
        len(rows.ratings),
        _figure("srcc", "SRCC", partial(stats.srcc, scores, mos, **options)),
        _figure("plcc", "PLCC", partial(stats.plcc, scores, mos, **options)),
    )


def _gap(used: Matched, scale: Scale, seed: int) -> Gap | str:
    """The smallest meaningful gap by votes, else by the MOS scale where it is known."""
    find = partial(stats.smallest_gap, used.scores[0], used.mos, seed=seed)
    if used.has_votes:
        return or_reason(partial(find, std=used.ratings.std, votes=used.votes))
    ends = (scale.low, scale.high)
    if scale.observed or not np.isfinite(ends).all():
        return f"{_NO_VOTES}, nor the ends of the MOS scale"
    return or_reason(partial(find, scale=ends))


def _known_scale(matched: Matched, ends: tuple[float, float] | None) -> Scale:
    """The scale of the ratings, with the ends as given, else as published or seen.

    Raises `InputError` for ends that the ratings lie outside of.
    """
    known = matched.ratings.scale
    if ends is None:
        return known
    low, high = float(np.nanmin(matched.mos)), float(np.nanmax(matched.mos))
    if not ends[0] <= low <= high <= ends[1]:
        raise InputError(
            f"the ratings run from {low:g} to {high:g}, outside the scale {ends[0]:g} to "
            f"{ends[1]:g}",
            "Give the lowest and highest rating that people could choose.",
        )
    return replace(known, low=ends[0], high=ends[1], observed=False)


def _curve(used: Matched, points: int = 100) -> Floats:
    try:
        fit = stats.fit_mapping(used.scores[0], used.mos, MAP)
    except StatsError:
        return np.empty((0, 2))
    x = np.linspace(used.scores[0].min(), used.scores[0].max(), points)
    return np.stack([x, fit(x)], axis=1)


def or_reason(compute: Callable[[], T]) -> T | str:
    """What `compute` returns, or why it cannot: what stands against it, as one sentence."""
    try:
        return compute()
    except StatsError as error:
        return error.what


def _or_nan(compute: Callable[[], Floats], n: int) -> Floats:
    try:
        return compute()
    except StatsError:
        return np.full(n, np.nan)


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
