"""The work of `snellen calibrate`: from ratings and pictures to a calibrated student.

ratings = read_opinions("ratings.csv")
done = calibrate(open_student("student"), ratings, Path("photos"))
done.student.save(Path("student-calibrated"))
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from snellen.data import join_by_image
from snellen.errors import ConstantValues, DataError, InputError, TooFewRatings
from snellen.stats import srcc
from snellen.stats.arrays import Floats, Ints
from snellen.students.calibration import (
    COVERAGE,
    Calibration,
    Checked,
    Curve,
    cross_check,
    fit_calibration,
    learning_curve,
)
from snellen.students.features import Looked, Told, found_images, look_at
from snellen.students.model import StudentModel
from snellen.students.opinion import FEWEST
from snellen.students.ratings import Opinions
from snellen.wording import counted

_SHOWN = 3
_ALIKE = 1e-6  # points: scores no further apart are one score
_REFERENCES = 3  # independent groups, under which no figure has an interval
_CALIBRATED = "-calibrated"  # of the student's name


@dataclass(frozen=True)
class Calibrated:
    """What `calibrate` made.

    student     : with people's opinion in it; the one given is left as it was.
    calibration : the fit. checked : its figures on images it has not seen, units of the ratings.
    curve       : figures against ratings learned from; None where it was not asked for.
    image       : (n,) rated images used. opinions, predicted : (n,) units of the ratings.
    held_out    : with a budget, the figures on all ratings beyond it; None otherwise.
    unit        : points of 0–100 in one unit of the ratings' scale.
    notes       : everything assumed, left out or worth knowing.
    """

    student: StudentModel
    calibration: Calibration
    checked: Checked
    curve: Curve | None
    image: list[str]
    opinions: Floats
    predicted: Floats
    held_out: Checked | None
    unit: float
    notes: tuple[str, ...]


def calibrate(
    student: StudentModel,
    ratings: Opinions,
    folder: Path,
    *,
    search: bool = False,
    budget: int | None = None,
    trusted: bool = False,
    curve: bool = True,
    cache: Path | None = None,
    told: Told = lambda done, total: None,
) -> Calibrated:
    """Re-learn the head of `student` from what people said of some pictures.

    folder  : that the ratings' image names are relative to; with `search`, a folder that holds
              the pictures somewhere: they are matched by the ends of their paths.
    budget  : learn from so many ratings only, and judge by the others; all without.
    trusted : the user has said which way the ratings run, so that they may contradict the student.
    curve   : draw the learning curve as well.
    Raises `TooFewRatings` under 10 usable ratings or 3 references, `ConstantValues` for a student
    that scores them all alike, `InputError` for ratings that fall as the student's scores rise
    (unless `trusted`), `DataError` where no rated image is found.
    """
    notes = list(ratings.notes)
    looked, row = _pictures(student, ratings, folder, search, cache, told, notes)
    mos = ratings.mos[row]
    shared = ratings.reference and [ratings.reference[at] for at in row]
    names = [str(path) for path in looked.paths]
    _check_student(student, looked.scores, mos, trusted, notes)
    points, low, unit = _points(mos, ratings.scale, looked.scores)
    learned, rest = _within(budget, looked.hashes)
    s, z = looked.scores, looked.features
    clusters = shared and [shared[at] for at in learned]
    _check_references(clusters)
    fitted = fit_calibration(s[learned], z[learned], points[learned], clusters)
    checked = cross_check(s[learned], z[learned], points[learned], clusters)
    held_out = None
    if rest.size >= FEWEST:
        said = fitted.opinion(s[rest], z[rest])
        held_out = _on_rest(said, s[rest], points[rest], fitted.half)
    drawn = learning_curve(s[learned], z[learned], points[learned], clusters) if curve else None
    card = _card(student, ratings, fitted, checked, unit, low)
    name = f"{student.name.removesuffix(_CALIBRATED)}{_CALIBRATED}"
    about = {**student.card, "name": name, "calibration": card}
    made = replace(student, card=about, opinion=fitted.opinion)
    return Calibrated(
        student=made, calibration=fitted, checked=checked, curve=drawn,
        image=[names[row] for row in learned],
        opinions=points[learned], predicted=checked.predicted, held_out=held_out, unit=unit,
        notes=tuple(notes),
    )  # fmt: skip


def figures_of(done: Calibrated) -> dict[str, Any]:
    """All figures as plain values; RMSE in units of the ratings, the interval in points."""
    return {
        "calibration": done.student.card["calibration"],
        "n": len(done.opinions),
        "cross_validated": _plain(done.checked, done.unit),
        "held_out": done.held_out and _plain(done.held_out, done.unit),
        "learning_curve": [
            {
                "n": point.n, "srcc": point.srcc, "plcc": point.plcc,
                "rmse": [value / done.unit for value in point.rmse],
            }
            for point in (done.curve.points if done.curve else ())
        ],
        "gain_of_doubling": done.curve and done.curve.gain,
        "notes": list(done.notes),
    }  # fmt: skip


def _plain(checked: Checked, unit: float) -> dict[str, Any]:
    def three(figures: Sequence[Any]) -> dict[str, list[float]]:
        rank, straight, error = figures
        rows = {"srcc": _figure(rank), "plcc": _figure(straight)}
        return {**rows, "rmse": [value / unit for value in _figure(error)]}

    return {
        "n": len(checked.predicted),
        "distilled": three(checked.before),
        "calibrated": three((checked.srcc, checked.plcc, checked.rmse)),
        "coverage": list(checked.coverage),
    }


def _check_student(
    student: StudentModel, scores: Floats, mos: Floats, trusted: bool, notes: list[str]
) -> None:
    """Raise for a student without a ranking, and for ratings that run against it (or note it)."""
    if np.ptp(scores) < _ALIKE:
        raise ConstantValues(
            f"{student.name} gives all {len(scores)} rated images the same score,"
            f" {scores[0]:.1f}: it has no ranking to calibrate",
            "Distil it again from labels that differ, or calibrate built-in.",
        )
    rank = srcc(scores, mos)
    if not rank.reversed:
        return
    against = (
        f"the ratings fall where the student's scores rise (SRCC {rank.value:.2f}, 95 % interval"
        f" {rank.low:.2f} to {rank.high:.2f})"
    )
    if not trusted:
        raise InputError(
            f"{against}: their scale may be reversed",
            "Say --lower-is-better if small numbers are the good ones, --higher-is-better if they"
            " are not and people really disagree.",
        )
    notes.append(f"Taken as they are, since you said which end is better: {against}.")


def _check_references(clusters: Sequence[str] | None) -> None:
    if clusters is not None and len(set(clusters)) < _REFERENCES:
        raise TooFewRatings(
            f"the {len(clusters)} rated images are made from"
            f" {counted(len(set(clusters)), 'reference')}, and calibration needs {_REFERENCES}",
            "Rate images of more references; without the column `reference` they count as"
            " independent.",
        )


def _pictures(
    student: StudentModel,
    ratings: Opinions,
    folder: Path,
    search: bool,
    cache: Path | None,
    told: Told,
    notes: list[str],
) -> tuple[Looked, Ints]:
    """The rated pictures that can be read, and which row of the ratings each is."""
    if search:
        there = found_images([folder])
        join = join_by_image(
            [str(path) for path in there], ratings.image, ("the pictures", "the ratings")
        )
        pairs = {there[a]: b for a, b in zip(join.left, join.right, strict=True)}
        unknown = join.only_right
    else:
        pairs, unknown = {}, []
        for row, name in enumerate(ratings.image):
            path = folder / name
            if path.is_file():
                pairs[path] = row
            else:
                unknown.append(name)
    if not pairs:
        raise DataError(
            f"none of the {len(ratings)} rated images is in {folder}: the first is"
            f" {ratings.image[0]!r}",
            "Name the folder that holds them with --images.",
        )
    left_out = []
    if unknown:
        left_out.append(
            f"{counted(len(unknown), 'rated image')} not found and left out: {_listed(unknown)}."
        )
    looked = look_at(student, list(pairs), cache=cache, told=told)
    if looked.missing:
        reasons = [str(reason) for reason in looked.missing.values()]
        left_out.append(
            f"{counted(len(reasons), 'rated image')} cannot be read: {_listed(reasons)}."
        )
    if looked.again:
        again = [path.name for path in looked.again]
        left_out.append(
            f"{counted(len(again), 'rated image')} with the same content as another left out:"
            f" {_listed(again)}."
        )
    if len(looked) < FEWEST:
        raise TooFewRatings(
            f"{len(looked)} of {len(ratings)} rated images can be used, and calibration needs"
            f" {FEWEST}",
            " ".join([*left_out, "Rate more images."]),
        )
    notes += left_out
    return looked, np.array([pairs[path] for path in looked.paths], np.intp)


def _points(
    mos: Floats, scale: tuple[float, float] | None, scores: Floats
) -> tuple[Floats, float, float]:
    """Ratings in points of 0–100, the rating at 0 points, and points in one unit of the ratings.

    Pairs have no scale: they take mean and spread of the student's own scores of the same images.
    """
    if scale is not None:
        unit = 100 / (scale[1] - scale[0])
        return (mos - scale[0]) * unit, scale[0], unit
    unit = float(scores.std() / mos.std())
    return scores.mean() + (mos - mos.mean()) * unit, float(mos.mean() - scores.mean() / unit), unit


def _within(budget: int | None, hashes: Sequence[str]) -> tuple[Ints, Ints]:
    """Rows learned from and rows left to judge by: those whose content hash comes first."""
    n = len(hashes)
    if budget is None or budget >= n:
        return np.arange(n), np.arange(0)
    if budget < FEWEST:
        raise TooFewRatings(
            f"a budget of {budget} ratings is too small to calibrate with",
            f"Give at least {FEWEST}.",
        )
    order = np.argsort(np.array(hashes))
    return np.sort(order[:budget]), np.sort(order[budget:])


def _on_rest(said: Floats, scores: Floats, points: Floats, half: float) -> Checked:
    """Figures on ratings that were kept apart; before is the distilled score as it is."""
    from snellen.stats import plcc, rmse
    from snellen.stats.conformal import covered

    return Checked(
        said, srcc(said, points), plcc(said, points), rmse(said, points, mapping=None),
        (srcc(scores, points), plcc(scores, points), rmse(scores, points, mapping=None)),
        covered(said - half, said + half, points),
    )  # fmt: skip


def _card(
    student: StudentModel,
    ratings: Opinions,
    fitted: Calibration,
    checked: Checked,
    unit: float,
    low: float,
) -> dict[str, Any]:
    """What the student's card says of its calibration."""
    share, share_low, share_high = checked.coverage
    return {
        "kind": ratings.kind,
        "n": fitted.n,
        "answers": ratings.answers,
        "raters": ratings.raters,
        "scale": ratings.scale and list(ratings.scale),
        "rating_at_0": low,
        "points_per_unit": unit,
        "interval": {
            "method": fitted.how,
            "nominal": COVERAGE,
            "half_width": fitted.half,
            "covered": round(share, 4),
            "covered_interval": [round(share_low, 4), round(share_high, 4)],
        },
        "srcc": _figure(checked.srcc),
        "plcc": _figure(checked.plcc),
        "rmse": _figure(checked.rmse),
        "srcc_before": _figure(checked.before[0]),
    }


def _figure(estimate: Any) -> list[float]:
    return [round(float(value), 4) for value in (estimate.value, estimate.low, estimate.high)]


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + " …" * (len(names) > _SHOWN)
