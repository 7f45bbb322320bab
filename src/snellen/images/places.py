"""The part of `find` for what lies in stores and archives.

Folders and globs of a store, and pictures of an archive, come in order of name; what cannot be
listed is a `Place` with the reason. Nothing is fetched but listings and the heads of archives.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from snellen.errors import ImageError, InputError, UnreadableImage
from snellen.images import archives, stores
from snellen.images.addresses import LEFT_OUT, is_web, path_part, shown, unchained
from snellen.images.identify import printable_name
from snellen.images.sources import Blob, Source

_MAGIC = re.compile(r"[*?\[]")
_WEB_MAGIC = re.compile(r"\*")  # the others belong to an address
_DEEPEST = 64  # folders in folders of a server, which may invent them without end. Ours.
_FIX_LISTING = "Check the address and the rights, or leave it out."


@dataclass(frozen=True, slots=True)
class Place:
    """One thing found, or the reason why something was not.

    given : it was named itself, or is not a file: to be told of whatever its name is.
    """

    source: Source | None
    name: str
    problem: ImageError | None = None
    given: bool = False


class Known:
    """What a search has met in stores: names given, folders and archives looked into."""

    def __init__(self) -> None:
        self.folders = 0
        self._numbers: dict[str, dict[str, int]] = {}

    def name(self, address: str) -> str:
        """The address as shown; of those that look the same, as only their queries differ, the
        second and later ones are numbered."""
        name = shown(address)
        if not name.endswith(LEFT_OUT):
            return name
        numbers = self._numbers.setdefault(name, {})
        number = numbers.setdefault(address, len(numbers) + 1)
        return name if number == 1 else f"{name}#{number}"


def under(
    address: str, known: Known, is_image: Callable[[str], bool], *, recursive: bool = True
) -> Iterator[Place]:
    """Everything that an address stands for.

    address  : an object, a folder, a glob, an archive in a store.
    is_image : whether a name is that of an image.
    Raises `MissingExtra`, `UnknownName`, `InputError`; anything else is a `Place` with the problem.
    """
    _check(address)
    magic = _WEB_MAGIC if is_web(address) else _MAGIC
    path = path_part(address)
    if magic.search(path):
        yield from _globbed(address, magic, known, is_image, recursive)
    elif archives.is_packed(path):
        yield _problem(shown(address), archives.packed_problem("it"))
    elif archives.is_archive(path):
        yield from in_store(address, known)
    elif is_image(path) or (is_web(address) and not path.endswith("/")):
        yield _object(stores.Listed(address), known)  # asked for when it is read
    else:
        yield from _described(address, known, recursive)


def split(path: str) -> tuple[str, str]:
    """`a.tar` and `x/*.jpg` of `a.tar/x/*.jpg` or `tar://x/*.jpg::a.tar`; ("", "") of others."""
    archive, pattern = unchained(path)
    if archive:
        return archive, pattern
    query = "?" if is_web(path) else "\0"
    before = path.partition(query)[0]
    parts = before.split("/")
    for count, part in enumerate(parts[:-1], 1):
        if archives.is_archive(part):
            return "/".join(parts[:count]) + path[len(before) :], "/".join(parts[count:])
    return "", ""


def in_archive(
    archive: Callable[[], Blob], name: str, known: Known, pattern: str = ""
) -> Iterator[Place]:
    """The files of an archive, those that match a pattern where one is given.

    archive : opens it; may raise `ImageError`.
    pattern : a path in it; `*` is within one name, `**` any folders.
    """
    found = 0
    known.folders += 1
    try:
        for member in archives.members(archive(), name):
            inside = member.whole_name[len(name) + 1 :]
            if pattern and inside and inside != pattern and not fits(inside, pattern):
                continue
            found += 1
            if isinstance(member, archives.Refused):
                yield Place(None, member.whole_name, member.problem, given=not inside)
            else:
                yield Place(member, member.whole_name)
    except ImageError as error:
        yield _problem(name, error)
        return
    if pattern and not found:
        what = f"nothing in it matches {printable_name(pattern)}"
        yield _problem(name, UnreadableImage(what, "Check the pattern."))


def in_store(address: str, known: Known, pattern: str = "") -> Iterator[Place]:
    """The files of an archive in a store; see `in_archive`."""
    _check(address)
    yield from in_archive(lambda: stores.StoredFile(address), known.name(address), known, pattern)


def fits(path: str, pattern: str) -> bool:
    """Whether a path with slashes is one that a pattern stands for."""
    return _fits(path.split("/"), pattern.split("/"))


def _fits(path: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not path
    if pattern[0] == "**":
        return any(_fits(path[at:], pattern[1:]) for at in range(len(path) + 1))
    return bool(path) and fnmatch.fnmatchcase(path[0], pattern[0]) and _fits(path[1:], pattern[1:])


def _check(address: str) -> None:
    """Refuse what no store can be asked with, a password in it above all."""
    if not is_web(address) and "@" in urlsplit(address).netloc:
        raise InputError(
            f"{shown(address)} was given with a name or password, which its store does not take",
            "Leave it out; credentials come from the environment (docs/stores.md).",
        )
    stores.store(address)  # whether there is one is told now, and not once a picture


def _described(address: str, known: Known, recursive: bool) -> Iterator[Place]:
    """A folder's images, or the object itself: the store must be asked which it is."""
    try:
        if is_web(address) or (about := stores.describe(address)).is_folder:
            yield from _walk(address, known, recursive, 0)
        else:
            yield _object(about, known)
    except ImageError as error:
        yield _problem(shown(address), error)


