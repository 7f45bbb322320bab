"""The drop page in a real browser."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the serve extra is not installed")
pytest.importorskip("prometheus_client", reason="the serve extra is not installed")

import base64
import json

import uvicorn
from browser import CHROMIUM, Page, chromium
from service import Brightness, picture

from snellen.serve import Limits, create_app
from snellen.serve.listening import listen

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine"),
]


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with chromium(tmp_path_factory.mktemp("profile")) as page:
        yield page


@pytest.fixture
def base() -> Iterator[str]:
    """A service whose line is short, so that the page meets a 429."""
    listener = listen("127.0.0.1", 0)
    limits = Limits(jobs=1, waiting=1)
    server = uvicorn.Server(uvicorn.Config(create_app(Brightness(), limits), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()
    listener.close()


def dropping(files: dict[str, bytes]) -> str:
    """A script that drops these files on the page."""
    coded = {name: base64.b64encode(data).decode() for name, data in files.items()}
    return f"""(() => {{
      const moved = new DataTransfer();
      for (const [name, data] of Object.entries({json.dumps(coded)})) {{
        const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
        moved.items.add(new File([bytes], name, {{ type: "image/png" }}));
      }}
      dispatchEvent(new DragEvent("drop", {{ dataTransfer: moved, cancelable: true }}));
    }})()"""


DONE = "!document.querySelector('[aria-busy]') && document.querySelectorAll('.card').length"


def test_dropped_pictures_get_their_scores_and_maps(browser: Page, base: str) -> None:
    browser.open(base)
    files = {f"{i}.png": picture(i, 320, 200) for i in range(3)}
    browser.run(dropping({**files, "<b>none</b>.png": b"no picture"}))
    browser.wait(DONE)
    assert browser.run("document.querySelectorAll('.value').length") == 3
    assert browser.run("document.querySelectorAll('.frame .map rect.cell').length") == 3
    assert "text, not an image" in browser.run("document.querySelector('.missing').textContent")
    assert browser.run("document.querySelectorAll('.card b').length") == 0
    assert (
        browser.run("document.querySelector('#status').textContent") == "3 of 4 scored, 1 cannot be"
    )
    width = "document.documentElement.scrollWidth <= innerWidth"
    assert browser.run(width)
    refused = [one for one in browser.problems if "422" not in one and "429" not in one]
    assert refused == []
    assert all(url.startswith((base, "blob:", "data:")) for url in browser.requests)


def test_it_fits_a_phone_in_the_dark(browser: Page, base: str, tmp_path: Path) -> None:
    browser.open(base, width=390, height=844, dark=True, phone=True)
    browser.run(dropping({"a picture with a rather long name, as cameras give.png": picture(1)}))
    browser.wait(DONE)
    assert browser.run("document.documentElement.scrollWidth <= innerWidth")
