"""Who an image is: the hash of its file's bytes; and what to call it in front of people.

The name, the place and the date of a file do not change what is in it, so they take no part in its
identity: a renamed copy is the same image, and a re-encoded one is another.
"""

from __future__ import annotations

import hashlib
import os


def content_hash(data: bytes) -> str:
    """SHA-256 of a file's bytes as 64 lower-case hexadecimal digits.

    data : the whole file, as it lies on the disk (not the decoded pixels).
    The first 16 digits are enough to show to a person; caches and seeds use all of them.
    Source: FIPS 180-4.
    """
    return hashlib.sha256(data, usedforsecurity=False).hexdigest()


def printable_name(path: str | os.PathLike[str]) -> str:
    """A path as one line of valid Unicode, different for different paths.

    Bytes of the name that are no UTF-8, control characters and line separators are written as
    `\\xff` or `\\u2028`, and on POSIX a backslash of the name itself is doubled; so a name can be
    put in a table, a terminal and a page, and no two files share one.
    """
    name = os.fspath(path)
    if os.sep == "\\":
        name = name.replace("\\", "/")
    elif "\\" in name:
        name = name.replace("\\", "\\\\")
    if name.isprintable():
        return name
    return "".join(c if c.isprintable() else _escaped(c) for c in name)


def _escaped(character: str) -> str:
    """One character that cannot be printed, as an escape."""
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # how Python keeps a byte that is no UTF-8 (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
