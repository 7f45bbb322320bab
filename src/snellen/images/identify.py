"""Who an image is: the hash of its file's bytes, and nothing else.

The name, the place and the date of a file do not change what is in it, so they take no part: a
renamed copy is the same image, and a re-encoded one is another.
"""

from __future__ import annotations

import hashlib


def content_hash(data: bytes) -> str:
    """SHA-256 of a file's bytes as 64 lower-case hexadecimal digits.

    data : the whole file, as it lies on the disk (not the decoded pixels).
    The first 16 digits are enough to show to a person; caches and seeds use all of them.
    Source: FIPS 180-4.
    """
    return hashlib.sha256(data, usedforsecurity=False).hexdigest()
