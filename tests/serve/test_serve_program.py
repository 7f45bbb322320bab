"""The service as a program, and clients that mean no good."""

from __future__ import annotations

import contextlib
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

pytest.importorskip("fastapi", reason="the serve extra is not installed")
pytest.importorskip("prometheus_client", reason="the serve extra is not installed")

from service import forms, picture, program, until
from typer.testing import CliRunner

from snellen.cli import app
from snellen.errors import InputError
from snellen.serve import Limits
from snellen.serve import running as runs

pytestmark = pytest.mark.slow

JUDGE = ("--with", "scripted:serve_scripts:slow", "--method", "levels")


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The judge of the tests can be imported by the program."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))


@pytest.fixture
def slow(scripts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVE_SECONDS", "1.5")


def connection(base: str) -> socket.socket:
    parts = urlsplit(base)
    return socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30)


def test_a_picture_goes_through_the_program(scripts: None) -> None:
    with program(*JUDGE) as (base, _):
        reply = httpx.post(f"{base}/v1/score", files=forms(picture(1), b"none"), timeout=60)
        rows = reply.json()["results"]
        assert 0 <= rows[0]["value"] <= 100
        assert rows[1]["missing"]
        assert "scripted" in reply.json()["scorer"]


def test_ending_it_finishes_what_was_taken(slow: None) -> None:
    with program(*JUDGE) as (base, process):
        found: list[httpx.Response] = []

        def ask() -> None:
            found.append(httpx.post(f"{base}/v1/score", files=forms(picture(1)), timeout=60))

        asking = threading.Thread(target=ask)
        asking.start()
        begun = 'snellen_picture_seconds_count{stage="wait"} 1.0'
        until(lambda: begun in httpx.get(f"{base}/metrics", timeout=30).text)
        process.send_signal(signal.SIGTERM)
        asking.join(60)
        assert found[0].status_code == 200
        assert process.wait(60) in (0, -signal.SIGTERM)
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{base}/health")


def test_killed_it_leaves_nothing_and_starts_again(
    slow: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with program(*JUDGE) as (base, process):
        with connection(base) as client:
            body = picture(1, 1200, 1200)
            head = (
                f"POST /v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body) + 500}\r\n"
                "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
                'Content-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n'
            )
            client.sendall(head.encode() + body)
            time.sleep(0.5)
            process.kill()
            process.wait(10)
        assert [path for path in tmp_path.iterdir() if path.is_file()] == []
    port = str(urlsplit(base).port)
    with program(*JUDGE, "--port", port) as (again, _):
        assert httpx.get(f"{again}/health", timeout=30).status_code == 200


def test_ten_gigabytes_are_refused_at_their_head(scripts: None) -> None:
    with program(*JUDGE) as (base, _), connection(base) as client:
        client.sendall(
            b"POST /v1/score HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000000\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        reply = b""
        while piece := client.recv(4096):  # until the service closes
            reply += piece
        assert reply.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    ("begun", "status"),
    [(b'--b\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n', b"413"),
     (b"no form at all", b"400")],
    ids=["form", "none"],
)  # fmt: skip
def test_a_body_without_end_is_refused_on_the_way(
    scripts: None, begun: bytes, status: bytes
) -> None:
    with program(*JUDGE, "--max-megabytes", "1") as (base, _), connection(base) as client:
        client.sendall(
            b"POST /v1/score HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: multipart/form-data; boundary=b\r\n\r\n"
        )
        client.sendall(f"{len(begun):x}\r\n".encode() + begun + b"\r\n")
        reply, sent = b"", 0
        with contextlib.suppress(ConnectionError):  # it hangs up, which may be seen first
            while sent < 1000:  # 65 MB, of which one is taken
                client.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                sent += 1
            reply = client.recv(4096)
        assert sent < 1000 or reply.startswith(b"HTTP/1.1 " + status)


@contextlib.contextmanager
def impatient() -> Iterator[tuple[str, int]]:
    """The server in this process, with little patience for heads."""
    import uvicorn
    from service import Brightness

    from snellen.serve import create_app
    from snellen.serve.listening import listen

    limits = Limits(jobs=1, upload=0.3)
    listener = listen("127.0.0.1", 0)
    settings = uvicorn.Config(
        create_app(Brightness(), limits), http=runs.impatient(limits.upload), log_level="error"
    )
    server = uvicorn.Server(settings)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.mark.parametrize("begun", [b"", b"GET /health HTTP/1.1\r\nHo"], ids=["silent", "half"])
def test_a_head_that_never_ends_is_hung_up_on(begun: bytes) -> None:
    """Slowloris: many connections that say next to nothing."""
    with impatient() as address:
        clients = [socket.create_connection(address, timeout=30) for _ in range(50)]
        for client in clients:
            client.sendall(begun)
        assert httpx.get("http://{}:{}/health".format(*address)).status_code == 200
        assert all(client.recv(100) == b"" for client in clients)
        for client in clients:
            client.close()


def test_a_head_that_drips_is_hung_up_on_too() -> None:
    with impatient() as address, socket.create_connection(address, timeout=30) as client:
        start = time.monotonic()
        client.sendall(b"GET / HTTP/1.1\r\n")
        with contextlib.suppress(ConnectionError):
            while time.monotonic() - start < 20:
                client.sendall(b"X-a: b\r\n")
                time.sleep(0.05)
        assert time.monotonic() - start < 15


def test_the_second_request_of_a_connection_is_watched_as_the_first() -> None:
    with impatient() as address, socket.create_connection(address, timeout=30) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b"200 OK" in client.recv(4096)
        client.sendall(b"GET /hea")
        while client.recv(4096):
            pass


def test_an_address_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        found = CliRunner().invoke(app, ["serve", "--port", port])
        assert isinstance(found.exception, InputError)
        assert "cannot listen" in str(found.exception)
