"""A request cut into parts: what one worker does at a time, and what is lost when it dies.

Where a part ends is decided by the names in it and not by their number (as backup programs cut
files): a picture more or less changes its own part, and the others keep their names, by which a
run taken up again knows that they are done.
"""

from __future__ import annotations

import hashlib
import pickle
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from snellen.errors import InputError


@dataclass(frozen=True)
class Part:
    """Some items of a request.

    name  : hash of everything that its rows depend on.
    count : number of items.
    """

    name: str
    count: int
    packed: bytes

    @property
    def items(self) -> list[Any]:
        """What it holds; names of files take a tenth of their length until then."""
        items: list[Any] = pickle.loads(zlib.decompress(self.packed))
        return items


def cut(
    items: Iterable[Any], size: int, identity: str, key: Callable[[Any], Sequence[object]]
) -> Iterator[Part]:
    """Parts of about `size` items, from half of it to twice as many, in order.

    identity : of who works on them.
    key      : what tells an item from others, its name first; two that differ in anything else are
               the same place in the request with another content.
    Raises `InputError` for a size under 1.
    """
    if size < 1:
        raise InputError(f"parts of {size} pictures", "Give --part 1 or more.")
    some: list[Any] = []
    names = _begin(identity)
    for item in items:
        known = key(item)
        some.append(item)
        names.update(repr(tuple(known)).encode("utf-8", "surrogatepass"))
        if len(some) >= 2 * size or (2 * len(some) >= size and _ends_here(str(known[0]), size)):
            yield _part(some, names)
            some, names = [], _begin(identity)
    if some:
        yield _part(some, names)


def _begin(identity: str) -> Any:
    return hashlib.sha256(identity.encode("utf-8", "surrogatepass"))


def _part(some: list[Any], names: Any) -> Part:
    packed = zlib.compress(pickle.dumps(some, pickle.HIGHEST_PROTOCOL), 1)
    return Part(names.hexdigest()[:20], len(some), packed)


def _ends_here(name: str, size: int) -> bool:
    """True of one name in about size / 2, always of the same ones."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return int.from_bytes(digest, "little") % max(1, size // 2) == 0
