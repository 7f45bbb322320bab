"""The page of `snellen calibrate`: what the ratings are worth, and what more of them would add."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from snellen.reports import charts
from snellen.reports.shell import printable, write_page
from snellen.students.calibrating import Calibrated
from snellen.students.calibration import Checked
from snellen.wording import compact, counted, number, span

_FURTHEST = 12


def write_calibrate_page(path: Path, done: Calibrated, source: str) -> Path:
    """Write the page of one calibration and return its path; `source` names the ratings."""
    share, low, high = done.checked.coverage
    rows = _rows("other folds", done.checked, done.unit)
    if done.held_out is not None:
        rows += _rows(f"{len(done.held_out.predicted)} kept apart", done.held_out, done.unit)
    return write_page(
        path,
        "calibrate.html",
        title=f"{done.student.name} calibrated on {source}",
        styles=("agreement.css",),
        facts=_facts(done, source),
        notes=[printable(note) for note in done.notes],
        rows=rows,
        curve=_curve(done),
        draws=0 if done.curve is None else done.curve.draws,
        gain=_gain(done),
        scatter=charts.scatter(
            done.predicted.tolist(), done.opinions.tolist(), title="Ratings over scores",
            x_label="calibrated score", y_label="rating, points of 0–100",
            names=_short(done.image), identity=True,
        ),
        half=compact(done.calibration.half, 3),
        how=done.calibration.how,
        covered=f"{share:.1%} [{low:.1%}, {high:.1%}]",
        furthest=_furthest(done),
    )  # fmt: skip


def _facts(done: Calibrated, source: str) -> list[tuple[str, str]]:
    card = done.student.card
    calibration = card["calibration"]
    teacher = card.get("teacher")
    scale = calibration["scale"]
    return [
        ("student", printable(f"{card['name']}, body {card['body']}")),
        ("teacher", printable(teacher["judge"]) if teacher else "none: the built-in scorer"),
        ("ratings", printable(f"{source}: {counted(len(done.opinions), 'image')}")),
        ("scale", "none: pairs" if scale is None else f"{scale[0]:g} to {scale[1]:g}"),
    ]


def _rows(judged: str, checked: Checked, unit: float) -> list[tuple[str, str, list[Any]]]:
    def cells(figures: Any) -> list[tuple[str, str]]:
        units = (1.0, 1.0, unit)
        return [
            (number(f.value / u), span(f.low / u, f.high / u))
            for f, u in zip(figures, units, strict=True)
        ]

    return [
        (judged, "distilled", cells(checked.before)),
        ("", "calibrated", cells((checked.srcc, checked.plcc, checked.rmse))),
    ]


def _curve(done: Calibrated) -> charts.Svg | str:
    if done.curve is None or not done.curve.points:
        return ""
    points = done.curve.points
    return charts.intervals(
        [counted(point.n, "rating") for point in points],
        [point.srcc[0] for point in points],
        [point.srcc[1:] for point in points],
        title="SRCC by number of ratings",
        x_label="SRCC on the other ratings",
    )


def _gain(done: Calibrated) -> str:
    if done.curve is None or done.curve.gain is None:
        return ""
    gain, low, high = done.curve.gain
    return f"{number(gain)} ({span(low, high)})"


def _furthest(done: Calibrated) -> list[tuple[str, str, str]]:
    names = _short(done.image)
    order = np.argsort(-np.abs(done.predicted - done.opinions))[:_FURTHEST]
    return [
        (names[row], number(float(done.predicted[row]), 1), number(float(done.opinions[row]), 1))
        for row in order
    ]


def _short(names: list[str]) -> list[str]:
    """Names without the folder that all lie in."""
    folder = os.path.commonpath([os.path.dirname(name) for name in names])
    return [printable(name[len(folder) :].lstrip(os.sep) or name) for name in names]
