"""An image as part of a question: known by its content, decoded only when someone looks.

Memory needs the hash of every image and the pixels of few; a judge needs the pixels. So an
`ImagePart` keeps where the image comes from, hashes it once and decodes it each time it is asked:
a judge that wants the pixels twice keeps them itself, and a long list of questions stays small.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from snellen.errors import BrokenImage, InputError, UnreadableImage
from snellen.images import AnyFile, Picture, Source, content_hash, printable_name, read

Pixels: TypeAlias = npt.NDArray[np.uint8]


class ImagePart:
    """One image of a question.

    source : a `Path` or a `Source` of a store; the bytes of an image file; a `Picture`; or
             (h, w, 3) uint8 sRGB pixels. An array is not copied and must not be changed afterwards.
    name   : what to call it in front of people and in tables; a path's own name if not given. It
             takes no part in the identity.
    Two parts are equal when their `hash` is. Raises `InputError` for any other source. A file is
    opened when `hash` or `pixels` is first asked for, so that is where `ImageError`s come from.
    """

    __slots__ = ("_hash", "_source", "name")

    def __init__(self, source: AnyFile | bytes | Picture | Pixels, name: str = "") -> None:
        if isinstance(source, np.ndarray):
            source = _checked(source)
        elif not isinstance(source, (Path, Source, bytes, Picture)):
            raise InputError(
                f"an image is given as {type(source).__name__}",
                "Give a pathlib.Path, the bytes of a file, a Picture, or (h, w, 3) uint8 pixels.",
            )
        self._source = source
        self._hash = ""
        self.name = name
        if not name and isinstance(source, (Path, Source)):
            self.name = printable_name(source.name)

    @property
    def hash(self) -> str:
        """Who the image is: 64 hexadecimal digits, computed once.

        Of files and `Picture`s read from them, the `content_hash` of the file's bytes; of pixels,
        SHA-256 of their size and values. A `Picture` decoded at 1/scale is another image than its
        file, so the scale is hashed along.
        """
        if not self._hash:
            self._hash = _hash(self._source)
        return self._hash

    def pixels(self) -> Pixels:
        """(h, w, 3) uint8, sRGB, oriented as it is meant to be seen; decoded anew at each call.

        Raises the `ImageError`s of `images.read`, and `BrokenImage` where a file is no longer the
        one that was hashed: an answer must never be filed under another image.
        """
        if isinstance(self._source, np.ndarray):
            return self._source
        if isinstance(self._source, Picture):
            return self._source.pixels
        picture = read(self._source)
        if self._hash and picture.hash != self._hash:
            raise BrokenImage(
                f"{self.name}: the file changed while questions about it were asked",
                "Ask again when nothing writes to it.",
            )
        self._hash = picture.hash
        return picture.pixels

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ImagePart) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def __repr__(self) -> str:
        return f"ImagePart({self.name or self._hash[:16] or type(self._source).__name__!r})"


def _checked(pixels: npt.NDArray[np.generic]) -> Pixels:
    """The array as contiguous read-only pixels; `InputError` where it is something else."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise InputError(
            f"an image is given as a {pixels.dtype} array of shape {pixels.shape}",
            "Give (height, width, 3) uint8 sRGB pixels.",
        )
    view: Pixels = np.ascontiguousarray(pixels, np.uint8).view()
    view.flags.writeable = False
    return view


def _hash(source: AnyFile | bytes | Picture | Pixels) -> str:
    if isinstance(source, bytes):
        return content_hash(source)
    if isinstance(source, Picture):
        if source.scale == 1:
            return source.hash
        return content_hash(f"{source.hash} at 1/{source.scale}".encode())
    if isinstance(source, Source):
        return content_hash(source.read_bytes())
    if isinstance(source, Path):
        return content_hash(_file_bytes(source))
    height, width, _ = source.shape
    digest = hashlib.sha256(f"pixels {width}×{height}\n".encode(), usedforsecurity=False)
    digest.update(source.tobytes())
    return digest.hexdigest()


def _file_bytes(path: Path) -> bytes:
    """The whole content of an ordinary file, without decoding it; never waits for a pipe."""
    name = printable_name(path)
    if path.exists() and not path.is_file():
        raise UnreadableImage(f"{name}: it is no ordinary file", "Name an image file.")
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or error
        raise UnreadableImage(f"{name}: it cannot be read ({reason})", "Check the path.") from None
