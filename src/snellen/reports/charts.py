"""Charts as SVG text: no drawing library, no script, inks of the page (`page.css`).

Each function returns one `<svg>` that scales with its column, has a title and a description for
those who do not see it, and escapes whatever text it is given.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

Svg = Markup
"""SVG that is safe to place in a page."""

_WIDTH = 640
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 40
_Points = Sequence[tuple[float, float]]


def histogram(
    edges: Sequence[float],
    counts: Sequence[int],
    *,
    title: str,
    x_label: str,
    y_label: str = "pictures",
    colours: Sequence[str] | None = None,
    height: int = 220,
) -> Svg:
    """Counts between edges.

    edges   : (n + 1,) ascending. counts : (n,).
    colours : (n,) `#rrggbb` of each bar; the page's accent without.
    """
    frame = _Frame.around((edges[0], edges[-1]), (0, max([*counts, 1])), height)
    bars = []
    for i, count in enumerate(counts):
        if not count:
            continue
        left, right = frame.x(edges[i]), frame.x(edges[i + 1])
        ink = Markup('fill="{}"').format(colours[i]) if colours else Markup('class="mark-fill"')
        said = f"{_number(edges[i])}–{_number(edges[i + 1])}: {count:,}"
        box = _box(left + 0.5, frame.y(count), max(right - left - 1, 0.5), frame.bottom, ink)
        bars.append(Markup("<g>{}{}</g>").format(_title(said), box))
    body = frame.grid(x_label, y_label) + Markup("").join(bars)
    return _svg(title, f"{sum(counts):,} values in {len(counts)} bars.", height, body)


def bars(labels: Sequence[str], values: Sequence[float], *, title: str, digits: int = 0) -> Svg:
    """One horizontal bar a label, longest = the largest value; the value is written beside it.

    values : (n,) not negative; NaN is written as missing.
    """
    known = [value for value in values if not math.isnan(value)]
    most = max([*known, 0]) or 1.0
    left, line = 150, 22
    rows = []
    for i, (label, value) in enumerate(zip(labels, values, strict=True)):
        y = i * line + 6
        name = _text(left - 8, y + 12, label, "end", "strong")
        if math.isnan(value):
            rows.append(name + _text(left, y + 12, "missing"))
            continue
        length = (_WIDTH - left - 80) * value / most
        bar = _box(left, y, length, y + line - 6, Markup('class="mark-fill"'))
        rows.append(name + bar + _text(left + length + 6, y + 12, f"{value:,.{digits}f}"))
    said = ", ".join(f"{a} {b:,.{digits}f}" for a, b in zip(labels, values, strict=True))
    return _svg(title, said, len(labels) * line + 8, Markup("").join(rows))


def intervals(
    labels: Sequence[str],
    values: Sequence[float],
    bounds: Sequence[tuple[float, float]],
    *,
    title: str,
    x_label: str,
    level: float | None = None,
) -> Svg:
    """One line a label: a dot at the value, a bar over its interval, on one common scale.

    values : (n,) finite. bounds : (n,) low and high of each, finite. level : drawn across all.
    """
    left, line = 190, 22
    drawn = [*values, *([] if level is None else [level])]
    across = _span([end for pair in bounds for end in pair] + drawn)
    height = len(labels) * line + 12 + _BOTTOM
    frame = _Frame.around(across, (0, 1), height, left)
    body = [frame.scale(x_label)]
    if level is not None:
        body.append(_rule(frame.x(level), 4, frame.x(level), len(labels) * line + 8, "guide"))
    for i, (label, value, (low, high)) in enumerate(zip(labels, values, bounds, strict=True)):
        y = i * line + 16.0
        said = f"{label}: {_number(value)}, {_number(low)} to {_number(high)}"
        body.append(_text(left - 8, y + 4, label, "end", "strong"))
        bar = _rule(frame.x(low), y, frame.x(high), y, "interval")
        dot = Markup('<circle class="mark-fill" cx="{:.1f}" cy="{:.1f}" r="4"/>')
        mark = dot.format(frame.x(value), y)
        body.append(Markup("<g>{}{}{}</g>").format(_title(said), bar, mark))
    said = ", ".join(f"{a} {_number(b)}" for a, b in zip(labels, values, strict=True))
    return _svg(title, said, height, Markup("").join(body))


def scatter(
    x: Sequence[float],
    y: Sequence[float],
    *,
    title: str,
    x_label: str,
    y_label: str,
    names: Sequence[str] | None = None,
    identity: bool = False,
    level: float | None = None,
    curve: _Points | None = None,
    height: int = 420,
) -> Svg:
    """Points in a plane; pairs with a NaN are left out and counted in the description.

    names    : (n,) said when a point is pointed at.
    identity : draw y = x. level : draw y = level (0 for residuals).
    curve    : points of a fitted line, ascending in x.
    """
    points = [
        (a, b, names[i] if names else f"{_number(a)}, {_number(b)}")
        for i, (a, b) in enumerate(zip(x, y, strict=True))
        if math.isfinite(a) and math.isfinite(b)
    ]
    across = _span([a for a, _, _ in points] + [a for a, _ in curve or ()])
    up = _span([b for _, b, _ in points] + ([] if level is None else [level]))
    if identity:
        across = up = (min(across[0], up[0]), max(across[1], up[1]))
    frame = _Frame.around(across, up, height)
    body = [frame.grid(x_label, y_label)]
    if identity:
        body.append(frame.line([(across[0], across[0]), (across[1], across[1])], "guide"))
    if level is not None:
        body.append(frame.line([(across[0], level), (across[1], level)], "guide"))
    body += [frame.dot(a, b, name) for a, b, name in points]
    if curve:
        body.append(frame.line(curve, "curve"))
    said = f"{len(points):,} points"
    if left_out := len(x) - len(points):
        said += f", {left_out:,} left out because a value is missing"
    return _svg(title, said + ".", height, Markup("").join(body))


def matrix(
    rows: Sequence[str],
    columns: Sequence[str],
    shades: Sequence[Sequence[float]],
    texts: Sequence[Sequence[str]],
    *,
    title: str,
) -> Svg:
    """A table of cells shaded by strength, each with its text.

    shades : (rows, columns) in [0, 1]; NaN leaves the cell blank. texts : the same shape.
    """
    left, top, line = 150, 26, 30
    width = (_WIDTH - left - 8) / max(len(columns), 1)
    body = [
        _text(left + width * (j + 0.5), top - 8, name, "middle") for j, name in enumerate(columns)
    ]
    for i, name in enumerate(rows):
        y = top + i * line
        body.append(_text(left - 8, y + line / 2 + 4, name, "end", "strong"))
        for j in range(len(columns)):
            shade, x = shades[i][j], left + j * width
            if not math.isnan(shade):
                # Half the ink at most: the text over it keeps its contrast on either paper.
                ink = Markup('class="cell" fill-opacity="{:.3f}"').format(0.5 * shade)
                body.append(_box(x, y, width, y + line, ink))
            body.append(_box(x, y, width, y + line, Markup('class="cell-edge"')))
            body.append(_text(x + width / 2, y + line / 2 + 4, texts[i][j], "middle", "strong"))
    said = "; ".join(
        f"{name}: " + ", ".join(f"{c} {t}" for c, t in zip(columns, line_texts, strict=True))
        for name, line_texts in zip(rows, texts, strict=True)
    )
    return _svg(title, said, top + len(rows) * line + 6, Markup("").join(body))


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers in [low, high], 1, 2 or 5 × 10ⁿ apart: at most `most` + 1 of them, and at least
    two where `most` is 5 or more."""
    if not high > low:
        return [low]
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