def _walk(address: str, known: Known, recursive: bool, depth: int) -> Iterator[Place]:
    """Every file in a folder and in those below it, in order of name."""
    if depth > _DEEPEST:
        problem = UnreadableImage(f"more than {_DEEPEST} folders in each other", "Leave it out.")
        yield _problem(shown(address), problem)
        return
    try:
        inside = list(stores.entries(address))
    except ImageError as error:
        what = f"the folder cannot be listed: {error.what}"
        yield _problem(shown(address), UnreadableImage(what, error.fix or _FIX_LISTING))
        return
    known.folders += 1
    for entry in inside:
        name = path_part(entry.address).rstrip("/").rpartition("/")[2]
        if name in ("", ".", ".."):
            continue
        if not entry.is_folder:
            yield Place(stores.stored(entry, named := known.name(entry.address)), named)
        elif recursive and not name.startswith("."):
            yield from _walk(entry.address, known, recursive, depth + 1)


def _globbed(
    pattern: str,
    magic: re.Pattern[str],
    known: Known,
    is_image: Callable[[str], bool],
    recursive: bool,
) -> Iterator[Place]:
    """What a glob matches; archives and folders among it are looked into."""
    before, _, after = pattern.partition("://")
    bucket, _, rest = after.partition("/")
    if magic.search(bucket):
        what = UnreadableImage("a bucket or host cannot be a pattern", "Name it.")
        yield _problem(shown(pattern), what)
        return
    found = 0
    for entry in _matches(f"{before}://{bucket}/", rest.split("/"), magic):
        found += 1
        if isinstance(entry, Place):
            yield entry
        elif entry.is_folder:
            yield from _walk(entry.address, known, recursive, 0)
        elif archives.is_archive(path_part(entry.address)):
            file = lambda about=entry: stores.StoredFile(about.address, about)  # noqa: E731
            yield from in_archive(file, known.name(entry.address), known)
        else:
            yield _object(entry, known)
    if not found:
        problem = UnreadableImage("it matches nothing", "Check the pattern.")
        yield _problem(shown(pattern), problem)


def _matches(
    folder: str, parts: list[str], magic: re.Pattern[str]
) -> Iterator[stores.Listed | Place]:
    """What lies under a folder of a store and matches the parts of a pattern."""
    fixed = 0
    while fixed < len(parts) - 1 and not magic.search(parts[fixed]):
        fixed += 1
    folder += "".join(f"{part}/" for part in parts[:fixed])
    part, rest = parts[fixed], parts[fixed + 1 :]
    try:
        inside = list(stores.entries(folder))
    except ImageError as error:
        yield _problem(shown(folder), error)
        return
    if part == "**" and rest:
        yield from _matches(folder, rest, magic)
    fits = re.compile(fnmatch.translate(part)).match
    for entry in inside:
        name = path_part(entry.address).rstrip("/").rpartition("/")[2]
        if name.startswith(".") != part.startswith(".") or not fits(name):
            continue
        if part == "**" and entry.is_folder:
            yield from _matches(f"{entry.address.rstrip('/')}/", parts[fixed:], magic)
        elif not rest:
            yield entry
        elif entry.is_folder:
            yield from _matches(f"{entry.address.rstrip('/')}/", rest, magic)


def _object(listed: stores.Listed, known: Known) -> Place:
    name = known.name(listed.address)
    return Place(stores.stored(listed, name), name, given=True)


def _problem(name: str, error: ImageError) -> Place:
    if not error.what.startswith(name):
        error = type(error)(f"{name}: {error.what}", error.fix)
    return Place(None, name, error, given=True)
