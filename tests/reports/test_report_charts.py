"""Charts: well-formed, true to their numbers, readable without eyes."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.reports import charts

NASTY = "<script>alert('x')</script> & \"quotes\""
FINITE = st.floats(-1e6, 1e6)


def parsed(svg: charts.Svg) -> ElementTree.Element:
    root = ElementTree.fromstring(svg)
    assert root.tag == "svg"
    assert root.get("role") == "img"
    ids = (root.get("aria-labelledby") or "").split()
    assert [element.get("id") for element in root[:2]] == ids
    return root


def texts(root: ElementTree.Element) -> list[str]:
    return [element.text or "" for element in root.iter("text")]


def of_class(root: ElementTree.Element, tag: str, kind: str) -> list[ElementTree.Element]:
    return [element for element in root.iter(tag) if element.get("class") == kind]


def test_bars_of_a_histogram_stand_as_high_as_their_counts() -> None:
    root = parsed(charts.histogram([0, 1, 2, 3], [4, 0, 8], title="t", x_label="x"))
    low, high = of_class(root, "rect", "mark-fill")
    assert float(high.get("height", 0)) == pytest.approx(2 * float(low.get("height", 0)), abs=0.2)
    assert [element.text for element in root.iter("title")][1:] == ["0–1: 4", "2–3: 8"]


def test_histogram_takes_colours_and_says_how_many_values() -> None:
    root = parsed(
        charts.histogram([0, 1, 2], [1, 2], title="t", x_label="x", colours=["#112233", "#445566"])
    )
    assert [r.get("fill") for r in root.iter("rect")] == ["#112233", "#445566"]
    assert root[1].text == "3 values in 2 bars."


def test_empty_histogram_is_a_chart_still() -> None:
    root = parsed(charts.histogram([0, 50, 100], [0, 0], title="t", x_label="x"))
    assert not list(root.iter("rect"))


def test_bars_write_their_values_and_name_what_is_missing() -> None:
    root = parsed(charts.bars(["a", "b", "c"], [10, math.nan, 5], title="t", digits=1))
    assert {"10.0", "missing", "5.0"} <= set(texts(root))
    long, short = (float(r.get("width", 0)) for r in of_class(root, "rect", "mark-fill"))
    assert long == pytest.approx(2 * short, abs=0.2)


def test_scatter_counts_what_it_leaves_out() -> None:
    root = parsed(
        charts.scatter([1, 2, math.nan], [1, math.inf, 2], title="t", x_label="x", y_label="y")
    )
    assert len(list(root.iter("circle"))) == 1
    assert root[1].text == "1 points, 2 left out because a value is missing."


def test_scatter_draws_higher_values_higher_and_further_right() -> None:
    root = parsed(charts.scatter([1, 3], [10, 30], title="t", x_label="x", y_label="y"))
    (x1, y1), (x2, y2) = (
        (float(c.get("cx", 0)), float(c.get("cy", 0))) for c in root.iter("circle")
    )
    assert x2 > x1
    assert y2 < y1


def test_identity_level_and_curve_are_lines() -> None:
    root = parsed(
        charts.scatter(
            [0, 10],
            [0, 10],
            title="t",
            x_label="x",
            y_label="y",
            identity=True,
            level=0,
            curve=[(0, 0), (5, 6), (10, 10)],
        )
    )
    assert len(of_class(root, "polyline", "guide")) == 2
    (curve,) = of_class(root, "polyline", "curve")
    assert len((curve.get("points") or "").split()) == 3


@settings(deadline=None)
@given(st.lists(st.tuples(FINITE, FINITE), max_size=20))
def test_points_lie_inside_the_picture(points: list[tuple[float, float]]) -> None:
    x, y = [a for a, _ in points], [b for _, b in points]
    root = parsed(charts.scatter(x, y, title="t", x_label="x", y_label="y"))
    _, _, width, height = map(float, (root.get("viewBox") or "").split())
    for circle in root.iter("circle"):
        assert 0 <= float(circle.get("cx", -1)) <= width
        assert 0 <= float(circle.get("cy", -1)) <= height


def test_matrix_has_a_text_a_cell_and_blank_where_nothing_is() -> None:
    root = parsed(
        charts.matrix(
            ["a", "b"],
            ["c", "d"],
            [[0.0, 1.0], [math.nan, 0.5]],
            [["1", "2"], ["–", "4"]],
            title="t",
        )
    )
    shades = [r.get("fill-opacity") for r in of_class(root, "rect", "cell")]
    assert shades == ["0.000", "0.500", "0.250"]
    assert {"a", "b", "c", "d", "1", "2", "–", "4"} <= set(texts(root))
    assert root[1].text == "a: c 1, d 2; b: c –, d 4"


def test_text_is_only_ever_text() -> None:
    drawn = [
        charts.histogram([0, 1], [1], title=NASTY, x_label=NASTY),
        charts.bars([NASTY], [1], title=NASTY),
        charts.scatter([1], [1], title=NASTY, x_label=NASTY, y_label=NASTY, names=[NASTY]),
        charts.matrix([NASTY], [NASTY], [[1]], [[NASTY]], title=NASTY),
    ]
    for svg in drawn:
        assert "<script" not in svg
        assert parsed(svg)[0].text == NASTY


def test_two_charts_of_a_page_do_not_share_ids() -> None:
    one = charts.bars(["a"], [1], title="one")
    two = charts.bars(["a"], [2], title="one")
    assert parsed(one)[0].get("id") != parsed(two)[0].get("id")


@settings(deadline=None)
@given(st.tuples(FINITE, FINITE).filter(lambda p: p[1] - p[0] > 1e-3), st.integers(5, 12))
def test_ticks_are_round_even_and_inside(span: tuple[float, float], most: int) -> None:
    low, high = span
    found = charts.ticks(low, high, most)
    assert 2 <= len(found) <= most + 1
    gaps = [b - a for a, b in pairwise(found)]
    room = 1e-6 * max(abs(low), abs(high), 1)
    assert all(low - room <= value <= high + room for value in found)
    assert all(gap == pytest.approx(gaps[0], rel=1e-6) for gap in gaps)


def test_ticks_of_a_score_axis() -> None:
    assert charts.ticks(0, 100, 5) == [0, 20, 40, 60, 80, 100]
    assert charts.ticks(3, 3) == [3]


def test_a_level_is_drawn_across_intervals_and_lies_on_the_scale() -> None:
    bounds = [(0.4, 0.6), (0.5, 0.7)]

    def drawn(level: float | None) -> ElementTree.Element:
        return parsed(
            charts.intervals(["a", "b"], [0.5, 0.6], bounds, title="t", x_label="x", level=level)
        )

    assert not of_class(drawn(None), "line", "guide")
    root = drawn(0.125)
    [line] = of_class(root, "line", "guide")
    assert line.get("x1") == line.get("x2")
    dots = [float(dot.get("cx", 0)) for dot in of_class(root, "circle", "mark-fill")]
    at = float(line.get("x1", 0))
    assert at < min(dots)
    assert (dots[0] - at) / (dots[1] - dots[0]) == pytest.approx(3.75, abs=0.05)
