"""The part of Google Cloud Storage's JSON API that reading takes, on 127.0.0.1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_PAGE = 3  # entries of one answer to a listing: few, so that every folder has several pages
_REFUSED = {401: "Anonymous caller does not have", 403: "it's you who does not have"}


@dataclass
class Google:
    """What the server has: bucket → name → content and time of its last change."""

    buckets: dict[str, dict[str, tuple[bytes, str]]] = field(default_factory=dict)
    refuses: int = 0  # status of every answer, where not 0
    endpoint: str = ""


@dataclass
class GoogleBucket:
    """A bucket of it; see `object_stores.Bucket`."""

    server: Google
    name: str
    kind: str = "gs"

    @property
    def address(self) -> str:
        return f"{self.kind}://{self.name}"

    def put_all(self, objects: dict[str, bytes]) -> None:
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        for key, data in objects.items():
            self.server.buckets[self.name][key] = data, now.replace("+00:00", "Z")

    def delete(self, key: str) -> None:
        del self.server.buckets[self.name][key]

    def check_rights(self, status: int = 403) -> None:
        """From now on nobody may do anything; 0 makes it trust all again."""
        self.server.refuses = status


@contextmanager
def google_server() -> Iterator[Google]:
    """Serves a store that is empty at first."""
    google = Google()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(address.query).items()}
            _, _, rest = address.path.partition("/storage/v1/b/")
            bucket, *name = map(unquote, rest.replace("/o/", "\0").split("\0"))
            listing = bucket.endswith("/o")
            objects = google.buckets.get(bucket.removesuffix("/o"))
            if google.refuses:
                self.error(google.refuses, f"{_REFUSED[google.refuses]} storage.objects access")
            elif objects is None or (name and name[0] not in objects):
                self.error(404, "Not Found")
            elif listing:
                self.tell(200, _listed(bucket.removesuffix("/o"), objects, asked))
            elif not name:
                self.tell(200, {"kind": "storage#bucket", "name": bucket})
            elif asked.get("alt") == "media":
                self.content(objects[name[0]][0])
            else:
                self.tell(200, _about(bucket, name[0], *objects[name[0]]))

        def content(self, data: bytes) -> None:
            if not (asked := self.headers.get("Range")):
                self.send(200, data, "image/jpeg")
                return
            start, _, end = asked.removeprefix("bytes=").partition("-")
            if int(start) >= len(data):
                self.error(416, "Requested range not satisfiable")
            else:
                self.send(206, data[int(start) : int(end) + 1 if end else None], "image/jpeg")

        def error(self, status: int, message: str) -> None:
            self.tell(status, {"error": {"code": status, "message": message}})

        def tell(self, status: int, said: dict[str, Any]) -> None:
            self.send(status, json.dumps(said).encode(), "application/json")

        def send(self, status: int, data: bytes, kind: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    google.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield google
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _listed(
    bucket: str, objects: dict[str, tuple[bytes, str]], asked: dict[str, str]
) -> dict[str, Any]:
    """One page of what lies under a prefix, folders taken together at the delimiter."""
    prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter")
    entries: dict[str, bool] = {}  # whether it is a folder
    for name in sorted(objects):
        if name.startswith(prefix):
            head, cut, _ = name[len(prefix) :].partition(delimiter or "\0")
            entries[prefix + head + cut if cut else name] = bool(cut)
    most = min(_PAGE, int(asked.get("maxResults", _PAGE)))
    start = int(asked.get("pageToken", 0))
    page = list(entries.items())[start : start + most]
    items = [_about(bucket, name, *objects[name]) for name, folder in page if not folder]
    said: dict[str, Any] = {"kind": "storage#objects", "items": items}
    said["prefixes"] = [name for name, folder in page if folder]
    if start + most < len(entries):
        said["nextPageToken"] = str(start + most)
    return {key: value for key, value in said.items() if value}


def _about(bucket: str, name: str, data: bytes, changed: str) -> dict[str, Any]:
    return {
        "kind": "storage#object",
        "bucket": bucket,
        "name": name,
        "size": str(len(data)),
        "updated": changed,
        "timeCreated": changed,
        "generation": "1",
        "contentType": "image/jpeg",
    }
