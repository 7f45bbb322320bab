"""The pages in a real browser: by keyboard, by touch at phone size, and to assistive technology."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from browser import CHROMIUM, Page, chromium
from study_maker import begin, honest, make_picture, make_study, rate_all

from snellen.rating import Gallery, Study
from snellen.rating.app import create_app
from snellen.rating.live import Live
from snellen.rating.serving import listen
from snellen.rating.store import Rater, Task

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]

AXE = Path(__file__).parents[2] / ".node/node_modules/axe-core/axe.min.js"
READY = (
    "!document.querySelector('#stage').hidden && document.querySelector('#answers button:enabled')"
)
PAUSE = "!document.querySelector('#pause').hidden"
DONE = "!document.querySelector('#finished').hidden"


@contextlib.contextmanager
def served(study: Study) -> Iterator[str]:
    """The study's service on a free port of this machine."""
    listener = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(create_app(study, Live(study)), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


def begun(page: Page, base: str, rater: Rater, *, phone: bool = False) -> None:
    """Open a rater's page and get through the questions asked once, up to the first picture."""
    size = {"width": 390, "height": 844} if phone else {}
    page.open(f"{base}/r/{rater.token}", phone=phone, **size)
    page.wait("!document.querySelector('#conditions').hidden")
    page.run("document.querySelectorAll('select').forEach(s => { s.selectedIndex = 2; })")
    press = page.tap if phone else page.click
    press("#conditions button")
    page.wait(PAUSE)
    if phone:
        page.tap("#go-on")
    else:
        page.press(" ")
    page.wait(READY)


def rate_by(page: Page, study: Study, rater: Rater, give: Any) -> int:
    """Answer until the end; `give` gives one answer to the page."""
    given = 0
    while not page.run(DONE):
        if page.run(PAUSE):
            page.run("document.querySelector('#go-on').click()")
        page.wait(READY)
        trial = study.next(rater)
        assert trial is not None
        give(honest(study, trial))
        until(lambda number=trial.id: _answered(study, rater, number))
        page.wait(f"{DONE} || {PAUSE} || ({READY})")
        given += 1
    return given


def _answered(study: Study, rater: Rater, number: int) -> bool:
    return any(t.id == number and t.value for t in study.file.trials(rater))


def until(holds: Any) -> None:
    for _ in range(500):
        if holds():
            return
        time.sleep(0.01)
    raise AssertionError("it never came true")


def test_by_keyboard_from_the_link_to_the_end(browser: Page, tmp_path: Path) -> None:
    with make_study(tmp_path, n=12) as study, served(study) as base:
        anna = study.join("anna")
        begun(browser, base, anna)
        assert rate_by(browser, study, anna, browser.press) == 3 + 12 + 1
        assert {t.value for t in study.file.trials(anna) if t.kind == "rating"} == set("12345")
        times = [t.seconds for t in study.file.trials(anna)]
        assert all(seconds is not None and 0 < seconds < 30 for seconds in times)
        assert "1 of 1 repeated" in browser.run(
            "document.querySelector('#finished-figures').textContent"
        )
        assert browser.problems == []
        assert all(url.startswith(base) for url in browser.requests)


def test_by_touch_on_a_phone_with_pairs_one_above_the_other(browser: Page, tmp_path: Path) -> None:
    with make_study(tmp_path, "pairs", n=6) as study, served(study) as base:
        anna = study.join("anna")
        begun(browser, base, anna, phone=True)
        tops = browser.run(
            "[...document.querySelectorAll('.frame')].map(f => f.getBoundingClientRect().top)"
        )
        assert tops[1] > tops[0] + 100
        words = browser.run("document.querySelector('#answers').textContent")
        assert "Upper is better" in words
        small = browser.run(
            "[...document.querySelectorAll('#stage button')].filter(b => b.offsetParent)"
            ".filter(b => b.getBoundingClientRect().height < 44).map(b => b.textContent)"
        )
        assert small == []  # wide enough for a thumb
        assert browser.run("document.documentElement.scrollWidth <= innerWidth")
        rate_by(browser, study, anna, lambda v: browser.tap(f"#answers [data-value={v}]"))
        assert study.next(anna) is None
        assert browser.problems == []


def test_one_pixel_of_the_picture_is_one_pixel_of_the_screen(browser: Page, tmp_path: Path) -> None:
    large = make_picture(tmp_path / "large.png", 1, (3000, 2000))
    with begin(tmp_path / "r.db", Gallery([large]), n=1) as study, served(study) as base:
        for name, phone, ratio in (("anna", False, 1), ("ben", True, 3)):
            begun(browser, base, study.join(name), phone=phone)
            width = "document.querySelector('.frame img').getBoundingClientRect().width"
            assert browser.run(width) == pytest.approx(3000 / ratio, abs=0.5)
            middle = browser.run(
                "(f => [f.scrollLeft + f.clientWidth / 2, f.scrollWidth / 2])"
                "(document.querySelector('.frame'))"
            )
            assert abs(middle[0] - middle[1]) < 2  # the middle of it is seen first
            browser.press("z")
            assert browser.run(width) <= (390 if phone else 1280)
            browser.press("3")
            until(lambda who=name: any(t.value for t in study.file.trials(study.join(who))))
        about = study.file._file.rows("SELECT about FROM answers ORDER BY number LIMIT 1")
        assert json.loads(about[0][0])["fitted"] is True


def test_undo_reload_and_a_closed_tab_lose_nothing(browser: Page, tmp_path: Path) -> None:
    with make_study(tmp_path, n=12) as study, served(study) as base:
        anna = study.join("anna")
        begun(browser, base, anna)
        first = study.next(anna)
        assert first is not None
        browser.press("2")
        until(lambda: _answered(study, anna, first.id))
        browser.wait(READY)
        browser.press("u")
        until(lambda: not _answered(study, anna, first.id))
        browser.wait(READY)
        browser.press("4")
        until(lambda: _answered(study, anna, first.id))
        following = study.next(anna)
        browser.open(f"{base}/r/{anna.token}")  # the tab was closed; nothing is asked twice
        browser.wait(PAUSE)
        assert study.next(anna) == following
        assert [t.value for t in study.file.trials(anna) if t.value] == ["4"]


def test_a_server_that_is_gone_is_said_and_the_answer_is_sent_again(
    browser: Page, tmp_path: Path
) -> None:
    with make_study(tmp_path, n=12) as study:
        anna = study.join("anna")
        with served(study) as base:
            begun(browser, base, anna)
        browser.press("5")
        browser.wait("!document.querySelector('#problem').hidden")
        told = browser.run("document.querySelector('#problem').textContent")
        assert "cannot be reached" in told
        assert "Nothing that was confirmed is lost" in told
        assert [t.value for t in study.file.trials(anna) if t.value] == []


def test_a_picture_that_cannot_be_shown_says_why(browser: Page, tmp_path: Path) -> None:
    with make_study(tmp_path, n=12) as study, served(study) as base:
        anna = study.join("anna")
        browser.open(f"{base}/r/{anna.token}")
        trial = study.next(anna)
        assert trial is not None
        study.gallery.known[trial.shown[0].image].path.unlink()
        browser.wait("!document.querySelector('#conditions').hidden")
        browser.run("document.querySelectorAll('select').forEach(s => { s.selectedIndex = 2; })")
        browser.click("#conditions button")
        browser.wait(PAUSE)
        browser.press(" ")
        browser.wait("!document.querySelector('#problem').hidden")
        assert "cannot be read any more" in browser.run(
            "document.querySelector('#problem-text').textContent"
        )


def test_the_owner_sees_a_hostile_name_as_text_and_invites(browser: Page, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    hostile = make_picture(tmp_path / "photos" / "<img src=x onerror=alert(1)>.png", 1)
    other = make_picture(tmp_path / "photos" / "b.png", 2)
    gallery = Gallery([hostile, other], [("broken.jpg", "NotAnImage: empty")])
    with begin(tmp_path / "r.db", gallery, n=2) as study, served(study) as base:
        rate_all(study, study.join("anna"))
        browser.open(f"{base}/study/{study.owner}")
        browser.wait("document.querySelectorAll('#opinions td').length")
        assert browser.run("document.querySelectorAll('img').length") == 0
        text = browser.run("document.body.innerText")
        assert "<img src=x" in text
        assert "NotAnImage: empty" in text
        browser.run("document.querySelector('#invite input').value = 'ben'")
        browser.click("#invite button")
        browser.wait("document.querySelectorAll('#raters tr').length === 3")
        assert study.join("ben").token in browser.run("document.querySelector('#raters').innerHTML")
        browser.click("#calibrate")
        browser.wait("document.querySelector('#calibrated').textContent.includes('torch')")
        assert browser.problems == []


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not installed; make test-browser does it")
@pytest.mark.parametrize("task", ["acr", "pairs"])
def test_assistive_technology_finds_nothing_to_complain_of(
    browser: Page, tmp_path: Path, task: Task
) -> None:
    with make_study(tmp_path, task, n=3, pictures=4) as study, served(study) as base:
        anna = study.join("anna")
        browser.open(f"{base}/r/{anna.token}")
        browser.wait("!document.querySelector('#conditions').hidden")
        assert violations(browser) == []
        begun(browser, base, anna)
        assert violations(browser) == []
        rate_all(study, anna)
        browser.open(f"{base}/r/{anna.token}")
        browser.wait(DONE)
        assert violations(browser) == []
        browser.open(f"{base}/study/{study.owner}")
        browser.wait("document.querySelectorAll('#raters td').length")
        assert violations(browser) == []


def violations(page: Page) -> list[str]:
    """What axe-core finds: rule and element."""
    page.run(AXE.read_text("utf-8") + "; true")
    found = page.run("axe.run().then(result => result.violations)")
    return [f"{v['id']}: {node['html'][:120]}" for v in found for node in v["nodes"]]


def test_the_keyboard_alone_reaches_every_button(browser: Page, tmp_path: Path) -> None:
    with make_study(tmp_path, n=3) as study, served(study) as base:
        begun(browser, base, study.join("anna"))
        reached = []
        for _ in range(12):
            browser.press("Tab")
            reached.append(browser.run("document.activeElement.textContent.slice(0, 4)"))
        assert {"Bad1", "Poor", "Fair", "Good", "Exce", "Fit", "Full"} <= set(reached)
