"""The page of a score run in a real browser: what a reader does, and what must not happen."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, Page, chromium
from made_runs import made_row, make_run, missing_row
from test_report_score_page import HOSTILE

from snellen.reports import write_score_page
from snellen.reports.shell import printable
from snellen.scorers.base import FAMILIES

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]

ROWS = [made_row(i) for i in range(400)]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = [*ROWS, missing_row("bad/empty.jpg", "NotAnImage: the file is empty")]
    return write_score_page(make_run(tmp_path_factory.mktemp("runs") / "400", rows))


@pytest.fixture
def page(browser: Page, report: Path) -> Iterator[Page]:
    open_report(browser, report)
    yield browser
    assert browser.problems == []
    assert [
        url for url in browser.requests if not url.startswith(("file:", "data:", "blob:"))
    ] == []


def open_report(page: Page, report: Path, **window: int) -> None:
    """Open a page of scores, and wait until it has unpacked its data."""
    page.open(report, **window)
    page.wait("!document.querySelector('#app') || document.querySelector('#count').textContent")


def cards(page: Page) -> list[str]:
    """Full names on the cards that exist, in the order of the gallery."""
    found = page.run(
        "[...document.querySelectorAll('.card')].sort((a, b) => a.place - b.place)"
        ".map(card => card.title)"
    )
    assert isinstance(found, list)
    return found


def shown(page: Page) -> int:
    """How many pictures pass the filters, as the toolbar says."""
    return int(
        page.run("document.querySelector('#count').textContent").split(" ")[0].replace(",", "")
    )


def choose(page: Page, field: str, value: object) -> None:
    event = "input" if field == "text" else "change"
    page.run(
        f"{{ const field = document.getElementById('{field}'); field.value = {json.dumps(value)};"
        f" field.dispatchEvent(new Event('{event}')); }}"
    )
    page.settle()


def inspected(page: Page) -> str:
    return str(page.run("document.querySelector('.inspector').innerText"))


def rest(page: Page) -> None:
    """As long as a mouse rests that means it."""
    time.sleep(0.25)
    page.settle()


def by(key: Any, rows: list[dict[str, Any]] = ROWS) -> list[str]:
    return [row["image"] for row in sorted(rows, key=key)]


def test_the_worst_come_first_and_reverse_turns_round(page: Page) -> None:
    worst = by(lambda row: (row["score"], row["image"]))
    assert cards(page) == worst[: len(cards(page))]
    page.click("#reverse")
    assert cards(page)[0] == worst[-1]


@pytest.mark.parametrize("family", FAMILIES)
def test_sorting_by_a_problem_puts_its_most_probable_first(page: Page, family: str) -> None:
    choose(page, "sort", family)
    value = {row["image"]: row[family] for row in ROWS}
    seen = [value[name] for name in cards(page)]
    assert seen == sorted(value.values(), reverse=True)[: len(seen)]


def test_sorting_by_name_counts_numbers_as_numbers(page: Page) -> None:
    choose(page, "sort", "name")
    assert cards(page)[:2] == ["holiday/00/IMG_00000.jpg", "holiday/00/IMG_00037.jpg"]


def test_click_on_a_problem_filters_and_again_frees(page: Page) -> None:
    page.click("#problems .problem:nth-child(2)")
    noisy = {row["image"] for row in ROWS if row["problem"] == "noise"}
    assert shown(page) == len(noisy)
    assert set(cards(page)) <= noisy
    page.click("#problems .problem:nth-child(2)")
    assert shown(page) == len(ROWS)


def test_drag_over_the_histogram_chooses_a_range(page: Page) -> None:
    left, top, width, height = page.run(
        "(() => { const b = document.querySelector('.plot').getBoundingClientRect();"
        " return [b.x, b.y, b.width, b.height]; })()"
    )
    middle = top + height / 2
    page.drag((left + 0.405 * width, middle), (left + 0.595 * width, middle))
    inside = [row for row in ROWS if 40 <= row["score"] <= 60]
    assert shown(page) == len(inside)
    assert page.run("[low.value, high.value].join()") == "40,60"
    page.click("#reset")
    assert shown(page) == len(ROWS)


def test_score_severity_and_text_filter_together(page: Page) -> None:
    choose(page, "low", 30)
    choose(page, "high", 70.5)
    choose(page, "severity", "2")
    choose(page, "text", "IMG_001")
    expected = [
        row
        for row in ROWS
        if 30 <= row["score"] <= 70.5
        and min(4, int(row["severity"] + 0.5)) >= 2
        and "IMG_001" in row["image"]
    ]
    assert 0 < len(expected) < 100
    assert shown(page) == len(expected)
    choose(page, "text", "no such name")
    assert shown(page) == 0
    assert page.run("!document.querySelector('#nothing').hidden")
    assert page.run("document.querySelector('#download').disabled")


def test_notes_are_searched_too(page: Page) -> None:
    choose(page, "text", "exif 6")
    assert shown(page) == sum(row["notes"] is not None for row in ROWS)


def test_mouse_previews_a_picture_with_its_map_and_leaves_it_again(page: Page) -> None:
    chosen = inspected(page)
    page.point(".card[aria-posinset='3']")
    rest(page)
    third = sorted(ROWS, key=lambda row: (row["score"], row["image"]))[2]
    assert f"{third['score']:.1f}" in inspected(page)
    assert third["image"] in inspected(page)
    boxes = page.run(
        "getComputedStyle(document.querySelector(\".card[aria-posinset='3'] .map\")).visibility"
    )
    assert boxes == "visible"
    page.point("h1")
    rest(page)
    assert inspected(page) == chosen


def test_map_lies_where_the_cells_are(page: Page) -> None:
    row = min(ROWS, key=lambda row: (row["score"], row["image"]))
    assert page.run("document.querySelector('.large .map').getAttribute('viewBox')") == (
        f"0 0 {row['width']} {row['height']}"
    )
    drawn = page.run(
        "[...document.querySelectorAll('.large .cell')].map(box =>"
        " ['x', 'y', 'width', 'height'].map(name => Number(box.getAttribute(name))))"
    )
    assert drawn == [cell[:4] for cell in json.loads(row["map"])]
    page.click(".check input")
    assert page.run("getComputedStyle(document.querySelector('.large .map')).display") == "none"


def test_click_shows_every_number_of_the_picture(page: Page) -> None:
    page.click(".card[aria-posinset='2']")
    row = sorted(ROWS, key=lambda row: (row["score"], row["image"]))[1]
    text = inspected(page)
    for expected in (
        f"{row['low']:.1f}–{row['high']:.1f}",
        f"{row['spread']:.1f} points",
        f"{row['width']:,} × {row['height']:,} px",
        row["hash"][:16],
        "native-grid-1",
        row["problem"],
    ):
        assert expected in text


def test_keyboard_walks_the_gallery_and_the_inspector_follows(page: Page) -> None:
    page.run("document.querySelector('.card').focus({ preventScroll: true })")
    order = by(lambda row: (row["score"], row["image"]))
    page.press("ArrowRight")
    assert order[1] in inspected(page)
    page.press("End")
    assert order[-1] in inspected(page)
    assert page.run("document.activeElement.title") == order[-1]
    box = page.run(
        "(() => { const b = document.activeElement.getBoundingClientRect();"
        " return [b.top, b.bottom, innerHeight]; })()"
    )
    assert 0 <= box[0] < box[1] <= box[2]
    page.press("Home")
    assert page.run("document.activeElement.title") == order[0]
    assert page.run("document.querySelectorAll('.card[tabindex=\"0\"]').length") == 1


def test_focus_survives_scrolling_far_away(page: Page) -> None:
    page.click(".card")
    page.run("scrollTo(0, 1e9)")
    page.settle()
    page.press("ArrowRight")
    assert page.run("document.activeElement.getAttribute('aria-posinset')") == "2"


def test_export_is_the_selection_in_order_with_the_runs_own_digits(
    page: Page, tmp_path: Path
) -> None:
    page.downloads_to(tmp_path)
    page.click("#problems .problem:nth-child(1)")
    page.click("#download")
    path = tmp_path / "snellen-selection.csv"
    for _ in range(100):
        if path.exists() and path.stat().st_size:
            break
        time.sleep(0.05)
    table = list(csv.DictReader(io.StringIO(path.read_text("utf-8"))))
    blurred = [row for row in ROWS if row["problem"] == "blur"]
    assert [line["image"] for line in table] == by(
        lambda row: (row["score"], row["image"]), blurred
    )
    by_name = {row["image"]: row for row in ROWS}
    for line in table:
        row = by_name[line["image"]]
        for name in ("score", "low", "high", "spread", "severity", *FAMILIES):
            assert float(line[name]) == row[name]
        assert line["hash"] == row["hash"]
        assert line["notes"] == (row["notes"] or "")


def test_on_a_phone_a_picture_opens_in_a_dialog(browser: Page, report: Path) -> None:
    open_report(browser, report, width=390, height=844)
    assert browser.run("document.documentElement.scrollWidth") <= 390
    browser.run("document.querySelector('.card').scrollIntoView()")
    browser.settle()
    browser.click(".card")
    assert browser.run("document.querySelector('#sheet').open")
    order = by(lambda row: (row["score"], row["image"]))
    assert order[0] in inspected(browser)
    browser.click(".sheet-bar button:nth-child(2)")
    assert order[1] in inspected(browser)
    assert browser.run("document.querySelector('#sheet').open")
    browser.press("Escape")
    assert not browser.run("document.querySelector('#sheet').open")
    assert browser.run("document.activeElement.title") == order[1]
    assert browser.problems == []


def test_every_control_has_a_name(page: Page) -> None:
    nameless = page.run(
        "[...document.querySelectorAll('button, input, select, [role=option], [role=listbox],"
        " img, dialog, aside')].filter(node => !(node.getAttribute('aria-label') ||"
        " node.labels?.length || node.textContent.trim() || node.hasAttribute('alt')))"
        ".map(node => node.outerHTML)"
    )
    assert nameless == []


def test_ten_thousand_pictures_are_a_few_dozen_cards(
    browser: Page, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [made_row(i % 500, image=f"d/{i:05d}.jpg") for i in range(10_000)]
    report = write_score_page(make_run(tmp_path_factory.mktemp("runs") / "10k", rows))
    assert report.stat().st_size < 32_000_000
    open_report(browser, report)
    assert shown(browser) == 10_000
    for place in (0, 0.3, 0.77, 1):
        browser.run(f"scrollTo(0, {place} * document.documentElement.scrollHeight)")
        browser.settle()
        seen = cards(browser)
        assert 8 <= len(seen) < 80
        in_sight = browser.run(
            "(() => { const card = document.elementFromPoint(120, innerHeight / 2)"
            ".closest('.card'); return card && card.querySelector('img').complete; })()"
        )
        assert in_sight or place in (0, 1)
    assert browser.problems == []


def test_hostile_names_stay_text_in_the_browser(
    browser: Page, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [made_row(i, image=f"d/{name}", notes=name) for i, name in enumerate(HOSTILE)]
    report = write_score_page(make_run(tmp_path_factory.mktemp("runs") / "hostile", rows))
    open_report(browser, report)
    assert shown(browser) == len(HOSTILE)
    for place in range(1, len(HOSTILE) + 1):
        browser.click(f".card[aria-posinset='{place}']")
    assert set(cards(browser)) == {printable(f"d/{name}") for name in HOSTILE}
    assert browser.run("document.querySelectorAll('.card script, .inspector script').length") == 0
    assert browser.run("[...document.images].every(image => image.src.startsWith('data:'))")
    assert browser.problems == []  # nothing was even tried and refused


def test_policy_stops_a_script_that_slipped_in(browser: Page, report: Path) -> None:
    open_report(browser, report)
    browser.run(
        "{ const script = document.createElement('script');"
        " script.textContent = 'window.slipped = true'; document.body.append(script);"
        " const image = new Image(); image.src = 'http://127.0.0.1:9/x.png'; }"
    )
    browser.settle()
    assert browser.run("window.slipped === undefined")
    assert any("Content Security Policy" in text for text in browser.problems)


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_anything_is_a_page_too(
    browser: Page, tmp_path_factory: pytest.TempPathFactory, n: int
) -> None:
    rows = [*(made_row(i) for i in range(n)), missing_row("x.jpg", "BrokenImage: torn")]
    report = write_score_page(make_run(tmp_path_factory.mktemp("runs") / f"n{n}", rows))
    open_report(browser, report)
    assert len(cards(browser)) == n
    assert "BrokenImage: torn" in browser.run("document.body.innerText")
    assert browser.problems == []
