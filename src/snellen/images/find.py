"""Find images: folders, globs, single files, lists, archives, and the same in object stores.

Files come one by one in a fixed order, whatever their number: what is kept in memory is one
folder's names and one number for each file given. Nothing is dropped in silence: what cannot be
reached comes as a `Found` with a `problem`, and what is left out is counted in a `Census`.
"""

from __future__ import annotations

import difflib
import fnmatch
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

from snellen.errors import UnreadableImage
from snellen.images.addresses import is_address, local_path, scheme
from snellen.images.archives import is_archive, is_packed, packed_problem
from snellen.images.folders import Walk, is_folder, is_image_name, met
from snellen.images.found import Census, Found, Met
from snellen.images.identify import printable_name
from snellen.images.places import Known, Place, in_archive, in_store, split, under
from snellen.images.sources import AnyFile, LocalFile
from snellen.images.stores import Listed, stored

_MAGIC = re.compile(r"[*?\[]")
_LIST_CHUNK = 1 << 16


def find(
    paths: Iterable[str | os.PathLike[str]],
    *,
    stdin: BinaryIO | None = None,
    recursive: bool = True,
    census: Census | None = None,
) -> Iterator[Found]:
    """Every image under `paths`: path after path, in each folder in order of whole names.

    paths     : folders, files, globs (`*`, `?`, `[…]`, `**`), zip and tar files, addresses of all
                these in stores (`s3://…`), or `-` for a list of them on standard input, separated
                by newlines, or by NULs where there is one in the first 64 KiB.
    stdin     : where `-` reads from; the process's standard input by default.
    recursive : look into sub-folders too.
    census    : counts what is left out.

    Inside a folder only files with an image's ending are given, and names that begin with a dot
    are left out; a file that is named is given whatever its name is, so that a wrong one becomes a
    row with its reason. An archive is looked into where it is named or a glob matches it, not where
    it lies in a folder. Links are followed. Every file is given once, under the first of its names,
    and every folder is looked into once, so links in a circle end.
    Raises `MissingExtra` where what reads a store is not installed, `UnknownName` for an address of
    no known kind, `InputError` for one that holds a password its store does not take.
    """
    search = _Search(recursive, census if census is not None else Census())
    for one in search.all(paths, stdin):
        yield one.found() if isinstance(one, Met) else one


def meet(paths: Iterable[str | os.PathLike[str]], census: Census) -> Iterator[Met | Found]:
    """What `find` gives, files of this machine as texts with the stamps they had."""
    return _Search(True, census).all(paths, None)


def comes_in_order(paths: Iterable[str | os.PathLike[str]]) -> bool:
    """Whether `find` gives what is under `paths` sorted by name: folders of this machine that are
    sorted themselves and lie apart."""
    names = []
    for given in paths:
        path = os.fspath(given)
        if is_address(path) or not os.path.isdir(path):
            return False
        names.append(printable_name(os.path.join(path, "")))
    return all(a < b and not b.startswith(a) for a, b in pairwise(names))


def found_again(names: Iterable[str]) -> list[AnyFile]:
    """What a table calls by name, as it can be read; each archive is listed once.

    What is not there (any more) is told when it is read.
    """
    given = list(names)
    of_archive = {name: split(name)[0] for name in given}
    members = {
        found.name: found.path
        for archive in sorted({*of_archive.values()} - {""})
        for found in find([archive])
    }
    files: list[AnyFile] = []
    for name in given:
        if of_archive[name]:
            files.append(members.get(name, Path(name)))
        else:
            files.append(stored(Listed(name)) if is_address(name) else Path(name))
    return files


