"""A service to ask: in this process without a port, or as a program of its own on 127.0.0.1."""

from __future__ import annotations

import asyncio
import io
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
from PIL import Image

from snellen.images import Picture
from snellen.scorers import Cell, Score
from snellen.serve import Limits, create_app


def picture(seed: int = 0, width: int = 48, height: int = 32, kind: str = "PNG") -> bytes:
    """The bytes of a small file."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


class Brightness:
    """A scorer of mean brightness; `hold` keeps it from answering."""

    name = "brightness"

    def __init__(self) -> None:
        self.hold = threading.Event()
        self.hold.set()
        self.begun = threading.Semaphore(0)

    def score(self, shown: Picture) -> Score:
        self.begun.release()
        self.hold.wait(30)
        value = float(shown.pixels.mean()) / 2.55
        cell = Cell(0, 0, shown.width, shown.height, value)
        families = {"noise": 0.75, "clean": 0.25}
        return Score(value, value - 1, value + 1, 0.5, families, 2.0, (cell,), {"policy": "whole"})


class Together(Brightness):
    """The same, of several pictures at once; `sizes` are those of its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def score_many(self, shown: Sequence[Picture]) -> list[Score]:
        self.sizes.append(len(shown))
        return [self.score(one) for one in shown]


class Client:
    """Asks the application directly."""

    def __init__(self, scorer: Any = None, limits: Limits | None = None, **options: Any) -> None:
        self.scorer = scorer or Brightness()
        self.app = create_app(self.scorer, limits or Limits(jobs=2), **options)

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self.once(method, path, **options))

    async def once(self, method: str, path: str, **options: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            return await client.request(method, path, **options)

    def get(self, path: str) -> httpx.Response:
        return self.ask("GET", path)

    def score(self, *files: bytes) -> httpx.Response:
        return self.ask("POST", "/v1/score", files=forms(*files))

    def explain(self, data: bytes, name: str = "a.png") -> httpx.Response:
        return self.ask("POST", "/v1/explain", files={"file": (name, data)})


def forms(*files: bytes) -> list[tuple[str, tuple[str, bytes]]]:
    """Fields of a form of several pictures."""
    return [("files", (f"{i}.png", data)) for i, data in enumerate(files)]


@contextmanager
def program(*arguments: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`snellen serve` on a free port: its address, and the process. Killed at the end."""
    command = [sys.executable, "-m", "snellen", "serve", "--port", "0", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("page "):
                break
        else:
            raise AssertionError(f"it ended with {process.wait()}")
        yield line.split()[1], process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        if process.stdout is not None:
            process.stdout.close()


def until(what: Any, seconds: float = 20.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
