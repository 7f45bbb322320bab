"""Pictures inside zip and tar files, read where they lie: nothing is unpacked to disk.

An archive is listed first and its pictures are read one by one, each by its place, so any number of
threads may read at once and a store is asked for no more than the picture's bytes. WebDataset
shards are tar files. Whatever a hostile archive says, no path in it is opened, no more is inflated
than the limit on one file, and what is damaged is told, never passed over.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO

from snellen.errors import BrokenImage, ImageError, ImageTooLarge, NotAnImage, UnreadableImage
from snellen.images.identify import printable_name
from snellen.images.sources import Blob, Source
from snellen.images.tar import Entry, TarDamaged, header_check, tar_entries

ARCHIVES = (".zip", ".tar")
#: Compressed as a whole: nothing in them can be reached without unpacking all that comes before.
PACKED = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst", ".tzst")

_AGAIN = "Get the archive again from where it came."
_STORED, _DEFLATED = 0, 8
_ENCRYPTED = 1  # bit of a zip member's flags
_LOCAL_HEADER = 30  # bytes, then the name and an extra field (APPNOTE.TXT §4.3.7)
_EXTRA = 1024  # bytes fetched besides a zip member's own for that extra field. Ours.


@dataclass(frozen=True, slots=True)
class Member(Source):
    """One file in an archive.

    place  : of its header in the archive, bytes.
    packed : bytes it takes there after the header.
    method : "tar", or a zip's number of its compression.
    check  : CRC-32 of a zip member's content, of a tar member's header.
    """

    archive: Blob = field(repr=False)
    whole_name: str
    length: int
    place: int
    packed: int
    method: int | str
    check: int

    def __str__(self) -> str:
        return self.whole_name

    @property
    def size(self) -> int:
        return self.length

    @property
    def mtime_ns(self) -> int | None:
        return self.archive.mtime_ns

    def read_bytes(self, most: int | None = None) -> bytes:
        if most is not None and max(self.length, self.packed) > most:
            raise ImageTooLarge(
                f"its {max(self.length, self.packed):,} bytes are more than an image of the limit"
                " takes",
                "Use a higher --max-megapixels, or leave it out: it may be a decompression bomb.",
            )
        return self._from_tar() if self.method == "tar" else self._from_zip()

    def _from_tar(self) -> bytes:
        data = self.archive.part(self.place, 512 + self.length)
        if header_check(data[:512]) != self.check:
            raise _changed()
        if len(data) < 512 + self.length:
            raise BrokenImage("the archive ends within it", _AGAIN)
        return data[512:]

    def _from_zip(self) -> bytes:
        likely = _LOCAL_HEADER + len(self.whole_name.encode("utf-8", "replace")) + _EXTRA
        data = self.archive.part(self.place, likely + self.packed)
        if data[:4] != b"PK\x03\x04" or len(data) < _LOCAL_HEADER:
            raise _changed()
        name, extra = int.from_bytes(data[26:28], "little"), int.from_bytes(data[28:30], "little")
        start = _LOCAL_HEADER + name + extra
        if start + self.packed > len(data):
            data = self.archive.part(self.place, start + self.packed)
        content = data[start : start + self.packed]
        if len(content) < self.packed:
            raise BrokenImage("the archive ends within it", _AGAIN)
        if self.method == _DEFLATED:
            content = _inflated(content, self.length)
        if len(content) != self.length or zlib.crc32(content) != self.check:
            raise BrokenImage("its bytes are not those the archive tells of", _AGAIN)
        return content


@dataclass(frozen=True, slots=True)
class Refused:
    """Something in an archive, or the archive itself, that gives no picture, and why."""

    whole_name: str
    problem: ImageError


def is_archive(name: str) -> bool:
    """Whether a name is that of an archive whose pictures can be read."""
    return name.lower().endswith(ARCHIVES)


def is_packed(name: str) -> bool:
    """Whether a name is that of an archive compressed as a whole."""
    return name.lower().endswith(PACKED)


def packed_problem(name: str) -> UnreadableImage:
    """Why such an archive is not read."""
    return UnreadableImage(
        f"{name} is compressed as a whole, so no picture in it can be reached by itself",
        "Decompress it to a .tar first (pictures gain nothing from it).",
    )


def members(archive: Blob, name: str) -> Iterator[Member | Refused]:
    """Every file of an archive in order of its path; what is wrong with it comes last.

    archive : the zip or tar file; which of them the content says.
    name    : to be shown; a member is called `name/path/in/it`.
    A path that stands there twice is the later file, which unpacking would leave.
    Raises `ImageError` where the archive cannot be reached at all.
    """
    found: dict[str, Member | Refused] = {}
    end: Refused | None = None
    with archive.open() as file:
        start = file.read(4)
        file.seek(0)
        entries = _zip_members if start[:2] == b"PK" else _tar_members
        try:
            for one in entries(file, archive, name):
                found[one.whole_name] = one
        except ImageError as error:
            end = Refused(name, type(error)(f"{name}: {error.what}", error.fix))
    yield from (found[one] for one in sorted(found))
    if end is not None:
        yield end


def _zip_members(file: BinaryIO, archive: Blob, name: str) -> Iterator[Member | Refused]:
    try:
        with zipfile.ZipFile(file) as opened:
            entries = opened.infolist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise BrokenImage(
            f"the zip file is damaged or half-written ({_plain(error)})", _AGAIN
        ) from None
    for entry in entries:
        if entry.is_dir():
            continue
        path = entry.orig_filename.replace("\\", "/")
        whole = f"{name}/{printable_name(path)}"
        if (problem := _climbs(path)) is not None:
            yield _refused(whole, problem)
        elif entry.flag_bits & _ENCRYPTED:
            yield _refused(whole, UnreadableImage("it is encrypted", "Unpack the archive."))
        elif entry.compress_type not in (_STORED, _DEFLATED):
            what = f"it is compressed by zip's method {entry.compress_type}"
            yield _refused(whole, NotAnImage(f"{what}, which is not read", "Unpack the archive."))
        else:
            yield Member(
                archive, whole, entry.file_size, entry.header_offset, entry.compress_size,
                entry.compress_type, entry.CRC,
            )  # fmt: skip


def _tar_members(file: BinaryIO, archive: Blob, name: str) -> Iterator[Member | Refused]:
    try:
        for entry in tar_entries(file, archive.size):
            whole = f"{name}/{printable_name(entry.path)}"
            if (problem := _climbs(entry.path) or _no_file(entry)) is not None:
                yield _refused(whole, problem)
            else:
                yield Member(
                    archive, whole, entry.size, entry.header, entry.size, "tar", entry.check
                )
    except TarDamaged as error:
        raise BrokenImage(f"the tar file is damaged or half-written ({error})", _AGAIN) from None


def _climbs(path: str) -> ImageError | None:
    """Why a path is one that no archive of good faith has."""
    if path.startswith("/") or ".." in PurePosixPath(path).parts or path[1:2] == ":":
        return UnreadableImage("its path leads out of the archive", "Leave it out.")
    return None


def _no_file(entry: Entry) -> ImageError | None:
    if entry.is_file:
        return None
    return UnreadableImage(f"it is {entry.kind} in the archive, no file", "Unpack the archive.")


def _refused(name: str, problem: ImageError) -> Refused:
    return Refused(name, type(problem)(f"{name}: {problem.what}", problem.fix))


def _inflated(data: bytes, length: int) -> bytes:
    """Deflated data, at most one byte more than they should be."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, length + 1)
    except zlib.error as error:
        raise BrokenImage(f"its bytes in the archive are damaged ({error})", _AGAIN) from None


def _changed() -> BrokenImage:
    return BrokenImage(
        "the archive has changed since it was listed, or is damaged",
        "Run the same command again when nothing writes to it.",
    )


def _plain(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
