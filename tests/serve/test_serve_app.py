"""The service: what it says of pictures, and everything that it refuses."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

pytest.importorskip("fastapi", reason="the serve extra is not installed")
pytest.importorskip("prometheus_client", reason="the serve extra is not installed")

from PIL import Image
from service import Brightness, Client, Together, forms, picture, until

from snellen.errors import InputError
from snellen.images import read
from snellen.serve import Limits
from snellen.serve.desk import Busy, Desk, Scored


def test_scores_of_several_pictures_in_their_order() -> None:
    files = [picture(1), picture(2, kind="JPEG"), picture(3)]
    reply = Client().score(*files)
    assert reply.status_code == 200
    said = reply.json()
    assert said["scorer"] == "brightness"
    want = [round(Brightness().score(read(data)).value, 3) for data in files]
    assert [row["value"] for row in said["results"]] == want
    assert [row["name"] for row in said["results"]] == ["0.png", "1.png", "2.png"]
    assert said["results"][1]["format"] == "JPEG"
    assert said["results"][0]["hash"] == read(files[0]).hash
    assert said["results"][0]["problem"] == "noise"


def test_what_is_no_picture_is_a_row_with_the_reason() -> None:
    reply = Client().score(picture(1), b"<html>", b"", picture(2)[:80])
    rows = reply.json()["results"]
    assert reply.status_code == 200
    assert [row["missing"] is None for row in rows] == [True, False, False, False]
    assert "text, not an image" in rows[1]["missing"]
    assert "empty" in rows[2]["missing"]
    assert all(row["value"] is None and row["low"] is None for row in rows[1:])


def test_explain_has_the_map_and_what_was_shown() -> None:
    said = Client().explain(picture(1), "photo.png").json()
    assert said["name"] == "photo.png"
    assert said["cells"] == [
        {"x": 0, "y": 0, "width": 48, "height": 32, "score": round(said["value"], 1)}
    ]
    assert said["view"] == {"policy": "whole"}
    assert said["families"] == {"noise": 0.75, "clean": 0.25}


def test_explaining_what_is_no_picture_is_refused() -> None:
    reply = Client().explain(b"no picture at all")
    assert reply.status_code == 422
    assert "text, not an image" in reply.json()["error"]


def test_a_decompression_bomb_is_a_row() -> None:
    """A PNG of some bytes that says it is 60,000 × 60,000."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
    bomb += chunk(b"IDAT", zlib.compress(b"\0" * 1_000_000)) + chunk(b"IEND", b"")
    [row] = Client().score(bomb).json()["results"]
    assert "over" in row["missing"]
    assert "MP" in row["missing"]


def test_a_picture_over_the_limit_of_pixels_is_a_row() -> None:
    client = Client(limits=Limits(jobs=1, megapixels=0.001))
    [row] = client.score(picture(1)).json()["results"]
    assert "MP" in row["missing"]


@pytest.mark.parametrize("path", ["/v1/score", "/v1/explain"])
def test_a_request_that_says_it_is_too_long_is_refused_unread(path: str) -> None:
    client = Client(limits=Limits(jobs=1, bytes=1000))
    read_pieces = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read_pieces
        for _ in range(100):
            read_pieces += 1
            yield b"x" * 100

    async def ask() -> httpx.Response:
        headers = {"content-length": str(10_000_000_000), "content-type": "image/png"}
        return await client.once("POST", path, content=body(), headers=headers)

    reply = asyncio.run(ask())
    assert reply.status_code == 413
    assert "1,000 bytes" in reply.json()["error"]
    assert reply.headers["connection"] == "close"
    assert read_pieces <= 1


def test_a_body_that_does_not_say_its_length_is_counted() -> None:
    client = Client(limits=Limits(jobs=1, bytes=1000))
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'

    async def body() -> AsyncIterator[bytes]:
        yield head
        for _ in range(1000):
            yield b"x" * 100

    async def ask() -> httpx.Response:
        headers = {"content-type": "multipart/form-data; boundary=b"}
        return await client.once("POST", "/v1/score", content=body(), headers=headers)

    assert asyncio.run(ask()).status_code == 413


def test_a_body_that_takes_too_long_is_given_up() -> None:
    client = Client(limits=Limits(jobs=1, upload=0.1))
    messages = iter([{"type": "http.request", "body": b"--b", "more_body": True}])
    sent: list[Any] = []

    async def receive() -> Any:
        message = next(messages, None)
        return message or await asyncio.sleep(10)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": "/v1/score", "raw_path": b"/v1/score",
        "query_string": b"", "scheme": "http", "http_version": "1.1", "root_path": "",
        "headers": [(b"content-type", b"multipart/form-data; boundary=b")],
        "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    asyncio.run(client.app(scope, receive, send))
    assert sent[0]["status"] == 408
    assert "to arrive" in json.loads(sent[1]["body"])["error"]


def test_more_files_than_a_request_may_have() -> None:
    client = Client(limits=Limits(jobs=1, files=2))
    reply = client.score(*[picture(1)] * 3)
    assert reply.status_code == 413
    assert "at most 2" in reply.json()["error"]