@dataclass(frozen=True)
class _Frame:
    """The plane of a chart: data to pixels, and its axes."""

    across: tuple[float, float]
    up: tuple[float, float]
    height: int
    left: int = _LEFT

    @classmethod
    def around(
        cls, across: tuple[float, float], up: tuple[float, float], height: int, left: int = _LEFT
    ) -> _Frame:
        return cls(_opened(across), _opened(up), height, left)

    @property
    def bottom(self) -> float:
        return self.height - _BOTTOM

    def x(self, value: float) -> float:
        low, high = self.across
        return self.left + (value - low) / (high - low) * (_WIDTH - self.left - _RIGHT)

    def y(self, value: float) -> float:
        low, high = self.up
        return self.bottom - (value - low) / (high - low) * (self.bottom - _TOP)

    def grid(self, x_label: str, y_label: str) -> Markup:
        parts = []
        for value in ticks(*self.up, most=5):
            y = self.y(value)
            parts.append(_rule(_LEFT, y, _WIDTH - _RIGHT, y, "rule"))
            parts.append(_text(_LEFT - 6, y + 4, _number(value), "end"))
        parts.append(self.scale(x_label))
        turned = Markup('<g transform="rotate(-90 12 {0:.1f})">{1}</g>')
        y = (self.bottom + _TOP) / 2
        parts.append(turned.format(y, _text(12, y, y_label, "middle")))
        return Markup("").join(parts)

    def scale(self, x_label: str) -> Markup:
        """The horizontal axis."""
        parts = []
        for value in ticks(*self.across, most=10):
            x = self.x(value)
            parts.append(_rule(x, self.bottom, x, self.bottom + 4, "axis"))
            parts.append(_text(x, self.bottom + 16, _number(value), "middle"))
        parts.append(_rule(self.left, self.bottom, _WIDTH - _RIGHT, self.bottom, "axis"))
        middle = (self.left + _WIDTH - _RIGHT) / 2
        parts.append(_text(middle, self.height - 6, x_label, "middle"))
        return Markup("").join(parts)

    def line(self, points: _Points, kind: str) -> Markup:
        path = " ".join(f"{self.x(a):.1f},{self.y(b):.1f}" for a, b in points)
        return Markup('<polyline class="{}" points="{}"/>').format(kind, path)

    def dot(self, a: float, b: float, name: str) -> Markup:
        circle = Markup('<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="3">{}</circle>')
        return circle.format(self.x(a), self.y(b), _title(name))


