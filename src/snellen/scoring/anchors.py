"""`anchors`: compare the picture with five others of known quality, then place it among them.

Source: Compare2Score (Zhu et al. 2024, "Adaptive image quality assessment via teaching large
multimodal model to compare"): five anchor images, a matrix of preferences between all six, and the
maximum a posteriori scores under Thurstone's model with a normal prior. Its anchors are images of
KonIQ-10k with agreed ratings. Ours need no data set: one good photo of the user's, as it is and
degraded at four steps of KADID-10k whose ratings by people are published, so that the scores of the
anchors are known. Both orders of every pair, and the straight line from the judge's scale to
people's ratings of the anchors, are ours.

All anchors show the same, so what their content adds to the judge's opinion shifts all scores
alike. What the *picture's* content adds is not taken out: that is `debias`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from snellen import distortions
from snellen.errors import InputError, MissingAnswer
from snellen.images import Picture, read
from snellen.judges import Answer, ImagePart, Question
from snellen.scorers.base import Evidence, Score
from snellen.scoring.base import PICTURE, SCALE, Method
from snellen.scoring.content_index import degraded
from snellen.scoring.pairs import OPTIONS, QUESTION, Verdict, pair_questions, read_pair, settle
from snellen.stats import PairScale, collect_counts, thurstone

LADDER = (("", 0), ("jpeg", 3), ("gaussian-blur", 3), ("jpeg", 4), ("gaussian-blur", 5))
"""Steps of about equal distance in people's opinion: 4.6, 3.9, 2.9, 1.9 and 1.3 of 5. Ours."""
PRIOR = 3.0
"""Spread of the prior in JOD; wider than Compare2Score's unit normal (1.5 JOD), so that pictures
better or worse than all anchors can leave them behind. Ours."""
_UNTOUCHED = ("gaussian-blur", 1)  # a step that changes nothing: what people say of a good photo
_THEMSELVES = tuple(combinations(range(len(LADDER)), 2))


class Anchors(Method):
    """Thirty questions: ten about the picture, and twenty among the anchors, the same for every
    picture, which a judge in `Memory` is asked once.

    photo : a good photo: the path of a file, or a picture.
    Raises `InputError` without one, and `ImageError` for a file that cannot be read.
    """

    images = 2

    def __init__(self, photo: str | Path | Picture | None = None) -> None:
        if photo is None:
            raise InputError(
                "anchors are made from a good photo, and none was given",
                "Name one: --anchors PHOTO, or Anchors('good.jpg').",
            )
        picture = photo if isinstance(photo, Picture) else read(Path(photo))
        self.photo = picture.hash
        self.labels = tuple(f"anchor: {kind}, level {level}" if kind else "anchor: as it is"
                            for kind, level in LADDER)  # fmt: skip
        self.anchors = tuple(
            ImagePart(degraded(picture, *step), label)
            for step, label in zip(LADDER, self.labels, strict=True)
        )
        self.known = np.array([_known(kind, level) for kind, level in LADDER])

    @property
    def name(self) -> str:
        return f"anchors({self.photo[:16]}; prior={PRIOR:g})"

    def questions(self, picture: Picture) -> list[Question]:
        """The picture with each anchor in both orders, then all pairs of anchors in both."""
        shown = ImagePart(picture, PICTURE)
        pairs = [(shown, anchor) for anchor in self.anchors]
        pairs += [(self.anchors[one], self.anchors[other]) for one, other in _THEMSELVES]
        return [question for pair in pairs for question in pair_questions(*pair)]

    def score(self, answers: Sequence[Answer]) -> Score:
        """The place among the anchors, 0–100, by maximum a posteriori.

        A comparison with one order missing is corrected by the judge's lean and counts half.
        Raises `MissingAnswer` where the picture was compared with no anchor, or where the judge
        prefers worse anchors to better ones.
        """
        pairs = list(zip(answers[::2], answers[1::2], strict=True))
        verdicts = settle([read_pair(*pair) for pair in pairs])
        own = verdicts[: len(LADDER)]
        if not any(verdict.weight for verdict in own):
            raise MissingAnswer(f"the picture was compared with no anchor: {own[0].missing}")
        scale = _scale(verdicts)
        slope, start = np.polyfit(scale.jod[1:], self.known, 1)
        if slope <= 0:
            raise MissingAnswer(
                "the judge prefers worse anchors to better ones, so that it has no scale",
                "Take another method or judge; `snellen audit` shows what this one sees.",
            )
        value, low, high = (
            float(np.clip(start + slope * end[0], 0.0, SCALE))
            for end in (scale.jod, scale.low, scale.high)
        )
        lost = sum(bool(verdict.missing) for verdict in own)
        notes = [verdict.note for verdict in own if verdict.note]
        notes += [f"{lost} of {len(own)} comparisons are missing"] if lost else []
        evidence = [
            _evidence(verdict, pair[0], label, float(at))
            for verdict, pair, label, at in zip(own, pairs, self.labels, self.known, strict=False)
        ]
        return Score(
            value=value,
            low=low,
            high=high,
            spread=float(slope * scale.std[0]),
            evidence=tuple(evidence),
            notes=tuple(notes),
        )


def _known(kind: str, level: int) -> float:
    """What people say of a step, 0–100, from KADID-10k's 1–5."""
    opinion = distortions.opinion(*(kind, level) if kind else _UNTOUCHED)
    assert opinion is not None  # every step of the ladder is KADID-10k's
    return SCALE * (opinion.mean - 1) / 4


def _scale(verdicts: Sequence[Verdict]) -> PairScale:
    """The picture (item 0) and the anchors (1 …) on one scale."""
    first = [*(0 for _ in LADDER), *(one + 1 for one, _ in _THEMSELVES)]
    second = [*range(1, len(LADDER) + 1), *(other + 1 for _, other in _THEMSELVES)]
    weight = np.array([verdict.weight for verdict in verdicts])
    wins = np.array([0.5 if v.missing else v.preference for v in verdicts])
    pairs = collect_counts(np.array(first), np.array(second), weight * wins, weight * (1 - wins))
    if len(pairs.items) <= len(LADDER):
        raise MissingAnswer("an anchor was never compared, so that there is no scale")
    return thurstone(pairs, prior=PRIOR)


def _evidence(verdict: Verdict, forward: Answer, label: str, known: float) -> Evidence:
    p = verdict.preference
    return Evidence(
        label=f"against {label} ({known:.0f})",
        text=QUESTION,
        shown=(PICTURE, label),
        options=OPTIONS,
        probabilities=() if math.isnan(p) else (p, 1 - p),
        mass=forward.mass if verdict.mass is None else verdict.mass,
        weight=verdict.weight / len(LADDER),
        value=None,
        missing=verdict.missing,
    )
