"""A folder of images on one scale, from a few comparisons an image.

    found = tournament(judge, images, per_image=8)
    found.score, found.low, found.high      # 0–100, one an image

All n² pairs are too many; a few an image rank a folder when they are chosen well: half the rounds
pair images at random, half pair those that stand close (as a Swiss chess tournament does), where an
answer tells most. Every round is one batch, and the same images lead to the same rounds, so behind
a `Memory` a stopped tournament goes on where it was.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from snellen.errors import ImageError, InputError, TooFewRatings, UnknownName
from snellen.judges import ImagePart, Judge
from snellen.scoring.pairing import next_round
from snellen.scoring.pairs import (
    PositionBias,
    Verdict,
    ask_pairs,
    check_takes_two,
    position_bias,
    settle,
)
from snellen.scoring.standing import MODELS, Floats, Meeting, Model, Standing, final, provisional

Told: TypeAlias = Callable[[int, int], None]
"""Called with (comparisons done, comparisons planned) after every round."""

PER_IMAGE = 8
"""Comparisons of each image unless told otherwise; docs/tournament.md says what more would buy."""


@dataclass(frozen=True)
class Tournament:
    """Images on one scale, one entry an image, in the order they were given.

    score     : 0–100, higher is better: how often, in percent, the judge would prefer the image to
                another one of this tournament. It says where the image stands among these images;
                scores of two tournaments have no common zero. NaN if missing. Ours.
    low, high : its interval.
    jod, jod_low, jod_high : the same in JOD about the mean of all; 1 JOD = preferred by 75 %.
    compared  : comparisons the image was in; one in both orders counts once.
    missing   : image → why it has no score; images that have one are not in it.
    twins     : image → the earlier image with the same content, whose figures it shares.
    meetings  : (first, second, verdict) of every comparison, in the order they were asked.
    bias      : the judge's position bias; None where under two pairs were answered in both orders.
    standing  : what was fitted, over the distinct images that were compared.
    """

    score: Floats
    low: Floats
    high: Floats
    jod: Floats
    jod_low: Floats
    jod_high: Floats
    compared: npt.NDArray[np.int64]
    missing: dict[int, str]
    twins: dict[int, int]
    meetings: tuple[tuple[int, int, Verdict], ...]
    bias: PositionBias | None
    standing: Standing


def tournament(
    judge: Judge,
    images: Sequence[ImagePart],
    *,
    per_image: int = PER_IMAGE,
    model: Model = "bradley-terry",
    confidence: float = 0.95,
    told: Told | None = None,
) -> Tournament:
    """Compare images pair by pair and put them on one scale.

    judge     : one that takes two images; behind a `Memory` nothing is asked twice.
    per_image : comparisons of each image, in both orders each; all pairs where there are fewer.
    model     : Bradley–Terry, or Thurstone's case V; in JOD the two hardly differ.
    Images that cannot be read, or with no answer at all, are missing; equal ones share a place.
    The order of `images` changes nothing but the order of the result.
    Raises `InputError` for a judge of one image, a `per_image` under 1 or fewer than two different
    images, `MissingAnswer` where the judge answered nothing at all.
    """
    check_takes_two(judge)
    if per_image < 1:
        raise InputError(f"{per_image} comparisons an image", "Ask for 1 at least; 8 is usual.")
    if model not in MODELS:
        raise UnknownName("model", model, MODELS)
    field = _field(images)
    n = len(field.players)
    if n < 2:
        why = f" ({next(iter(field.missing.values()))})" if field.missing else ""
        raise InputError(
            f"a tournament needs two different images, and {n} of {len(images)} can be used{why}",
            "Name more images; a single one is scored with `snellen score`.",
        )
    played, verdicts = _play(judge, images, field, per_image, told)
    standing = final(n, played, verdicts, model, confidence)
    return _result(images, field, played, verdicts, standing, confidence)


@dataclass(frozen=True)
class _Field:
    """Who takes part.

    players : numbers of the images that are compared, by content, so that their order is nothing.
    seed    : what chance is drawn from.
    """

    players: list[int]
    missing: dict[int, str]
    twins: dict[int, int]
    seed: str


def _field(images: Sequence[ImagePart]) -> _Field:
    """Every image is decoded once here: a broken one must not take comparisons from others."""
    missing: dict[int, str] = {}
    twins: dict[int, int] = {}
    number_of: dict[str, int] = {}
    for number, image in enumerate(images):
        try:
            if image.hash in number_of:
                twins[number] = number_of[image.hash]
                continue
            image.pixels()
        except ImageError as error:
            missing[number] = str(error)
        else:
            number_of[image.hash] = number
    players = [number for _, number in sorted(number_of.items())]
    return _Field(players, missing, twins, "".join(sorted(number_of)))


def _play(
    judge: Judge, images: Sequence[ImagePart], field: _Field, per_image: int, told: Told | None
) -> tuple[list[Meeting], list[Verdict]]:
    """All rounds: who met whom (places among the players), and what was said."""
    n = len(field.players)
    everyone = per_image >= n - 1
    planned = n * (n - 1) // 2 if everyone else per_image * (n // 2)
    played: list[Meeting] = []
    verdicts: list[Verdict] = []
    for number in range(1 if everyone else per_image):
        pairing = (
            list(combinations(range(n), 2))
            if everyone
            else next_round(provisional(n, played, verdicts), played, number, field.seed)
        )
        pairs = [
            (images[field.players[one]], images[field.players[other]]) for one, other in pairing
        ]
        verdicts += ask_pairs(judge, pairs)
        played += pairing
        if told is not None:
            told(len(played), planned)
    return played, settle(verdicts)


def _result(
    images: Sequence[ImagePart],
    field: _Field,
    played: Sequence[Meeting],
    verdicts: Sequence[Verdict],
    standing: Standing,
    confidence: float,
) -> Tournament:
    """Everything there is to say, from places among the players back to the images given."""
    meetings = tuple(
        (field.players[one], field.players[other], verdict)
        for (one, other), verdict in zip(played, verdicts, strict=True)
    )
    compared = np.zeros(len(images), dtype=np.int64)
    missing = dict(field.missing)
    for one, other, verdict in meetings:
        if verdict.missing:
            missing.setdefault(one, verdict.missing)
            missing.setdefault(other, verdict.missing)
        else:
            compared[[one, other]] += 1
    for one in np.flatnonzero(compared).tolist():
        missing.pop(one, None)
    scale = standing.scale
    figures = np.full((6, len(images)), math.nan)
    ranked = [field.players[place] for place in np.array(standing.comparisons.items, dtype=int)]
    figures[:, ranked] = (
        *(standing.percent, standing.low, standing.high),
        *(scale.jod, scale.low, scale.high),
    )
    for twin, original in field.twins.items():
        figures[:, twin], compared[twin] = figures[:, original], compared[original]
        if original in missing:
            missing[twin] = missing[original]
    try:
        bias = position_bias(verdicts, confidence)
    except TooFewRatings:
        bias = None
    score, low, high, jod, jod_low, jod_high = figures
    return Tournament(
        score=score,
        low=low,
        high=high,
        jod=jod,
        jod_low=jod_low,
        jod_high=jod_high,
        compared=compared,
        missing=dict(sorted(missing.items())),
        twins=field.twins,
        meetings=meetings,
        bias=bias,
        standing=standing,
    )
