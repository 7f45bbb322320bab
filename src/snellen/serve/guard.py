"""What stands before the application: bodies that are too long or come too slowly, and a full line.

Bodies are counted while they arrive, whatever they say of their length, and have a deadline; a
request that would find the line full is refused before its body is read.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from fastapi import HTTPException

from snellen.serve.limits import Limits

Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]

_CLOSE = {"Connection": "close"}  # what is left of the body is not wanted
RETRY = {"Retry-After": "1"}
_SAFETY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:;"
        " connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
}


class Guard:
    """An ASGI application around another.

    full   : whether pictures would find no place in line.
    served : called with path, status and seconds of every request.
    """

    def __init__(
        self,
        app: App,
        limits: Limits,
        full: Callable[[], bool],
        served: Callable[[str, int, float], None],
    ) -> None:
        self._app, self._limits, self._full, self._served = app, limits, full, served
        self._arriving = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start = time.perf_counter()
        status = 500

        async def safely(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = list(message.get("headers", []))
                headers += [(k.lower().encode(), v.encode()) for k, v in _SAFETY.items()]
                message = {**message, "headers": headers}
            await send(message)

        try:
            await self._admit(scope, receive, safely)
        finally:
            self._served(str(scope["path"]), status, time.perf_counter() - start)

    async def _admit(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("POST", "PUT", "PATCH"):
            await self._app(scope, receive, send)
            return
        length = _length(scope)
        if length is not None and length > self._limits.bytes:
            await _refuse(send, 413, *self._too_long(), _CLOSE)
        elif self._full():
            what = "the service is busy: as many pictures wait as may"
            await _refuse(send, 429, what, "Ask again in a moment.", RETRY)
        elif self._arriving >= self._limits.uploads:
            what = f"the service is busy: {self._arriving} uploads are arriving"
            await _refuse(send, 429, what, "Ask again in a moment.", RETRY)
        else:
            self._arriving += 1
            counted = _Counted(receive, self._limits, self._too_long(), self._arrived)

            async def last(message: Message) -> None:
                """A reply before the body is there ends the connection: the rest is not wanted."""
                if message["type"] == "http.response.start" and not counted.complete:
                    headers = [one for one in message["headers"] if one[0] != b"connection"]
                    message = {**message, "headers": [*headers, (b"connection", b"close")]}
                await send(message)

            try:
                await self._app(scope, counted, last)
            finally:
                counted.leave()

    def _arrived(self) -> None:
        self._arriving -= 1

    def _too_long(self) -> tuple[str, str]:
        return (
            f"the request is over {self._limits.bytes:,} bytes",
            "Send fewer or smaller pictures.",
        )


class _Counted:
    """`receive`, with the bytes and seconds of the body counted."""

    def __init__(
        self, receive: Receive, limits: Limits, too_long: tuple[str, str], done: Callable[[], None]
    ) -> None:
        self._receive, self._limits, self._too_long = receive, limits, too_long
        self._end = time.monotonic() + limits.upload
        self._left, self._done, self._left_off = limits.bytes, done, False
        self.complete = False

    async def __call__(self) -> Message:
        if self.complete:  # the body is there; what comes next is the end of the connection
            return await self._receive()
        message = await self._in_time()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            error, fix = self._too_long
            raise HTTPException(413, {"error": error, "fix": fix})
        if not message.get("more_body"):
            self.complete = True
            self.leave()
        return message

    async def _in_time(self) -> Message:
        """The next piece of the body. `asyncio.wait_for` would make a task for each, which for a
        photo of some pieces costs more than all else here."""
        task, late = asyncio.current_task(), False
        assert task is not None

        def expire() -> None:
            nonlocal late
            late = True
            task.cancel()

        timer = asyncio.get_running_loop().call_later(self._end - time.monotonic(), expire)
        try:
            return await self._receive()
        except asyncio.CancelledError:
            if not late:
                raise
            if sys.version_info >= (3, 11):
                task.uncancel()
            detail = {
                "error": f"the request took over {self._limits.upload:g} s to arrive",
                "fix": "Send it faster, or in parts.",
            }
            raise HTTPException(408, detail) from None
        finally:
            timer.cancel()

    def leave(self) -> None:
        """The body is there, or will not be read any more."""
        if not self._left_off:
            self._left_off = True
            self._done()


def _length(scope: Message) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None


async def _refuse(send: Send, status: int, error: str, fix: str, headers: dict[str, str]) -> None:
    body = json.dumps({"error": error, "fix": fix}).encode()
    plain = {"content-type": "application/json", "content-length": str(len(body)), **headers}
    pairs = [(name.lower().encode(), value.encode()) for name, value in plain.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})
