"""Stores on 127.0.0.1: an S3 server, and a web server that does what web servers do."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

KEY, SECRET = "AKIDOFTHETESTS", "wJalrSECRETOFTHETESTS"


class Bucket(Protocol):
    """A bucket of any store, as the tests fill it."""

    name: str
    kind: str

    @property
    def address(self) -> str: ...

    def put_all(self, objects: dict[str, bytes]) -> None: ...

    def delete(self, key: str) -> None: ...

    def check_rights(self) -> None:
        """From now on nobody may read anything."""


@dataclass
class S3Bucket:
    """A bucket of a local S3 server."""

    client: Any
    endpoint: str
    name: str
    kind: str = "s3"

    @property
    def address(self) -> str:
        return f"{self.kind}://{self.name}"

    def put_all(self, objects: dict[str, bytes]) -> None:
        for key, data in objects.items():
            self.client.put_object(Bucket=self.name, Key=key, Body=data)

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def check_rights(self, after: float = 0) -> None:
        """From now on nobody is known to the server; `inf` makes it trust all again."""
        import httpx

        httpx.post(f"{self.endpoint}/moto-api/reset-auth", content=str(after)).raise_for_status()


@contextmanager
def s3_server() -> Iterator[str]:
    """The address of an S3 server (moto) in threads of this process."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@dataclass
class Web:
    """What a web server has: path → content. Other fields say how it behaves."""

    files: dict[str, bytes] = field(default_factory=dict)
    status: dict[str, list[int]] = field(default_factory=dict)  # answered first, one by one
    ranges: bool = True
    lengths: bool = True
    modified: str = "Mon, 02 Mar 2020 10:00:00 GMT"
    seen: list[str] = field(default_factory=list)
    authorization: list[str] = field(default_factory=list)
    pause: float = 0.0
    at_once: int = 0
    most_at_once: int = 0
    address: str = ""


@contextmanager
def web_server(web: Web, context: Any = None) -> Iterator[Web]:
    """Serves `web` on 127.0.0.1; over TLS with an `ssl.SSLContext`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(head=True)

        def do_GET(self) -> None:
            web.at_once += 1
            web.most_at_once = max(web.most_at_once, web.at_once)
            time.sleep(web.pause)
            self.answer()
            web.at_once -= 1

        def answer(self, head: bool = False) -> None:
            web.seen.append(f"{self.command} {self.path}")
            web.authorization.append(self.headers.get("Authorization", ""))
            path = unquote(urlsplit(self.path).path)
            waiting = web.status.get(path)
            if waiting:
                self.tell(waiting.pop(0), b"" if head else b"no", head)
            elif path.endswith("/"):
                names = [name.removeprefix(path) for name in web.files if name.startswith(path)]
                links = {name.partition("/")[0] + "/" * ("/" in name) for name in names}
                page = "".join(f'<a href="{link}">{link}</a>' for link in sorted(links))
                self.tell(200, f'<a href="../">up</a>{page}'.encode(), head, "text/html")
            elif path not in web.files:
                self.tell(404, b"", head)
            else:
                self.content(web.files[path], head)

        def content(self, data: bytes, head: bool) -> None:
            asked = self.headers.get("Range")
            if asked and web.ranges:
                start, _, end = asked.removeprefix("bytes=").partition("-")
                self.tell(206, data[int(start) : int(end) + 1], head)
            else:
                self.tell(200, data, head)

        def tell(self, status: int, data: bytes, head: bool, kind: str = "image/jpeg") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Last-Modified", web.modified)
            if web.lengths:
                self.send_header("Content-Length", str(len(data)))
            else:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            if not head:
                stream = io.BytesIO(data)
                try:
                    while piece := stream.read(65536):
                        self.wfile.write(piece)
                except OSError:  # hung up on
                    self.close_connection = True

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "http" if context is None else "https"
    web.address = f"{scheme}://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