def _opened(pair: tuple[float, float]) -> tuple[float, float]:
    """`pair`, or a range of width 1 around it where both ends are the same."""
    low, high = pair
    return pair if high > low else (low - 0.5, low + 0.5)


def _span(values: Sequence[float]) -> tuple[float, float]:
    """The range of `values` with a little room around it."""
    if not values:
        return (0.0, 1.0)
    low, high = min(values), max(values)
    room = (high - low) * 0.03
    return (low - room, high + room)


def _svg(title: str, description: str, height: float, body: Markup) -> Svg:
    # The id ties title and description to the picture; made from what is said, it is the same in
    # every run and different for every chart of a page.
    key = "c" + hashlib.sha256(f"{title}\0{description}".encode("utf-8", "replace")).hexdigest()[:8]
    frame = Markup(
        '<svg class="chart" viewBox="0 0 {width} {height}" role="img" '
        'aria-labelledby="{key}t {key}d"><title id="{key}t">{title}</title>'
        '<desc id="{key}d">{description}</desc>{body}</svg>'
    )
    return frame.format(
        width=_WIDTH, height=height, key=key, title=title, description=description, body=body
    )


def _title(text: str) -> Markup:
    return Markup("<title>{}</title>").format(text)


def _text(x: float, y: float, text: str, anchor: str = "start", kind: str = "") -> Markup:
    extra = Markup(' class="{}"').format(kind) if kind else Markup("")
    whole = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}"{}>{}</text>')
    return whole.format(x, y, anchor, extra, escape(text))


def _box(x: float, y: float, width: float, bottom: float, ink: Markup) -> Markup:
    shape = Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" {}/>')
    return shape.format(x, y, width, bottom - y, ink)


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> Markup:
    shape = Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>')
    return shape.format(x1, y1, x2, y2, kind)


def _number(value: float) -> str:
    """Short and plain: no trailing zeros, thousands apart, no minus zero."""
    text = f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    return "0" if text == "-0" else text.replace("-", "−")
