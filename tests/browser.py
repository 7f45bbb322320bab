"""A headless Chromium driven over its debugging pipe: no driver program, no package, no port."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
_PATIENCE = 30.0  # seconds for any one answer


class Page:
    """One tab: load a file, run scripts in it, press and point, take pictures.

    problems : what the console complained of, uncaught errors and refused loads among it.
    requests : every URL the page asked for.
    """

    def __init__(self, to_browser: int, from_browser: int) -> None:
        self._to, self._from = to_browser, from_browser
        self._number, self._buffer = 0, b""
        self.problems: list[str] = []
        self.requests: list[str] = []
        self._loaded = False
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session: str | None = None
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")

    def open(
        self,
        where: Path | str,
        *,
        width: int = 1280,
        height: int = 900,
        dark: bool = False,
        phone: bool = False,
    ) -> None:
        """Load a file or URL in a window of this size and wait until its scripts have run.

        phone : it has a touch screen of three pixels a CSS pixel.
        """
        self.resize(width, height, phone=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        self.problems.clear()
        self.requests.clear()
        self._loaded = False
        url = where.resolve().as_uri() if isinstance(where, Path) else where
        self._call("Page.navigate", url=url)
        self._until(lambda: self._loaded)
        self.settle()

    def resize(self, width: int, height: int, *, phone: bool = False) -> None:
        self._call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=3 if phone else 1,
            mobile=phone,
        )
        self._call("Emulation.setTouchEmulationEnabled", enabled=phone)

    def run(self, script: str) -> Any:
        """The value of an expression (a promise is waited for) in the page."""
        answer = self._call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression holds in the page, then for its next frames."""
        self.run(
            f"new Promise(done => {{ const ask = () => ({condition})"
            " ? done() : setTimeout(ask, 20); ask(); })"
        )
        self.settle()

    def settle(self) -> None:
        """Wait for the work that the page put off to its next frames."""
        self.run(
            "new Promise(done => requestAnimationFrame(() =>"
            " requestAnimationFrame(() => setTimeout(done, 30))))"
        )

    def point(self, selector: str) -> None:
        """Move the mouse to the middle of the first element."""
        self._mouse("mouseMoved", *self._middle(selector))
        self.settle()

    def click(self, selector: str) -> None:
        """Press and release the mouse in the middle of the first element."""
        self.drag(self._middle(selector), self._middle(selector))

    def tap(self, selector: str) -> None:
        """Touch the middle of the first element."""
        x, y = self._middle(selector)
        self._call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self._call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        self.settle()

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self._mouse("mouseMoved", *start)
        self._mouse("mousePressed", *start, button="left", clickCount=1)
        self._mouse("mouseMoved", *end, button="left")
        self._mouse("mouseReleased", *end, button="left", clickCount=1)
        self.settle()

    def press(self, key: str) -> None:
        """Press and release one key, by its DOM name."""
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        codes = {
            "Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36,
            "ArrowLeft": 37, "ArrowRight": 39, "ArrowDown": 40,
        }  # fmt: skip
        code = {"windowsVirtualKeyCode": codes.get(key, 0), "key": key, "code": key}
        self._call("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self._call("Input.dispatchKeyEvent", type="keyUp", **code)
        self.settle()

    def downloads_to(self, folder: Path) -> None:
        self._call("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def picture(self, path: Path) -> None:
        """Save what the window shows as PNG."""
        data = self._call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def _middle(self, selector: str) -> tuple[float, float]:
        box = self.run(
            f"(() => {{ const b = document.querySelector({json.dumps(selector)})"
            ".getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2]; })()"
        )
        return box[0], box[1]

    def _mouse(self, kind: str, x: float, y: float, **more: Any) -> None:
        self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def _call(self, method: str, **parameters: Any) -> Any:
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if getattr(self, "_session", None):
            message["sessionId"] = self._session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._to, data) :]
        answers: list[Any] = []

        def answered() -> bool:
            answers[:] = [m for m in self._received if m.get("id") == self._number]
            return bool(answers)

        self._received: list[Any] = []
        self._until(answered)
        if "error" in answers[0]:
            raise AssertionError(f"{method}: {answers[0]['error']}")
        return answers[0]["result"]

    def _until(self, met: Any) -> None:
        self._received = []
        end = time.monotonic() + _PATIENCE
        while not met():
            ready, _, _ = select.select([self._from], [], [], max(0, end - time.monotonic()))
            data = os.read(self._from, 1 << 20) if ready else b""
            if not data:
                raise AssertionError("Chromium did not answer")
            *whole, self._buffer = (self._buffer + data).split(b"\0")
            for text in whole:
                message = json.loads(text)
                self._received.append(message)
                self._note(message.get("method", ""), message.get("params", {}))

    def _note(self, event: str, told: dict[str, Any]) -> None:
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Runtime.exceptionThrown":
            self.problems.append(str(told["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
            self.problems.append(str(told["args"]))
        elif event == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
            self.problems.append(told["entry"]["text"])
        elif event == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])


@contextlib.contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """A browser with an empty profile, ended when the block is left."""
    assert CHROMIUM is not None
    # Away from 3 and 4, which are the numbers the browser listens on.
    command_out, command_in = (_high(end) for end in os.pipe())
    answer_out, answer_in = (_high(end) for end in os.pipe())
    with open(os.devnull, "wb") as nowhere:
        process = os.posix_spawn(
            CHROMIUM,
            [CHROMIUM, *_FLAGS, f"--user-data-dir={profile}"],
            dict(os.environ),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, nowhere.fileno(), 2),
                (os.POSIX_SPAWN_DUP2, command_out, 3),
                (os.POSIX_SPAWN_DUP2, answer_in, 4),
            ],
        )
    os.close(command_out)
    os.close(answer_in)
    try:
        yield Page(command_in, answer_out)
    finally:
        os.kill(process, signal.SIGTERM)
        os.waitpid(process, 0)
        os.close(command_in)
        os.close(answer_out)


def _high(descriptor: int) -> int:
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved
