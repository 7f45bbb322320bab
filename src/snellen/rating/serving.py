"""Run the study's service until Ctrl-C: the port, the names it answers to, the figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import uvicorn

from snellen.errors import InputError
from snellen.rating.app import create_app
from snellen.rating.live import Live
from snellen.rating.study import Study
from snellen.serve.listening import listen

_HERE = {"127.0.0.1", "localhost", "::1"}


def serve(
    study: Study,
    host: str,
    port: int,
    names: Sequence[str],
    ready: Callable[[str], None],
) -> None:
    """Serve until it is ended; what was taken is finished first.

    host    : address to listen on; another machine's browser is only answered under the names
              given, since the links carry the secret.
    ready   : called with the address of the pages when they can be opened.
    Raises `InputError` where the port cannot be had.
    """
    if host not in _HERE and not names:
        raise InputError(
            f"--host {host} lets other machines in",
            "Name this machine as they call it: --name 192.168.1.20 or --name studio.local.",
        )
    listener = listen(host, port)
    app = create_app(study, Live(study), hosts=frozenset(names))
    settings = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
    port = listener.getsockname()[1]
    ready(f"http://{names[0] if names else host}:{port}")
    uvicorn.Server(settings).run(sockets=[listener])
