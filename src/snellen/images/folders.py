"""Folders of this machine, with those in them: their images in order of their whole names.

Made for millions of files: of each one question is asked of the system, and what is kept is one
number. In one folder a sub-folder stands where its name with a slash behind it would, so that what
comes out is in order as a whole: `a-b.jpg` before `a/1.jpg`.
"""

from __future__ import annotations

import os
import stat
from collections import defaultdict
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from snellen.errors import UnreadableImage
from snellen.images.formats import EXTENSIONS
from snellen.images.found import Census, Found, Met
from snellen.images.identify import printable_name
from snellen.images.sources import NO_STAMP

_IMAGE_ENDINGS = frozenset(chain.from_iterable(EXTENSIONS.values()))


def is_image_name(name: str) -> bool:
    """Whether a name ends like that of an image."""
    return os.path.splitext(name)[1].lower() in _IMAGE_ENDINGS


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one; a link to itself is neither."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def met(path: str, status: os.stat_result) -> Met:
    """A file that was named."""
    return Met(path, printable_name(path), _stamp(status))


class Walk:
    """Looks into folders; every file and every folder is met once, whatever its names.

    census    : counts what is left out.
    recursive : look into sub-folders too.
    """

    def __init__(self, census: Census, *, recursive: bool = True) -> None:
        self._census = census
        self._recursive = recursive
        self._seen: defaultdict[int, set[int]] = defaultdict(set)  # inodes of each device

    def is_new(self, status: os.stat_result) -> bool:
        """Whether this file or folder is met for the first time."""
        seen = self._seen[status.st_dev]
        if status.st_ino in seen:
            self._census.again += stat.S_ISREG(status.st_mode)
            return False
        seen.add(status.st_ino)
        return True

    def under(self, root: str, status: os.stat_result) -> Iterator[Met | Found]:
        """Every image in a folder and its sub-folders, however deep."""
        stack = [self._inside(root, status)]
        while stack:
            for entry in stack[-1]:
                if isinstance(entry, _Folder):
                    stack.append(self._inside(entry.path, entry.status))
                    break
                yield entry
            else:
                stack.pop()

    def _inside(self, folder: str, status: os.stat_result) -> Iterator[Met | Found | _Folder]:
        """The images of one folder, and its sub-folders, in order."""
        if not self.is_new(status):
            return
        try:
            names, plain = self._names(folder)
        except OSError as error:
            yield _unlisted(folder, error)
            return
        self._census.folders += 1
        before = os.path.join(folder, "")
        shown = printable_name(before)
        device, seen = status.st_dev, self._seen[status.st_dev]
        for name in names:
            path = before + name
            try:
                status = os.stat(path)
            except OSError:  # a link to nowhere, or gone by now: reading it will tell
                if is_image_name(name.rstrip("/")):
                    path = path.rstrip("/")
                    yield Met(path, printable_name(path), NO_STAMP)
                continue
            # A million times: what `is_new` and `_stamp` do, for the files of this folder's disk.
            if stat.S_ISREG(status.st_mode) and status.st_dev == device and name[-1] != "/":
                if status.st_ino in seen:
                    self._census.again += 1
                    continue
                seen.add(status.st_ino)
                stamp = status.st_size, status.st_mtime_ns
                yield Met(path, shown + (name if plain else printable_name(name)), stamp)
            elif stat.S_ISDIR(status.st_mode):
                if self._recursive:
                    yield _Folder(path.rstrip("/"), status)
            elif is_image_name(name) and self.is_new(status):
                yield met(path, status)

    def _names(self, folder: str) -> tuple[list[str], bool]:
        """The names in a folder that may be images, and folders' with a slash behind; sorted.

        And whether they are shown as they are.
        """
        names, others, hidden = [], 0, 0
        with os.scandir(folder) as entries:
            for entry in entries:
                name = entry.name
                if name[0] == ".":
                    hidden += 1
                elif is_folder(entry):
                    names.append(name + "/")
                elif name[name.rfind(".") :].lower() in _IMAGE_ENDINGS:
                    names.append(name)
                else:
                    others += 1
        self._census.hidden += hidden
        self._census.others += others
        plain = all(map(str.isprintable, names)) and not any("\\" in name for name in names)
        names.sort(key=None if plain else printable_name)
        return names, plain


class _Folder:
    """A sub-folder that is to be looked into."""

    __slots__ = ("path", "status")

    def __init__(self, path: str, status: os.stat_result) -> None:
        self.path = path
        self.status = status


def _stamp(status: os.stat_result) -> tuple[int | None, int | None]:
    return (status.st_size, status.st_mtime_ns) if stat.S_ISREG(status.st_mode) else NO_STAMP


def _unlisted(folder: str, error: OSError) -> Found:
    name = printable_name(folder)
    return Found(
        Path(folder),
        name,
        UnreadableImage(
            f"the folder {name} cannot be listed ({error.strerror})",
            "Change its permissions, or leave it out.",
        ),
    )
