"""A socket that listens, or the reason why there is none."""

from __future__ import annotations

import socket

from snellen.errors import InputError


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on `port` of `host`; 0 takes a free one.

    Raises `InputError` where the port cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InputError(
            f"cannot listen on {host}:{port} ({error.strerror})",
            "Give another --port; 0 takes a free one.",
        ) from error
    listener.listen(128)
    return listener
