"""The entries of a tar file, header by header.

Python's `tarfile` takes a damaged header for the end of the archive and reads headers of any length
into memory; here the end is an end mark or it is told, and an extended header has a limit.
Source: POSIX.1-2017 pax §"ustar Interchange Format", §"pax Header Block"; GNU tar manual §"Basic
Tar Format".
"""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

BLOCK = 512
_LONGEST = 1 << 20  # bytes of an extended header: a path has some thousand. Ours.
_PAX, _PAX_GLOBAL, _LONG_NAME, _LONG_LINK = b"x", b"g", b"L", b"K"
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_FOLDERS = (tarfile.DIRTYPE,)
_KINDS = {
    tarfile.LNKTYPE: "a link",
    tarfile.SYMTYPE: "a link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a file with holes",
}
_WITHOUT_DATA = (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE,
                 tarfile.FIFOTYPE, tarfile.DIRTYPE)  # fmt: skip


class TarDamaged(Exception):
    """The archive is no tar file, or ends or goes on as none does."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry that is no folder.

    header : place of its header block, bytes; its content follows it.
    check  : `header_check` of that block.
    kind   : what it is if it is no file.
    """

    path: str
    size: int
    header: int
    check: int
    is_file: bool
    kind: str


def header_check(block: bytes) -> int:
    """A number by which the same header is known again."""
    return zlib.crc32(block)


def tar_entries(file: BinaryIO, size: int) -> Iterator[Entry]:
    """Every entry of a tar file in its order. Raises `TarDamaged` after the last good one.

    size : bytes of the file.
    """
    at = 0
    path: str | None = None  # said by an extended header before the one it is for
    length: int | None = None
    while True:
        file.seek(at)
        block = file.read(BLOCK)
        if not block.strip(b"\0"):
            if len(block) < BLOCK:
                raise TarDamaged("it has no end mark" if at else "it is empty")
            return
        header = _parsed(block, at)
        data = at + BLOCK
        stored = header.size if length is None else length
        if header.type in (_PAX, _LONG_NAME):
            if header.size > _LONGEST:
                raise TarDamaged(f"an extended header of {header.size:,} bytes")
            text = file.read(header.size)
            if header.type == _PAX:
                said = _pax(text)
                path = said.get("path", path)
                length = _number(said["size"]) if "size" in said else length
            else:
                path = text.rstrip(b"\0").decode("utf-8", "surrogateescape")
            stored = header.size
        elif header.type in (_PAX_GLOBAL, _LONG_LINK):
            stored = header.size
        else:
            if header.type in _WITHOUT_DATA:
                stored = 0
            name = header.name if path is None else path
            if header.type not in _FOLDERS:
                kind = _KINDS.get(header.type, "something unusual")
                is_file = header.type in _FILES
                yield Entry(name, stored, at, header_check(block), is_file, kind)
            path = length = None
        at = data + -(-stored // BLOCK) * BLOCK
        if data + stored > size:
            raise TarDamaged(f"it ends at byte {size:,}, within {header.name!r}")


def _parsed(block: bytes, at: int) -> tarfile.TarInfo:
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        what = "it does not begin as one" if not at else f"no header at byte {at:,}"
        raise TarDamaged(f"{what}: {error}") from None
    if header.size < 0:
        raise TarDamaged(f"a size below 0 at byte {at:,}")
    return header


def _pax(data: bytes) -> dict[str, str]:
    """The records "LENGTH KEY=VALUE\\n" of a pax header."""
    said, at = {}, 0
    while at < len(data) and data[at : at + 1] != b"\0":
        digits = data[at : at + 20].split(b" ", 1)[0]
        if not digits.isdigit() or not len(digits) < int(digits) <= len(data) - at:
            raise TarDamaged("an extended header of no known form")
        record = data[at + len(digits) + 1 : at + int(digits) - 1]
        key, _, value = record.partition(b"=")
        said[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        at += int(digits)
    return said


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise TarDamaged(f"a size of {text!r}")
    return int(text)
