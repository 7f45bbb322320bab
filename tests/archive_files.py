"""Archives as people and attackers make them."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np
from PIL import Image


def jpeg(seed: int, side: int = 24) -> bytes:
    """A small JPEG whose bytes depend on `seed`."""
    pixels = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=80)
    return file.getvalue()


def zipped(files: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip file with these members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return made.getvalue()


def tarred(files: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar file with these members, as WebDataset shards are."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def tar_entry(name: str, kind: bytes, target: str = "") -> bytes:
    """The header of an entry without content: a link, a pipe, a device."""
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry.tobuf(tarfile.USTAR_FORMAT)


def zip_bomb(name: str, megabytes: int, said: int | None = None) -> bytes:
    """A zip of one member of zeros, a thousandth of its length; `said` is the length it tells."""
    squeeze = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    piece = bytes(1_000_000)
    packed, check = b"", 0
    for _ in range(megabytes):
        packed += squeeze.compress(piece)
        check = zlib.crc32(piece, check)
    packed += squeeze.flush()
    size = megabytes * 1_000_000 if said is None else said
    path = name.encode()
    head = struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 33, check, len(packed), size, len(path), 0)
    local = b"PK\x03\x04" + head + path + packed
    central = b"PK\x01\x02" + struct.pack("<H", 20) + head + struct.pack("<HHHII", 0, 0, 0, 0, 0)
    end = struct.pack("<HHHHIIH", 0, 0, 1, 1, len(central) + len(path), len(local), 0)
    return local + central + path + b"PK\x05\x06" + end
