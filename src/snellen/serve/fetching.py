"""Pictures from addresses, without being led anywhere else.

A service that fetches what strangers name is a way into the network it stands in (server-side
request forgery, CWE-918). So only addresses under prefixes that its owner gave are fetched; the
host must resolve to public addresses only, and the connection goes to the very address that was
checked; redirects are not followed; credentials, dots that climb and odd characters are refused.
"""

from __future__ import annotations

import http.client
import ipaddress
import re
import socket
import ssl
import time
from collections.abc import Iterable
from urllib.parse import SplitResult, unquote, urlsplit

from snellen.errors import InputError, SnellenError

_PORTS = {"http": 80, "https": 443}
_WAIT = 5.0  # seconds for one step on the wire. Ours.
_PIECE = 1 << 16
_PLAIN = re.compile(r"[!-\[\]-~]+")  # printable ASCII without the space and the backslash


class Refused(SnellenError):
    """An address that is not fetched, and why."""


class NotFetched(SnellenError):
    """An address that may be fetched, and gave no picture."""


class Fetcher:
    """Fetches what lies under `prefixes`.

    prefixes : such as "https://images.example.org/photos/"; scheme, host and port must be equal and
               the path must begin with the prefix's whole path segments. Empty = nothing.
    private  : addresses of private networks are fetched too: a prefix that names a host in the
               owner's own network.
    most     : bytes of one picture.
    seconds  : for one picture, from look-up to last byte.
    Raises `InputError` for a prefix that is none.
    """

    def __init__(
        self, prefixes: Iterable[str], *, most: int, seconds: float, private: bool = False
    ) -> None:
        self.prefixes = tuple(prefixes)
        self._most, self._seconds, self._private = most, seconds, private
        self._allowed = [_prefix(prefix) for prefix in self.prefixes]

    def fetch(self, url: str) -> bytes:
        """The bytes at `url`. Raises `Refused`, `NotFetched`."""
        parts = self._checked(url)
        end = time.monotonic() + self._seconds
        address = self._address(parts)
        connection = _Pinned(parts, address, min(_WAIT, self._seconds))
        try:
            return self._get(connection, parts, end)
        except (OSError, http.client.HTTPException) as error:
            reason = str(error) or type(error).__name__
            raise NotFetched(f"{_told(url)} cannot be fetched ({reason})") from None
        finally:
            connection.close()

    def _checked(self, url: str) -> SplitResult:
        """The parts of an address that may be fetched. Raises `Refused`."""
        if not self._allowed:
            raise Refused(
                "this service fetches no addresses", "Upload the picture, or start it with --url."
            )
        try:
            parts = _split(url)
        except ValueError as error:
            raise Refused(f"{_told(url)} is not fetched: {error}") from None
        here = _place(parts)
        for place, path in self._allowed:
            if here == place and parts.path.startswith(path):
                return parts
        raise Refused(
            f"{_told(url)} is under none of the addresses this service fetches",
            f"It fetches what lies under {' or '.join(self.prefixes)}.",
        )

    def _address(self, parts: SplitResult) -> str:
        """An IP address of the host. All of them must be public: one that is not is an attack, or a
        mistake."""
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise NotFetched(f"{host} cannot be resolved") from None
        addresses = [str(one[4][0]) for one in found]
        for address in addresses:
            if not (self._private or _public(address)):
                raise Refused(
                    f"{host} leads to {address}, which is no public address",
                    "Its owner can allow that with --url-private.",
                )
        return addresses[0]

    def _get(self, connection: http.client.HTTPConnection, parts: SplitResult, end: float) -> bytes:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request("GET", target, headers={"Accept": "image/*", "User-Agent": "snellen"})
        reply = connection.getresponse()
        if 300 <= reply.status < 400:
            raise Refused(f"{_told(parts.geturl())} leads elsewhere, which is not followed")
        if reply.status != 200:
            raise NotFetched(f"{_told(parts.geturl())} answered with status {reply.status}")
        pieces, length = [], 0
        while piece := reply.read1(_PIECE):
            pieces.append(piece)
            length += len(piece)
            if length > self._most:
                raise NotFetched(f"{_told(parts.geturl())} is over {self._most:,} bytes")
            if time.monotonic() > end:
                raise NotFetched(f"{_told(parts.geturl())} took over {self._seconds:g} s")
        return b"".join(pieces)


class _Pinned(http.client.HTTPConnection):
    """A connection to one IP address, which is asked for the host that was named."""

    def __init__(self, parts: SplitResult, address: str, timeout: float) -> None:
        super().__init__(parts.hostname or "", parts.port or _PORTS[parts.scheme], timeout=timeout)
        self._address = address
        self._secure = parts.scheme == "https"

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        if self._secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host)


def _prefix(prefix: str) -> tuple[tuple[str, str, int], str]:
    """Scheme, host and port, and the path with a slash at its end."""
    try:
        parts = _split(prefix)
    except ValueError as error:
        raise InputError(
            f"{prefix!r} is no prefix of addresses: {error}",
            "Give one such as https://images.example.org/photos/.",
        ) from None
    if parts.query:
        raise InputError(f"{prefix!r} has a query", "Leave the part from ? on out.")
    return _place(parts), parts.path if parts.path.endswith("/") else f"{parts.path}/"


def _place(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", parts.port or _PORTS[parts.scheme]


def _split(url: str) -> SplitResult:
    """The parts of an address. Raises `ValueError` for one that could be read in two ways."""
    if not _PLAIN.fullmatch(url):
        raise ValueError("it holds spaces, a backslash or characters beyond ASCII")
    parts = urlsplit(url)
    _ = parts.port  # ValueError where it is none
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("it is no http:// or https:// address")
    if "@" in parts.netloc:
        raise ValueError("it holds a name or password")
    path = parts.path
    for _ in range(3):  # an escape of an escape, too
        if ".." in path.split("/") or "\\" in path or "//" in path:
            raise ValueError("its path climbs, or has empty parts")
        path = unquote(path)
    return parts


def _public(address: str) -> bool:
    """Whether an IP address is one of the internet's at large: not private, local, or reserved."""
    one = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(one, "ipv4_mapped", None) or getattr(one, "sixtofour", None)
    if inner is not None and not inner.is_global:
        return False
    return one.is_global and not one.is_multicast


def _told(url: str) -> str:
    """An address as it may be repeated: short, and without its query, which may hold secrets."""
    plain = ascii(url.partition("?")[0])[1:-1]
    return plain if len(plain) <= 100 else plain[:99] + "…"
