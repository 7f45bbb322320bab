"""The pages of raters and pairs: true to their results, safe, whole with any panel."""

from __future__ import annotations

import html
import re
from pathlib import Path

import numpy as np
import pytest
from browser import CHROMIUM, chromium

from snellen.reports.people_page import write_pairs_page, write_raters_page
from snellen.stats import bradley_terry, collect_counts, collect_votes, describe_panel
from snellen.stats.panel import Panel

NASTY = "<script>alert(1)</script>\u202e&\"'"


def panel_of(raters: int, images: int) -> Panel:
    random = np.random.default_rng(raters)
    rater, image = (part.ravel() for part in np.mgrid[:raters, :images])
    score = np.clip(np.round(1 + 4 * image / images + random.normal(0, 0.7, len(image))), 1, 5)
    votes = collect_votes(
        [f"{NASTY} {code}" for code in rater], [f"{NASTY} {code}.png" for code in image], score
    )
    content = np.arange(images) % 3 if raters > 2 else None
    return describe_panel(votes, content=content)


def text_of(page: Path) -> str:
    body = re.sub(r"<(style|script|svg).*?</\1>", " ", page.read_text("utf-8"), flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]+>", " ", body))


@pytest.mark.parametrize("raters", [1, 2, 8])
def test_raters_page_holds_what_is_known_and_no_live_name(tmp_path: Path, raters: int) -> None:
    panel = panel_of(raters, 70)
    page = write_raters_page(tmp_path / "raters.html", panel, panel.notes, f"{NASTY}.csv")
    assert "<script>alert" not in page.read_text("utf-8")
    text = " ".join(text_of(page).split())
    assert ("1 rater of" if raters == 1 else f"{raters} raters of") in text
    assert f"{panel.opinions.mos.min():.2f}" in text
    assert ("Krippendorff's alpha, interval" in text) == (raters > 1)
    assert ("Contents hard to judge" in text) == (raters == 8)
    assert "Drawn are 48 of 70" in text
    assert "nan" not in text.lower()


def test_pairs_page_ranks_all_and_says_the_prior(tmp_path: Path) -> None:
    names = [f"{NASTY} {code}.png" for code in range(60)]
    random = np.random.default_rng(0)
    wins = random.integers(0, 5, (2, 59))
    pairs = collect_counts(names[:-1], names[1:], *(wins + 1), np.full(59, 1))
    scale = bradley_terry(pairs, "davidson", prior=2)
    page = write_pairs_page(tmp_path / "pairs.html", pairs, scale, ["a note"], "pairs.csv")
    assert "<script>alert" not in page.read_text("utf-8")
    text = " ".join(text_of(page).split())
    assert "prior 2 JOD" in text
    assert "a note" in text
    assert "59, davidson" in text
    assert f"{scale.jod.max():.2f}" in text
    assert text.count(".png") == 60


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_pages_fit_every_width(tmp_path: Path) -> None:
    panel = panel_of(8, 70)
    page = write_raters_page(tmp_path / "raters.html", panel, panel.notes, "votes.csv")
    with chromium(tmp_path / "profile") as tab:
        for width in (1280, 390):
            tab.open(page, width=width)
            assert tab.run("document.documentElement.scrollWidth") <= width
            assert tab.problems == []
