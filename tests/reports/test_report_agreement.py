"""The pages of evaluate and compare: true to their results, safe, and whole at every width."""

from __future__ import annotations

import html
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, Page, chromium

from snellen.compare import Ranking, compare
from snellen.data.dataset import Dataset, Scale, make
from snellen.evaluate import Evaluation, evaluate
from snellen.matched import Scores, match
from snellen.reports import agreement, charts
from snellen.reports.compare_page import write_compare_page
from snellen.reports.evaluate_page import write_evaluate_page

NASTY = "<script>alert(1)</script>\u202e&\"'"
N = 90


def ratings() -> Dataset:
    random = np.random.default_rng(5)
    return make(
        "made", Path("."), Scale(1, 5), [f"{NASTY} {place}.png" for place in range(N)],
        random.uniform(1, 5, N), std=np.full(N, 0.7), votes=np.full(N, 20.0),
        reference=[f"ref{place % 15}" for place in range(N)],
        distortion=["blur", f"noise {NASTY}", "rare"][:2] * (N // 2 - 1) + ["rare", "rare"],
    )  # fmt: skip


def scorer(name: str, noise: float) -> Scores:
    data = ratings()
    values = data.mos + np.random.default_rng(len(name)).normal(0, noise, N)
    return Scores(name, data.image, values, f"{name}.csv")


@pytest.fixture(scope="module")
def alone() -> Evaluation:
    return evaluate(match(ratings(), [scorer(f"one {NASTY}", 0.4)]), resamples=200)


@pytest.fixture(scope="module")
def several() -> Ranking:
    scorers = [scorer("a", 0.3), scorer(f"bb {NASTY}", 0.9), scorer("a-rather-long-name" * 3, 2)]
    return compare(match(ratings(), scorers), resamples=200)


@pytest.fixture(scope="module")
def pages(
    tmp_path_factory: pytest.TempPathFactory, alone: Evaluation, several: Ranking
) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pages")
    return (
        write_evaluate_page(folder / "evaluate.html", alone),
        write_compare_page(folder / "compare.html", several),
    )


def test_pages_ask_nothing_of_the_network_and_run_nothing(pages: tuple[Path, Path]) -> None:
    for page in pages:
        text = page.read_text()
        assert "default-src 'none'" in html.unescape(text)
        assert "<script" not in text.replace("&lt;script", "")
        assert not re.search(r"(src|href)=.?https?:", text)
        assert not re.search(r"<[^>]* style=", text)


def test_names_are_shown_and_never_obeyed(pages: tuple[Path, Path]) -> None:
    for page in pages:
        text = page.read_text()
        assert "&lt;script&gt;alert(1)" in text
        assert "\u202e" not in text
        assert "\\u202e" in text


def test_every_figure_is_on_the_page(pages: tuple[Path, Path], alone: Evaluation) -> None:
    text = pages[0].read_text()
    for row in agreement.rows_of(alone):
        assert f'<td class="number">{row.value}</td>' in text
        assert row.interval in text
    assert text.count('class="flattering"') == 4
    assert "2 images have both" in text  # why the rare distortion has no figure


def test_the_matrix_is_the_tests(pages: tuple[Path, Path], several: Ranking) -> None:
    text = pages[1].read_text()
    first = text[text.index("Row less column: SRCC") :]
    first = first[: first.index("</section>")]
    better = int(several.srcc.better.sum())
    assert better > 0
    assert first.count('<td class="better">') == better == first.count('<td class="worse">')
    assert first.count('<td class="itself">') == 3
    for needed in {cell for row in several.needed for cell in row if cell is not None}:
        assert f"{needed:,} images" in first


def test_all_points_are_drawn_until_there_are_too_many(alone: Evaluation) -> None:
    dots = list(ElementTree.fromstring(agreement.scatter(alone)).iter("circle"))
    assert len(dots) == N
    many = 10_000
    random = np.random.default_rng(0)
    mos = random.uniform(1, 5, many)
    data = make("many", Path("."), Scale(1, 5), [f"{place}.png" for place in range(many)], mos)
    values = mos + random.normal(0, 0.5, many)
    found = evaluate(match(data, [Scores("s", data.image, values, "s.csv")]), resamples=100)
    dots = list(ElementTree.fromstring(agreement.residuals(found)).iter("circle"))
    assert len(dots) + agreement.undrawn(found) == many
    named = {dot[0].text for dot in dots}
    assert {found.image[row] for row in found.furthest(100)} <= named


def test_intervals_stand_on_one_scale() -> None:
    values, bounds = [0.2, 0.9, -0.1], [(0.1, 0.4), (0.8, 0.95), (-0.3, 0.1)]
    svg = charts.intervals(["a", "b", "c"], values, bounds, title="t", x_label="x")
    root = ElementTree.fromstring(svg)
    dots = [float(dot.get("cx", "")) for dot in root.iter("circle")]
    bars = [line for line in root.iter("line") if line.get("class") == "interval"]
    at = dict(zip(values, dots, strict=True))
    scale = (at[0.9] - at[-0.1]) / 1.0
    assert at[0.2] == pytest.approx(at[-0.1] + 0.3 * scale, abs=0.2)
    for bar, value, (low, high) in zip(bars, values, bounds, strict=True):
        assert float(bar.get("x1", "")) == pytest.approx(at[value] + (low - value) * scale, abs=0.2)
        assert float(bar.get("x2", "")) == pytest.approx(
            at[value] + (high - value) * scale, abs=0.2
        )


def test_missing_figures_carry_their_reason(tmp_path: Path) -> None:
    data = make("few", Path("."), Scale(1, 5), list("abcd"), [1, 2, 3, 5])
    found = evaluate(match(data, [Scores("s", list("abcd"), np.array([1.0, 3, 2, 4]), "s.csv")]))
    text = write_evaluate_page(tmp_path / "few.html", found).read_text()
    assert "Missing:" in text
    assert "spread and number of votes" in text
    assert "No map could be fitted" in text
    assert "NaN" not in text
    assert "nan" not in text.replace("meaning", "")


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_pages_fit_and_complain_of_nothing(
    tab: Page, pages: tuple[Path, Path], width: int, dark: bool
) -> None:
    for page in pages:
        tab.open(page, width=width, dark=dark)
        assert tab.run("document.documentElement.scrollWidth") <= width
        assert tab.run("document.querySelectorAll('svg.chart').length") >= 2
        assert tab.problems == []
        assert [url for url in tab.requests if not url.startswith(("file:", "data:"))] == []