class _Search:
    """One search: what was asked for, and what was given already."""

    def __init__(self, recursive: bool, census: Census) -> None:
        self._recursive = recursive
        self._census = census
        self._walk = Walk(census, recursive=recursive)
        self._known = Known()
        self._placed_names: set[str] = set()  # given, of what lies in stores and archives

    def all(
        self, paths: Iterable[str | os.PathLike[str]], stdin: BinaryIO | None
    ) -> Iterator[Met | Found]:
        """What the paths stand for, one after the other."""
        for given in paths:
            path = os.fspath(given)
            if path == "-":
                for listed in _listed(stdin if stdin is not None else sys.stdin.buffer):
                    yield from self.named(listed)
            else:
                yield from self.named(path)

    def named(self, path: str) -> Iterator[Met | Found]:
        """What one path stands for: a folder, a file, or a glob where no such file exists."""
        archive, inside = split(path)
        if scheme(archive or path) == "file":
            path = os.fspath(local_path(archive or path))
            archive = archive and path
        if is_address(archive or path):
            yield from self._placed(
                in_store(archive, self._known, inside)
                if archive
                else under(path, self._known, is_image_name, recursive=self._recursive)
            )
        elif archive and os.path.isfile(archive):
            yield from self._inside_archive(archive, inside)
        else:
            yield from self._here(path)

    def _inside_archive(self, path: str, pattern: str = "") -> Iterator[Found]:
        """The images of an archive of this machine."""
        name = printable_name(path)
        try:
            archive = LocalFile(path)
        except OSError as error:
            yield _missing(path, error)
            return
        yield from self._placed(in_archive(lambda: archive, name, self._known, pattern))

    def _placed(self, places: Iterable[Place]) -> Iterator[Found]:
        """What was found in a store or an archive, by the rules for folders."""
        before = self._known.folders
        for place in places:
            if place.name in self._placed_names:
                self._census.again += 1
            elif not place.given and any(
                part.startswith(".") and part.strip(".") for part in place.name.split("/")
            ):
                self._census.hidden += 1
            elif not place.given and not is_image_name(place.name):
                self._census.others += 1
            else:
                self._placed_names.add(place.name)
                yield Found(place.source or Path(place.name), place.name, place.problem)
        self._census.folders += self._known.folders - before

    def _here(self, path: str) -> Iterator[Met | Found]:
        """What a path of this machine stands for."""
        try:
            status = os.stat(path)
        except OSError as error:
            if _MAGIC.search(path):
                matches = 0
                for match in _expand(path):
                    matches += 1
                    yield from self.named(match)
                if matches:
                    return
            yield _missing(path, error)
            return
        except ValueError:  # a NUL in it, from a list separated by something else
            yield Found(
                Path(path),
                printable_name(path),
                UnreadableImage(
                    f"{printable_name(path)!r} is no path", "Separate the list by newlines or NULs."
                ),
            )
            return
        if stat.S_ISDIR(status.st_mode):
            yield from self._walk.under(path, status)
        elif self._walk.is_new(status):
            if is_archive(path) and stat.S_ISREG(status.st_mode):
                yield from self._inside_archive(path)
            elif is_packed(path):
                problem = packed_problem(printable_name(path))
                yield Found(Path(path), printable_name(path), problem)
            else:
                yield met(path, status)


def _missing(path: str, error: OSError) -> Found:
    """A path that was named and is not there, with the names next to it that are nearest."""
    folder, wanted = os.path.split(path)
    reason = "does not exist" if isinstance(error, FileNotFoundError) else f"{error.strerror}"
    near: list[str] = []
    if _MAGIC.search(path):
        reason, fix = "matches nothing", "Check the pattern."
    else:
        fix = "Check the path."
        try:
            near = difflib.get_close_matches(wanted, os.listdir(folder or "."), n=3)
        except OSError:
            reason += f", nor can its folder {printable_name(folder)} be listed"
    if near:
        names = " or ".join(printable_name(os.path.join(folder, name)) for name in near)
        fix = f"Did you mean {names}?"
    name = printable_name(path)
    return Found(Path(path), name, UnreadableImage(f"{name} {reason}", fix))


def _expand(pattern: str) -> Iterator[str]:
    """The paths a glob stands for, folder after folder, by name; `**` is any depth of folders.

    The standard library's `glob` gives them in the file system's order, or all at once.
    """
    drive, rest = os.path.splitdrive(pattern)
    root = drive + (os.sep if rest.startswith(("/", os.sep)) else "")
    parts = [part for part in re.split(r"[/\\]" if os.sep == "\\" else "/", rest) if part]
    yield from _matching(root, parts)


def _matching(folder: str, parts: list[str]) -> Iterator[str]:
    """The paths below `folder` that match the parts of a pattern; a leading dot must be named."""
    if not parts:
        yield folder
        return
    part, rest = parts[0], parts[1:]
    if part == "**":
        yield from _matching(folder, rest)
        # Links are not followed here: two that lead upwards would multiply without end.
        for name in _sorted_names(
            folder, lambda entry: is_folder(entry) and not entry.is_symlink()
        ):
            if not name.startswith("."):
                yield from _matching(os.path.join(folder, name), parts)
    elif _MAGIC.search(part):
        matches = re.compile(fnmatch.translate(part)).match
        for name in _sorted_names(folder, is_folder if rest else None):
            if matches(name) and name.startswith(".") == part.startswith("."):
                yield from _matching(os.path.join(folder, name), rest)
    elif os.path.lexists(path := os.path.join(folder, part)):
        yield from _matching(path, rest)


def _sorted_names(
    folder: str, wanted: Callable[[os.DirEntry[str]], bool] | None = None
) -> list[str]:
    """Names in a folder, sorted by their bytes; none where it cannot be listed."""
    try:
        with os.scandir(folder or ".") as entries:
            names = [entry.name for entry in entries if wanted is None or wanted(entry)]
    except OSError:
        return []
    return sorted(names, key=os.fsencode)


def _listed(stream: BinaryIO) -> Iterator[str]:
    """The paths of a list, one by one as they come."""
    rest = stream.read(_LIST_CHUNK)
    separator = b"\0" if b"\0" in rest else b"\n"
    while rest:
        *whole, rest = rest.split(separator)
        for path in whole:
            if path := path.rstrip(b"\r"):
                yield os.fsdecode(path)
        chunk = stream.read(_LIST_CHUNK)
        if not chunk:
            if path := rest.rstrip(b"\r\n"):
                yield os.fsdecode(path)
            return
        rest += chunk
