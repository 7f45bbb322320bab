"""What can be read and is no file of its own here: an object in a store, a member of an archive."""

from __future__ import annotations

import io
import os
from abc import ABC, abstractmethod
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeAlias

from snellen.images.identify import printable_name

Stamp: TypeAlias = "tuple[int | None, int | None]"
NO_STAMP: Stamp = (None, None)
_READ_AHEAD = 1 << 20  # bytes fetched at once where a part of an object is looked through


class Source(ABC):
    """One image that lies somewhere. Stands where a `Path` may, as far as images are read.

    `str` of it is its whole name: printable, different for different sources of a search, without
    secrets.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def size(self) -> int | None:
        """Bytes, as listed; None where the listing does not say."""

    @property
    @abstractmethod
    def mtime_ns(self) -> int | None:
        """Time of the last change, ns; None where the listing does not say."""

    @abstractmethod
    def read_bytes(self, most: int | None = None) -> bytes:
        """Its whole content. Raises `ImageError`: gone, no rights, damaged, over `most` bytes."""

    @property
    def stamp(self) -> Stamp:
        """Size and time of change; (None, None) unless both are known."""
        return (
            NO_STAMP if self.size is None or self.mtime_ns is None else (self.size, self.mtime_ns)
        )

    @property
    def name(self) -> str:
        """The last part of its name, as of a `Path`."""
        return PurePosixPath(str(self)).name

    @property
    def suffix(self) -> str:
        """The ending of its name with the dot, as of a `Path`."""
        return PurePosixPath(str(self)).suffix


AnyFile: TypeAlias = Path | Source


def name_of(file: AnyFile) -> str:
    """What to call a file in front of people and in tables: one printable line, all of its name."""
    return str(file) if isinstance(file, Source) else printable_name(file)


class Blob(ABC):
    """A long file of which parts are read: what an archive lies in."""

    __slots__ = ()

    @property
    @abstractmethod
    def size(self) -> int: ...

    @property
    @abstractmethod
    def mtime_ns(self) -> int | None: ...

    @abstractmethod
    def part(self, start: int, length: int) -> bytes:
        """`length` bytes from `start`; fewer where it ends first. Raises `ImageError`."""

    def open(self) -> BinaryIO:
        """To be read and sought in; each step forward fetches a mebibyte."""
        return io.BufferedReader(_Parts(self), _READ_AHEAD)


class LocalFile(Blob):
    """A file of this machine; raises `OSError` where it cannot be read."""

    __slots__ = ("_path", "_status")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._status = self._path.stat()

    @property
    def size(self) -> int:
        return self._status.st_size

    @property
    def mtime_ns(self) -> int:
        return self._status.st_mtime_ns

    def part(self, start: int, length: int) -> bytes:
        with self._path.open("rb") as file:
            file.seek(start)
            return file.read(length)

    def open(self) -> BinaryIO:
        return self._path.open("rb")


class _Parts(io.RawIOBase):
    """A blob as a raw file."""

    def __init__(self, blob: Blob) -> None:
        self._blob, self._at = blob, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._blob.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer).cast("B")  # type: ignore[arg-type]
        length = min(len(view), self._blob.size - self._at)
        if length <= 0:
            return 0
        data = self._blob.part(self._at, length)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
