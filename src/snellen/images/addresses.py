"""Addresses such as `s3://bucket/photos`: what is one, and how it is told without its secrets.

An address may carry a name and password (`https://me:word@host/…`) or a signature
(`…?X-Amz-Signature=…`). Both are for the store alone: what goes into a run, a table, a page, a
message or a log is `shown(address)`. No rule can know which part of a query is secret, so all of it
is left out.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from snellen.images.identify import printable_name

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)  # one letter is a Windows drive
_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]+://[^\s'\"<>]+", re.IGNORECASE)
_WEB = ("http", "https")
_CHAIN = "::"  # between an archive's part and where the archive lies, as fsspec writes it
LEFT_OUT = "?…"  # instead of a query


def scheme(path: str) -> str:
    """`s3` of `s3://…`; empty for a path of this machine."""
    match = _SCHEME.match(path)
    return match[1].lower() if match else ""


def is_address(path: str) -> bool:
    """Whether a path names something in a store rather than a file of this machine."""
    return bool(scheme(path))


def is_web(path: str) -> bool:
    """Whether it is an http(s) address, whose query belongs to it."""
    return scheme(path) in _WEB


def shown(address: str) -> str:
    """An address without user, password, query and fragment, as one printable line."""
    inner, chained, outer = address.partition(_CHAIN)
    if chained and is_address(outer):
        return f"{printable_name(inner)}{_CHAIN}{shown(outer)}"
    start, mark, rest = address.partition("://")
    if not mark:
        return printable_name(address)
    if is_web(address):
        rest, query, _ = rest.partition("?")
        rest = rest.partition("#")[0] + (LEFT_OUT if query else "")
    place, slash, path = rest.partition("/")
    return printable_name(f"{start}{mark}{place.rpartition('@')[2]}{slash}{path}")


def without_secrets(text: str) -> str:
    """A message of somebody else's, as one line, its addresses as they may be shown."""
    line = " ".join(text.split())
    return _ADDRESS.sub(lambda match: shown(match[0].rstrip(",;)")), line)


def place_of(path: str | os.PathLike[str]) -> str:
    """A path as a run remembers it: absolute, an address as it may be shown, `-` as it is."""
    text = os.fspath(path)
    if text == "-":
        return text
    return shown(text) if is_address(text) else os.path.abspath(text)


def path_part(address: str) -> str:
    """The path within an address: of a web address without its query and escapes."""
    return unquote(urlsplit(address).path) if is_web(address) else address


def local_path(address: str) -> Path:
    """The path that a `file://` address names."""
    return Path(unquote(urlsplit(address).path))


def unchained(address: str) -> tuple[str, str]:
    """`zip://*.jpg::s3://b/a.zip` as (`s3://b/a.zip`, `*.jpg`); ("", "") where it is no chain."""
    inner, chained, outer = address.partition(_CHAIN)
    if not chained or scheme(inner) not in ("zip", "tar"):
        return "", ""
    return outer, inner.partition("://")[2].lstrip("/")
