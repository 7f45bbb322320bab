"""Addresses: what is fetched, and everything that must not be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="the serve extra is not installed")
pytest.importorskip("prometheus_client", reason="the serve extra is not installed")

from hypothesis import given
from hypothesis import strategies as st
from service import Client, picture

from snellen.errors import InputError
from snellen.serve.fetching import Fetcher, NotFetched, Refused

PREFIX = "https://images.example.org/photos/"


def fetcher(*prefixes: str, **options: Any) -> Fetcher:
    return Fetcher(prefixes or (PREFIX,), **{"most": 100_000, "seconds": 2.0, **options})


@contextmanager
def site(reply: Any) -> Iterator[str]:
    """A web site on 127.0.0.1; `reply(handler)` answers every request."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

        def do_GET(self) -> None:
            reply(self)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def sends(data: bytes, status: int = 200, **headers: str) -> Any:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return reply


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://images.example.org.evil.net/photos/a.jpg",
        "https://images.example.org/private/a.jpg",
        "https://images.example.org/photosX/a.jpg",
        "https://images.example.org/photos/../private/a.jpg",
        "https://images.example.org/photos/%2e%2e/private/a.jpg",
        "https://images.example.org/photos/%252e%252e/private/a.jpg",
        "https://images.example.org/photos/..%2fprivate/a.jpg",
        "https://images.example.org/photos\\..\\a.jpg",
        "https://images.example.org@evil.net/photos/a.jpg",
        "https://user:pass@images.example.org/photos/a.jpg",
        "https://images.example.org:8443/photos/a.jpg",
        "https://images.example.org:99999/photos/a.jpg",
        "http://images.example.org/photos/a.jpg",
        "file:///etc/passwd",
        "gopher://images.example.org/photos/a",
        "//images.example.org/photos/a.jpg",
        "https://images.example.org/photos/a.jpg\r\nHost: evil.net",
        "https://images.example.org/photos/ä.jpg",
        "",
    ],
)
def test_what_is_not_under_a_prefix_is_refused_before_any_look_up(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: pytest.fail("looked up"))
    with pytest.raises(Refused):
        fetcher().fetch(url)


@given(st.text(max_size=60))
def test_no_text_leads_elsewhere(text: str) -> None:
    """Whatever follows the prefix, host and directory stay as they are."""
    for url in (PREFIX + text, text):
        try:
            parts = fetcher()._checked(url)
        except Refused:
            continue
        assert parts.hostname == "images.example.org"
        assert parts.path.startswith("/photos/")
        assert ".." not in parts.path.split("/")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.9", "169.254.169.254", "0.0.0.0",
        "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "fe80::1%eth0", "fc00::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "2002:7f00:1::", "ff02::1",
    ],
)  # fmt: skip
def test_a_host_that_leads_into_a_private_network_is_refused(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even when it has a public address besides."""
    found = [(0, 0, 0, "", ("93.184.215.14", 443)), (0, 0, 0, "", (address, 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("connected"))
    with pytest.raises(Refused, match="no public address"):
        fetcher().fetch(PREFIX + "a.jpg")


def test_the_connection_goes_to_the_address_that_was_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A name that is looked up twice may lead elsewhere the second time (DNS rebinding)."""
    asked: list[Any] = []
    found = [(0, 0, 0, "", ("93.184.215.14", 80))]

    def connect(address: Any, timeout: float) -> Any:
        asked.append(address)
        raise OSError("no network here")

    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(NotFetched, match="no network"):
        fetcher("http://images.example.org/").fetch("http://images.example.org/a.jpg")
    assert asked == [("93.184.215.14", 80)]


def test_a_picture_is_fetched_from_a_private_host_where_that_is_allowed() -> None:
    data = picture(1)
    with site(sends(data)) as base:
        assert fetcher(base, private=True).fetch(base + "a.png?key=1") == data
        with pytest.raises(Refused, match="--url-private"):
            fetcher(base).fetch(base + "a.png")


def test_redirects_are_not_followed() -> None:
    with (
        site(sends(b"", 302, Location="http://169.254.169.254/")) as base,
        pytest.raises(Refused, match="leads elsewhere"),
    ):
        fetcher(base, private=True).fetch(base + "a.png")


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (sends(b"gone", 404), "status 404"),
        (sends(b"x" * 200_000), "over 100,000 bytes"),
        (lambda handler: handler.connection.close(), "cannot be fetched"),
    ],
    ids=["404", "long", "closed"],
)
def test_what_does_not_come_is_told(reply: Any, says: str) -> None:
    with site(reply) as base, pytest.raises(NotFetched, match=says):
        fetcher(base, private=True).fetch(base + "a.png?secret=1")


def test_a_site_that_drips_is_given_up() -> None:
    stop = threading.Event()

    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not stop.wait(0.02):
            handler.wfile.write(b"x")

    with site(drip) as base:
        with pytest.raises(NotFetched, match="took over"):
            fetcher(base, private=True, seconds=0.2).fetch(base + "a.png")
        stop.set()


@pytest.mark.parametrize(
    "prefix",
    ["images.example.org/", "ftp://a/", "https://a/?x=1", "https://a/../b/", "https://a b"],
)
def test_prefixes_that_are_none(prefix: str) -> None:
    with pytest.raises(InputError):
        fetcher(prefix)


def test_the_route_scores_what_is_fetched_and_tells_what_is_not() -> None:
    def reply(handler: BaseHTTPRequestHandler) -> None:
        sends(picture(1) if handler.path == "/a.png" else b"", 200 if "a" in handler.path else 404)(
            handler
        )

    with site(reply) as base:
        client = Client(urls=[base], private=True)
        asked = client.ask(
            "POST", "/v1/score-urls", json={"urls": [base + "b.png", base + "a.png"]}
        )
        gone, there = asked.json()["results"]
        assert "status 404" in gone["missing"]
        assert there["value"] > 0
        bad = {"urls": [base + "a.png", "http://169.254.169.254/"]}
        refused = client.ask("POST", "/v1/score-urls", json=bad)
        assert refused.status_code == 422
        assert "under none of the addresses" in refused.json()["error"]


def test_without_prefixes_nothing_is_fetched() -> None:
    reply = Client().ask("POST", "/v1/score-urls", json={"urls": ["https://example.org/a.jpg"]})
    assert reply.status_code == 422
    assert "fetches no addresses" in reply.json()["error"]
