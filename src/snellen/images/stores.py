"""Object stores and web servers, through fsspec: what lies under an address, and its bytes.

Which store it is, where it is and with what credentials is for fsspec and the store's own library
to know (environment, their configuration files, the machine's role): nothing of it passes through
here but the address, and that is kept out of every message and name (see `addresses.shown`).
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any, TypeVar

from snellen.errors import (
    BrokenImage,
    ImageTooLarge,
    InputError,
    MissingExtra,
    SnellenError,
    UnknownName,
    UnreadableImage,
)
from snellen.images.addresses import is_web, scheme, shown, without_secrets
from snellen.images.sources import Blob, Source

_EXTRAS = {"gs": "gcs", "gcs": "gcs"}  # the others are in `stores`
_BROUGHT = ("s3", "s3a", "http", "https", "gs", "gcs", "file", "memory")
_TRIES, _PAUSE = 3, 0.5  # of what may go better the next time; seconds, doubled. Ours.
_PIECE = 1 << 20
# Times of change are whole seconds in most stores, so an object changed in the same second as it
# was listed may change again unseen: it is known by its content alone. Ours.
_TOO_FRESH_NS = 2_000_000_000

_CHANGED = ("LastModified", "Last-Modified", "mtime", "updated", "last_modified")

_CHECK_ADDRESS = "Check the address."
_CHECK_RIGHTS = (
    "Give this process credentials the way the store's own library wants them (docs/stores.md)."
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Listed:
    """What a store says of one thing in it: its address, and size and time of change if told."""

    address: str
    is_folder: bool = False
    size: int | None = None
    mtime_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Stored(Source):
    """An object in a store.

    address    : where it is, secrets and all; it is in no `str` or `repr`.
    whole_name : the address as it may be shown.
    """

    address: str = field(repr=False)
    whole_name: str
    listed_size: int | None = None
    listed_mtime_ns: int | None = None

    def __str__(self) -> str:
        return self.whole_name

    @property
    def size(self) -> int | None:
        return self.listed_size

    @property
    def mtime_ns(self) -> int | None:
        return self.listed_mtime_ns

    def read_bytes(self, most: int | None = None) -> bytes:
        if is_web(self.address):
            return _in_tries(lambda: _streamed(self.address, 0, most))
        size = self.listed_size
        if size is None:
            size = describe(self.address).size or 0
        _check_size(size, most)
        if not size:
            return b""
        # Not to the listed end: an object that has grown since is read whole, or refused.
        end = (size if most is None else most) + 1
        data = _in_tries(lambda: _part(self.address, 0, end))
        _check_size(len(data), most)
        return data


class StoredFile(Blob):
    """An object that is looked through part by part. Raises `ImageError` where it is not there."""

    __slots__ = ("_about", "_address")

    def __init__(self, address: str, about: Listed | None = None) -> None:
        self._address = address
        self._about = about if about is not None and about.size is not None else describe(address)
        if self._about.size is None:
            raise UnreadableImage(
                "its server does not tell its length, so no part of it can be asked for",
                "Fetch it, and name the file.",
            )

    @property
    def size(self) -> int:
        return self._about.size or 0

    @property
    def mtime_ns(self) -> int | None:
        return self._about.mtime_ns

    def part(self, start: int, length: int) -> bytes:
        length = min(length, self.size - start)
        if length <= 0:
            return b""
        if is_web(self._address):
            return _in_tries(lambda: _streamed(self._address, start, length, part=True))
        return _in_tries(lambda: _part(self._address, start, start + length))


def describe(address: str) -> Listed:
    """What the store says of one address. Raises `ImageError`, `MissingExtra`, `UnknownName`."""
    system = store(address)
    return _in_tries(lambda: _listed(address, system.info(_within(address))))


def entries(address: str) -> Iterator[Listed]:
    """What lies in a folder, in order of name. Raises as `describe` does."""
    system = store(address)
    folder = _within(address)
    listed = _in_tries(lambda: system.ls(folder, detail=True))
    kind = scheme(address)
    for entry in sorted(listed, key=lambda entry: str(entry["name"])):
        name = str(entry["name"])
        if name.rstrip("/") == folder.rstrip("/") or (
            name.endswith("/") and entry["type"] != "directory"  # an object that marks a folder
        ):
            continue
        inside = name if is_web(address) else f"{kind}://{name.lstrip('/')}"
        yield _listed(inside, entry)


def store(address: str) -> Any:
    """The file system that fsspec has for an address. Raises `MissingExtra`, `UnknownName`."""
    return _store(scheme(address), is_web(address) and "%" in address)


@lru_cache(maxsize=64)
def _store(kind: str, encoded: bool) -> Any:
    purpose = f"read {kind}:// addresses"
    try:
        import fsspec
    except ImportError:
        raise MissingExtra("fsspec", "stores", purpose) from None
    options: dict[str, Any] = {"use_listings_cache": False}
    if kind in ("http", "https"):
        options["encoded"] = encoded  # an escaped signature must arrive as it was made
    # A refusal is a row with its reason; gcsfs would print it with a traceback besides.
    logging.getLogger("gcsfs").addHandler(logging.NullHandler())
    try:
        return fsspec.filesystem(kind, **options)
    except ImportError as error:
        package = {"gs": "gcsfs", "gcs": "gcsfs", "s3": "s3fs", "s3a": "s3fs"}.get(kind)
        if package is None and kind not in ("http", "https"):
            raise InputError(
                f"what is needed to {purpose} is not installed", f"{without_secrets(str(error))}."
            ) from None
        raise MissingExtra(package or "aiohttp", _EXTRAS.get(kind, "stores"), purpose) from None
    except ValueError:
        raise UnknownName("kind of address", f"{kind}://", (f"{k}://" for k in _BROUGHT)) from None


def _within(address: str) -> str:
    """The address as its file system wants it."""
    return str(store(address)._strip_protocol(address))


def _listed(address: str, entry: dict[str, Any]) -> Listed:
    size = entry.get("size")
    folder = entry.get("type") == "directory"
    return Listed(address, folder, None if size is None else int(size), _changed(entry))


def _changed(entry: dict[str, Any]) -> int | None:
    """Time of change in ns, of what stores call by different names; None where it is too fresh."""
    said = next((entry[key] for key in _CHANGED if entry.get(key)), None)
    if isinstance(said, str):
        said = _parsed(said)
    if isinstance(said, datetime):
        aware = said if said.tzinfo else said.replace(tzinfo=timezone.utc)
        said = aware.timestamp()
    if not isinstance(said, (int, float)):
        return None
    changed = int(said * 1e6) * 1000
    return changed if time.time_ns() - changed > _TOO_FRESH_NS else None


def _parsed(text: str) -> datetime | None:
    from email.utils import parsedate_to_datetime  # a web server's; pictures on a disk need it not

    for read in (datetime.fromisoformat, parsedate_to_datetime):
        with contextlib.suppress(ValueError, TypeError):
            return read(text.replace("Z", "+00:00"))
    return None


def _part(address: str, start: int, end: int) -> bytes:
    data: bytes = store(address).cat_file(_within(address), start=start, end=end)
    return data


def _streamed(address: str, start: int, most: int | None, *, part: bool = False) -> bytes:
    """Bytes of a web server, no more than `most` of them whatever it sends.

    part : `most` bytes from `start` are asked for; else more than `most` are refused.
    """
    ranged: dict[str, Any] = {}
    if part and most is not None:
        ranged["headers"] = {"Range": f"bytes={start}-{start + most - 1}"}
    # A block size of 0 is fsspec's word for one request that is read as it comes.
    with store(address).open(address, block_size=0, size=1, **ranged) as file:
        if part and file.r.status != 206 and start:
            raise UnreadableImage(
                "its server gives no parts of files", "Fetch the archive, and name the file."
            )
        pieces: list[bytes] = []
        got = 0
        while piece := file.read(_PIECE):
            pieces.append(piece)
            got += len(piece)
            if most is not None and got > most:
                break
        data = b"".join(pieces)
    if part:
        return data[:most]
    _check_size(len(data), most)
    return data


def _check_size(size: int, most: int | None) -> None:
    if most is not None and size > most:
        raise ImageTooLarge(
            f"it is over {most:,} bytes, more than an image of the limit takes",
            "Use a higher --max-megapixels, or leave it out.",
        )


def _in_tries(ask: Callable[[], T]) -> T:
    """What `ask` gives; asked again where the network or the store was at fault.

    Raises errors of ours only, with nothing in them but what may be shown.
    """
    for left in range(_TRIES - 1, -1, -1):
        try:
            return ask()
        except SnellenError:
            raise
        except Exception as error:  # every store's library has exceptions of its own
            if not (left and _may_pass(error)):
                raise _told(error) from None
        time.sleep(_PAUSE * 2 ** (_TRIES - 1 - left))
    raise AssertionError("unreachable")


def _status(error: Exception) -> int | None:
    """The HTTP status an exception speaks of."""
    for name in ("status", "code", "status_code"):
        found = getattr(error, name, None)
        if isinstance(found, int) and 100 <= found < 600:
            return found
    return None


def _may_pass(error: Exception) -> bool:
    status = _status(error)
    if status is not None:
        return status == 429 or status >= 500
    if isinstance(error, (FileNotFoundError, PermissionError)):
        return False
    kind = f"{type(error).__module__}.{type(error).__name__}"
    return (
        _timed_out(error)
        or isinstance(error, ConnectionError)
        or (kind.startswith("aiohttp.") and "InvalidU" not in kind)
    )


def _told(error: Exception) -> UnreadableImage | BrokenImage:
    """A library's exception as a reason."""
    status = _status(error)
    if isinstance(error, FileNotFoundError) or status in (404, 410):
        return UnreadableImage("it is not there (any more)", _CHECK_ADDRESS)
    if isinstance(error, PermissionError) or status in (401, 403) or _is_forbidden(error):
        return UnreadableImage("no permission to read it", _CHECK_RIGHTS)
    if "credential" in type(error).__name__.lower():
        return UnreadableImage("no credentials for it were found", _CHECK_RIGHTS)
    if _timed_out(error):
        return UnreadableImage("its store did not answer in time", "Run the same command again.")
    if status is not None:
        return UnreadableImage(f"its server answered with status {status}", _CHECK_ADDRESS)
    said = without_secrets(str(error))
    reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return UnreadableImage(f"it cannot be read ({reason})", "Run the same command again.")


def _timed_out(error: Exception) -> bool:
    """Before Python 3.11 asyncio has a `TimeoutError` of its own, known here by its name, for to
    import asyncio takes .05 s of every start."""
    return any(kind.__name__ == "TimeoutError" for kind in type(error).__mro__)


def _is_forbidden(error: Exception) -> bool:
    """How gcsfs says 403: in words alone."""
    return type(error) is OSError and str(error).startswith("Forbidden")


def stored(listed: Listed, name: str = "") -> Stored:
    """Something in a store as what can be read; `name` where the shown address is not unique."""
    return Stored(listed.address, name or shown(listed.address), listed.size, listed.mtime_ns)
