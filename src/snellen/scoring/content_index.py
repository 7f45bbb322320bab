"""How much of a score is what the picture shows, without any human label.

    found = content_index(scores, contents, types, levels)
    found.value, found.low, found.high       # 0.21: a fifth of the way down the ladders

Pristine photos differ in nothing but what they show, so that a scorer of quality alone would score
them alike. How far their scores lie apart, measured in how far scores fall from pristine to the
worst level of a distortion, is the content index: 0 is best, and at 1 another motif matters as much
as the worst distortion. It does not change when scores are shifted or scaled. Ours.

With ratings by people the same question is asked by `content_classes`: how well do scores rank
within each class of content, and how much is lost when classes are mixed?
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from snellen import distortions
from snellen.distortions import seed_of
from snellen.errors import ConstantValues, InputError, MissingAnswer, SnellenError, TooFewRatings
from snellen.images import Picture, content_hash
from snellen.scorers.base import Score, Scorer
from snellen.scoring.scorer import JudgeScorer
from snellen.stats import Correlation, srcc
from snellen.stats.intervals import check_confidence, percentile_interval
from snellen.stats.resampling import cluster_draws

Floats: TypeAlias = npt.NDArray[np.float64]

TYPES = ("gaussian-blur", "jpeg", "white-noise", "darken", "color-diffusion")
"""One ladder each of five families: the driver's unless told otherwise. Ours."""
_LEAST = 3  # photos; a spread of two is hardly a number
_BATCH = 16  # pictures whose questions are asked together


@dataclass(frozen=True)
class ContentIndex:
    """The index and its parts.

    value     : spread / fall, ≥ 0, lower is better.
    low, high : interval by drawing photos with all their copies; `high` is infinite where scores do
                not surely fall.
    spread    : standard deviation of the scores of pristine photos.
    fall      : mean fall from a pristine photo to the worst level, over photos and types.
    falls     : type → its mean fall: near 0 or below it, the scorer is blind to that distortion.
    photos    : n photos.
    missing   : rows without a score, left out.
    """

    value: float
    low: float
    high: float
    spread: float
    fall: float
    falls: dict[str, float]
    photos: int
    missing: int
    confidence: float


@dataclass(frozen=True)
class ContentClasses:
    """Agreement with people within and across classes of content.

    pooled  : SRCC over all images.
    classes : class → SRCC within it, or the reason why there is none.
    within  : mean SRCC within classes, weighted by their images; NaN where there is none.
    """

    pooled: Correlation
    classes: dict[Hashable, Correlation | str]
    within: float


@dataclass(frozen=True)
class Ladders:
    """A table of scores, one row a picture: what `content_index` takes.

    score : NaN where missing; type is "" and level 0 for the photo as it is.
    reasons : why scores are missing, one entry each.
    """

    score: Floats
    content: tuple[str, ...]
    type: tuple[str, ...]
    level: tuple[int, ...]
    reasons: tuple[str, ...]


