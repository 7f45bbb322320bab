"""Run the service until it is ended: the port, connections that say nothing, the last requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from snellen.serve.guard import Guard
from snellen.serve.limits import Limits
from snellen.serve.listening import listen

_CONNECTIONS = 1024  # open at the same time; uvicorn answers more with 503. Ours.
_IDLE = 5  # seconds that a connection is kept for another request. Ours.


def serve(app: Guard, limits: Limits, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; what was taken is finished first.

    ready : called with the address when it can be asked.
    Raises `InputError` where the port cannot be had.
    """
    listener = listen(host, port)
    settings = uvicorn.Config(
        app,
        http=impatient(limits.upload),
        log_level="warning",
        access_log=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_keep_alive=_IDLE,
        timeout_graceful_shutdown=int(limits.seconds) + 1,
    )
    name = f"[{host}]" if ":" in host else host
    ready(f"http://{name}:{listener.getsockname()[1]}")
    uvicorn.Server(settings).run(sockets=[listener])


def impatient(seconds: float) -> type[HttpToolsProtocol]:
    """uvicorn's protocol that waits so long for the head of a request."""

    class Protocol(_Impatient):
        patience = seconds

    return Protocol


class _Impatient(HttpToolsProtocol):
    """Closes a connection whose request's head does not arrive: uvicorn has no limit for that, so
    a client that sends a letter a minute would hold it for ever (slowloris)."""

    patience: float
    _watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    @property
    def _reads_head(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _look(self) -> None:
        """Start the clock where a head is awaited and none runs; stop it where one is there."""
        if not self._reads_head:
            self._stop()
        elif self._watch is None:
            self._watch = self.loop.call_later(self.patience, self._end)

    def _stop(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _end(self) -> None:
        self._watch = None
        if self._reads_head and not self.transport.is_closing():
            self.transport.close()
