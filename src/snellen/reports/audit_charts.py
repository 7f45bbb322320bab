"""Small charts of the audit's page: an interval bar and a spark in a table's cell, ladders."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup, escape

from snellen.audit.rates import Rate
from snellen.reports.charts import Svg

_CELL_WIDTH, _CELL_HEIGHT = 150, 26
_WIDTH, _HEIGHT = 320, 190
_LEFT, _RIGHT, _TOP, _BOTTOM = 30, 112, 22, 24
_LINE = 12  # pixels between two names


def interval_bar(rate: Rate, title: str) -> Svg:
    """A figure in [−1, 1] on a line from −¼ to 1, with its interval and a mark at 0."""
    if not rate.n or math.isnan(rate.value):
        return Markup("")

    def x(value: float) -> float:
        return 4 + (max(value, -0.25) + 0.25) / 1.25 * (_CELL_WIDTH - 8)

    low, high = (rate.value, rate.value) if math.isnan(rate.low) else (rate.low, rate.high)
    middle = _CELL_HEIGHT / 2
    body = Markup(
        '<line class="rule" x1="4" x2="{w}" y1="{m}" y2="{m}"/>'
        '<line class="axis" x1="{z:.1f}" x2="{z:.1f}" y1="5" y2="{b}"/>'
        '<line class="interval" x1="{l:.1f}" x2="{h:.1f}" y1="{m}" y2="{m}"/>'
        '<circle class="mark-fill" cx="{v:.1f}" cy="{m}" r="4"/>'
    ).format(
        w=_CELL_WIDTH - 4, m=middle, z=x(0), b=_CELL_HEIGHT - 5,
        l=x(low), h=x(high), v=x(rate.value),
    )  # fmt: skip
    said = f"{rate.value:.2f}, interval {low:.2f} to {high:.2f}"
    return _svg(_CELL_WIDTH, _CELL_HEIGHT, f"{title}: {said}", body, "cell-chart")


def spark(scores: Sequence[float], title: str) -> Svg:
    """Scores 0–100 at places 0, 1, … as a line with dots; missing ones are left out."""
    points = [(place, score) for place, score in enumerate(scores) if not math.isnan(score)]
    if len(points) < 2:
        return Markup("")

    def at(place: int, score: float) -> tuple[float, float]:
        across = 6 + place / max(len(scores) - 1, 1) * (_CELL_WIDTH - 12)
        return across, 3 + (100 - score) / 100 * (_CELL_HEIGHT - 6)

    places = [at(*point) for point in points]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = Markup("").join(
        Markup('<circle class="mark-fill" cx="{:.1f}" cy="{:.1f}" r="2"/>').format(x, y)
        for x, y in places
    )
    body = Markup('<polyline class="ladder" points="{}"/>{}').format(line, dots)
    said = ", ".join(f"{score:.0f}" for _, score in points)
    return _svg(_CELL_WIDTH, _CELL_HEIGHT, f"{title}: {said}", body, "cell-chart")


def ladder_lines(family: str, lines: Sequence[tuple[str, Sequence[float]]]) -> Svg:
    """The mean score at each step, one line a type, its name at its end.

    lines : (type, scores by place), NaN where a type has no such place.
    """
    steps = max((len(scores) for _, scores in lines), default=2) - 1

    def x(place: float) -> float:
        return _LEFT + place / max(steps, 1) * (_WIDTH - _LEFT - _RIGHT)

    def y(score: float) -> float:
        return _TOP + (100 - score) / 100 * (_HEIGHT - _TOP - _BOTTOM)

    body = [Markup('<text class="strong" x="{}" y="13">{}</text>').format(_LEFT, family)]
    scale = Markup(
        '<line class="rule" x1="{}" x2="{:.1f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        '<text x="{}" y="{:.1f}" text-anchor="end">{}</text>'
    )
    body += [
        scale.format(_LEFT, x(steps), _LEFT - 5, y(score) + 4, score, y=y(score))
        for score in (0, 50, 100)
    ]
    for place in range(steps + 1):
        mark = Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>')
        body.append(mark.format(x(place), _HEIGHT - 8, place))
    ends: list[tuple[float, float, str]] = []
    for name, scores in lines:
        points = [(x(p), y(s)) for p, s in enumerate(scores) if not math.isnan(s)]
        if not points:
            continue
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
        body.append(Markup('<polyline class="ladder" points="{}"/>').format(path))
        body += [
            Markup('<circle class="mark-fill" cx="{:.1f}" cy="{:.1f}" r="2.5"/>').format(a, b)
            for a, b in points
        ]
        ends.append((*points[-1], name))
    body += _names(ends, x(steps))
    said = "; ".join(
        f"{name}: " + ", ".join("–" if math.isnan(s) else f"{s:.0f}" for s in scores)
        for name, scores in lines
    )
    return _svg(_WIDTH, _HEIGHT, f"{family}: mean score by step. {said}", Markup("").join(body))


def _names(ends: Sequence[tuple[float, float, str]], right: float) -> list[Markup]:
    """The names beside the ends of their lines, moved apart where they would overlap."""
    placed: list[Markup] = []
    ordered = sorted(ends, key=lambda end: end[1])
    heights: list[float] = []
    for _, y, _ in ordered:
        heights.append(max(y, heights[-1] + _LINE) if heights else y)
    over = max(heights[-1] - (_HEIGHT - _BOTTOM), 0.0) if heights else 0.0
    for (x, y, name), height in zip(ordered, heights, strict=True):
        at = height - over
        placed.append(
            Markup(
                '<line class="rule" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'
                '<text class="strong" x="{:.1f}" y="{:.1f}">{}</text>'
            ).format(x + 3, y, right + 8, at, right + 10, at + 4, name)
        )
    return placed


def _svg(width: int, height: int, title: str, body: Markup, kind: str = "chart") -> Svg:
    frame = Markup('<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return frame.format(kind, width, height, escape(title), body)