def content_index(
    score: npt.ArrayLike,
    content: Sequence[Hashable],
    type: Sequence[str],
    level: npt.ArrayLike,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> ContentIndex:
    """The content index of a table of scores.

    score   : (n,) any linear scale, higher is better; NaN = missing, left out and counted.
    content : (n,) which photo the picture is made from.
    type    : (n,) distortion; ignored where the level is 0.
    level   : (n,) 0 = pristine; above it, larger is worse. Of each photo and type the largest that
              has a score counts.
    A photo counts where it has a pristine score and one fall at least. In the bootstrap, draws with
    the same photo twice make the spread too small by √((n − 1) / n), which is taken back.
    Raises `InputError` for columns of different lengths, `TooFewRatings` under three photos,
    `ConstantValues` where scores do not fall at all: then there is nothing to measure in.
    """
    check_confidence(confidence)
    scores, levels = np.asarray(score, dtype=np.float64), np.asarray(level)
    if not len(scores) == len(content) == len(type) == len(levels):
        sizes = ", ".join(str(len(column)) for column in (scores, content, type, levels))
        raise InputError(f"columns of {sizes} rows are not of one table", "Give equal lengths.")
    pristine, falls = _falls(scores, content, type, levels)
    names = sorted({kind for own in falls.values() for kind in own})
    if len(falls) < _LEAST:
        raise TooFewRatings(
            f"a content index of {len(falls)} photos with a pristine and a degraded score",
            f"Give {_LEAST} photos at least; intervals are of use from about 15.",
        )
    clean = np.array([pristine[photo] for photo in falls])
    table = np.array([[own.get(kind, np.nan) for kind in names] for own in falls.values()])
    down = np.nanmean(table, axis=1)
    spread, fall = float(clean.std(ddof=1)), float(down.mean())
    if fall <= 0:
        raise ConstantValues(
            f"scores do not fall when pictures are degraded: by {fall:.3g} on average",
            "Scores must be higher for better pictures; is this scorer blind to these distortions?",
        )
    ratios = np.concatenate(list(_ratios(clean, down, resamples, seed)))
    low, high = _interval(ratios, len(clean), confidence)
    return ContentIndex(
        value=spread / fall,
        low=low,
        high=high,
        spread=spread,
        fall=fall,
        falls={k: float(v) for k, v in zip(names, np.nanmean(table, axis=0), strict=True)},
        photos=len(clean),
        missing=int(np.isnan(scores).sum()),
        confidence=confidence,
    )


def content_classes(
    score: npt.ArrayLike,
    mos: npt.ArrayLike,
    classes: Sequence[Hashable],
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
) -> ContentClasses:
    """SRCC of scores with people's ratings, over all and within each class of content.

    score, mos : (n,) higher is better; NaN = missing.
    classes    : (n,) what each image shows.
    clusters   : (n,) images that are not independent (copies of one photo), for the intervals.
    `within` above `pooled` is what mixing contents costs: a scorer that leans on content ranks each
    class well and the mixture badly.
    """
    scores, ratings = np.asarray(score, dtype=np.float64), np.asarray(mos, dtype=np.float64)
    names = np.array([str(name) for name in classes])
    groups = None if clusters is None else np.array([str(name) for name in clusters])

    def within(rows: npt.NDArray[np.bool_]) -> Correlation | str:
        own = None if groups is None else groups[rows]
        try:
            return srcc(scores[rows], ratings[rows], clusters=own, confidence=confidence)
        except SnellenError as error:
            return str(error)

    found = {name: within(names == name) for name in sorted(set(names.tolist()))}
    known = [one for one in found.values() if not isinstance(one, str)]
    total = sum(one.n for one in known)
    mean = math.fsum(one.value * one.n for one in known) / total if total else math.nan
    pooled = srcc(scores, ratings, clusters=groups, confidence=confidence)
    return ContentClasses(pooled, dict(found), mean)


def score_ladders(
    scorer: Scorer,
    photos: Sequence[Picture],
    *,
    types: Sequence[str] = TYPES,
    levels: Sequence[int] | None = None,
    told: Callable[[int, int], None] | None = None,
) -> Ladders:
    """Score photos as they are and along distortion ladders; the table of `content_index`.

    photos : as good as can be had; their own flaws count as content.
    types  : names of the catalogue. levels : of each type; its worst alone if not given, which is
             all that the index needs.
    told   : called with (pictures done, pictures in all).
    Behind a judge in `Memory` a stopped run goes on where it was.
    """
    plan = [
        (photo, kind, level)
        for photo in photos
        for kind, level in (("", 0), *((k, step) for k in types for step in _steps(k, levels)))
    ]
    found: list[float] = []
    reasons: list[str] = []
    for start in range(0, len(plan), _BATCH):
        batch = [degraded(*row) for row in plan[start : start + _BATCH]]
        for scored in _scored(scorer, batch):
            found.append(math.nan if isinstance(scored, SnellenError) else scored.value)
            if isinstance(scored, SnellenError):
                reasons.append(str(scored))
        if told is not None:
            told(len(found), len(plan))
    if len(reasons) == len(plan):
        raise MissingAnswer(f"none of {len(plan)} pictures was scored: {reasons[0]}")
    return Ladders(
        score=np.array(found),
        content=tuple(photo.hash for photo, _, _ in plan),
        type=tuple(kind for _, kind, _ in plan),
        level=tuple(_rank(kind, level) for _, kind, level in plan),
        reasons=tuple(reasons),
    )


def degraded(photo: Picture, kind: str, level: int) -> Picture:
    """The photo degraded, as a picture of its own; the photo itself at level 0."""
    if level == 0:
        return photo
    pixels = distortions.apply(photo.pixels, kind, level, seed=seed_of(photo.hash, kind, level))
    height, width, _ = pixels.shape
    key = content_hash(f"{photo.hash} {width}×{height} {kind} {level}".encode() + pixels.tobytes())
    return Picture(pixels, key, width, height, photo.format, pixels.nbytes, "degraded")


def _steps(kind: str, levels: Sequence[int] | None) -> Sequence[int]:
    return distortions.get(kind).order[-1:] if levels is None else levels


def _rank(kind: str, level: int) -> int:
    """1 = mildest by people's opinion: not every corpus numbers its levels in the order of harm."""
    return distortions.get(kind).order.index(level) + 1 if kind else 0


def _scored(scorer: Scorer, pictures: list[Picture]) -> list[Score | SnellenError]:
    if isinstance(scorer, JudgeScorer):
        return scorer.score_many(pictures)
    return [_one(scorer, picture) for picture in pictures]


def _one(scorer: Scorer, picture: Picture) -> Score | SnellenError:
    try:
        return scorer.score(picture)
    except SnellenError as error:
        return error


def _falls(
    scores: Floats,
    content: Sequence[Hashable],
    type: Sequence[str],
    levels: npt.NDArray[np.generic],
) -> tuple[dict[Hashable, float], dict[Hashable, dict[str, float]]]:
    """Photo → its pristine score (mean, if several), and → type → fall to its worst level."""
    clean: dict[Hashable, list[float]] = {}
    worst: dict[tuple[Hashable, str], tuple[float, float]] = {}
    for value, photo, kind, level in zip(scores, content, type, levels.tolist(), strict=True):
        if math.isnan(value):
            continue
        if level == 0:
            clean.setdefault(photo, []).append(float(value))
        elif level >= worst.get((photo, kind), (0, 0.0))[0]:
            worst[photo, kind] = (level, float(value))
    pristine = {photo: math.fsum(values) / len(values) for photo, values in clean.items()}
    falls: dict[Hashable, dict[str, float]] = {}
    for (photo, kind), (_, value) in worst.items():
        if photo in pristine:
            falls.setdefault(photo, {})[kind] = pristine[photo] - value
    return pristine, falls


def _ratios(clean: Floats, down: Floats, resamples: int, seed: int) -> Iterator[Floats]:
    """Blocks of bootstrapped spread / fall; infinite where scores do not fall in a draw."""
    n = len(clean)
    centred = clean - clean.mean()  # or the variance would drown in the mean's digits
    for counts in cluster_draws(np.arange(n), resamples=resamples, seed=seed):
        mean = counts @ centred / n
        variance = counts @ centred**2 / n - mean**2
        spread = np.sqrt(np.maximum(variance, 0.0)) * n / (n - 1)
        fall = counts @ down / n
        yield np.where(fall > 0, spread / np.where(fall > 0, fall, 1.0), np.inf)


def _interval(ratios: Floats, n: int, confidence: float) -> tuple[float, float]:
    """Percentiles; the upper one infinite where as many draws did not fall."""
    tail = (1 - confidence) / 2
    endless = float(np.mean(np.isinf(ratios)))
    low, high = percentile_interval(ratios[np.isfinite(ratios)], n, confidence)
    return low, math.inf if endless > tail else high