def test_a_full_line_refuses_and_loses_nothing() -> None:
    client = Client(limits=Limits(jobs=1, waiting=2))
    client.scorer.hold.clear()

    async def ask() -> list[httpx.Response]:
        held = [asyncio.create_task(client.once("POST", "/v1/score", files=forms(picture(0))))]
        await asyncio.to_thread(client.scorer.begun.acquire)  # one is being scored
        for seed in (1, 2):
            ask = client.once("POST", "/v1/score", files=forms(picture(seed)))
            held.append(asyncio.create_task(ask))
            await asyncio.to_thread(until, lambda want=seed: waiting(client) == want)
        refused = await client.once("POST", "/v1/score", files=forms(picture(3)))
        client.scorer.hold.set()
        return [refused, *await asyncio.gather(*held)]

    refused, *taken = asyncio.run(ask())
    assert refused.status_code == 429
    assert refused.headers["retry-after"] == "1"
    assert "busy" in refused.json()["error"]
    assert [reply.status_code for reply in taken] == [200] * 3


def waiting(client: Client) -> int:
    return int(client.get("/health").json()["waiting"])


def test_several_files_are_taken_all_or_none() -> None:
    client = Client(limits=Limits(jobs=1, waiting=2))
    reply = client.score(*[picture(i) for i in range(3)])
    assert reply.status_code == 429
    assert client.score(picture(1)).status_code == 200


def test_what_is_not_scored_in_time_is_given_up() -> None:
    client = Client(limits=Limits(jobs=1, seconds=0.1))
    client.scorer.hold.clear()
    late = client.score(picture(1), picture(2))
    assert late.status_code == 504
    client.scorer.hold.set()
    until(lambda: waiting(client) == 0)
    assert client.score(picture(3)).status_code == 200


def test_a_scorer_that_fails_ends_neither_the_request_nor_the_service() -> None:
    class Failing(Brightness):
        def score(self, shown: Any) -> Any:
            raise RuntimeError("secret of the inside")

    client = Client(Failing())
    for _ in range(3):
        [row] = client.score(picture(1)).json()["results"]
        assert "RuntimeError" in row["missing"]
        assert "secret" not in json.dumps(row)


def test_pictures_that_wait_are_given_together_to_a_scorer_that_takes_several() -> None:
    scorer = Together()
    client = Client(scorer, Limits(batch=4, gather=5.0))
    rows = client.score(*[picture(i) for i in range(3)], b"none").json()["results"]
    assert scorer.sizes == [3]
    want = [round(Brightness().score(read(picture(i))).value, 3) for i in range(3)]
    assert [row["value"] for row in rows] == [*want, None]


def test_health_and_metrics_count() -> None:
    client = Client()
    client.score(picture(1), b"none")
    client.get("/nothing/here")
    told = client.get("/health").json()
    assert told["status"] == "ok"
    assert told["waiting"] == 0
    text = client.get("/metrics").text
    assert 'snellen_pictures_total{outcome="scored"} 1.0' in text
    assert 'snellen_pictures_total{outcome="NotAnImage"} 1.0' in text
    assert 'snellen_requests_total{route="/v1/score",status="200"} 1.0' in text
    assert 'snellen_requests_total{route="other",status="404"} 1.0' in text
    assert 'snellen_picture_seconds_count{stage="score"} 2.0' in text
    assert "nothing/here" not in text


@pytest.mark.parametrize(
    "path", ["/asset/../app.py", "/asset/%2e%2e%2fapp.py", "/asset//etc/passwd", "/../etc/passwd"]
)
def test_no_path_leads_out_of_the_service(path: str) -> None:
    reply = Client().get(path)
    assert reply.status_code == 404
    assert "import" not in reply.text


def test_a_file_name_is_only_a_name() -> None:
    reply = Client().explain(picture(1), "../../etc/passwd\x1b[31m")
    assert reply.status_code == 200
    assert reply.json()["value"] > 0


def test_the_page_and_its_files_come_from_here_alone() -> None:
    client = Client()
    page = client.get("/")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "brightness" in page.text
    for name in ("drop.js", "drop.css", "dom.js", "map.js", "page.css"):
        assert client.get(f"/asset/{name}").status_code == 200
    assert "http://" not in page.text.replace("http://www.w3.org", "")


def test_nothing_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    """A long upload goes through files without names."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    data = picture(1, 1500, 1200)
    assert len(data) > 2_000_000
    assert Client().score(data).status_code == 200
    assert list(tmp_path.iterdir()) == []


def test_closing_finishes_what_was_taken() -> None:
    scorer = Brightness()
    scorer.hold.clear()
    desk = Desk(scorer, Limits(jobs=1))
    futures = desk.hand_in([picture(i) for i in range(4)])
    scorer.hold.set()
    desk.close()
    assert all(isinstance(future.result(0), Scored) for future in futures)
    with pytest.raises(Busy, match="ended"):
        desk.hand_in([picture(0)])


def test_cancelled_pictures_cost_nothing() -> None:
    scorer = Brightness()
    scorer.hold.clear()
    desk = Desk(scorer, Limits(jobs=1))
    [first, *others] = desk.hand_in([picture(i) for i in range(4)])
    scorer.begun.acquire()
    assert all(future.cancel() for future in others)
    scorer.hold.set()
    desk.close()
    assert isinstance(first.result(0), Scored)
    assert not scorer.begun.acquire(blocking=False)


@pytest.mark.parametrize(
    "given",
    [{"waiting": 0}, {"bytes": 0}, {"seconds": 0}, {"upload": float("inf")}, {"jobs": -1}],
    ids=str,
)
def test_limits_that_make_no_sense(given: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        Limits(**given)


def test_sixteen_bits_and_animations_are_read_as_files_are() -> None:
    file = io.BytesIO()
    Image.new("I;16", (20, 10), 30_000).save(file, "PNG")
    assert Client().explain(file.getvalue()).json()["width"] == 20
