"""Find image files: folders, globs, single files and lists on standard input."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from snellen.errors import UnreadableImage

EXTENSIONS = frozenset(
    ".jpg .jpeg .jpe .jfif .mpo .png .apng .webp .avif .tif .tiff .bmp .dib .gif .heic .heif .hif".split()
)


@dataclass(frozen=True, slots=True)
class Found:
    """One file to score. `problem` says why it cannot be reached, where that is known already."""

    path: Path
    name: str
    problem: UnreadableImage | None = None


def find(
    paths: Iterable[str | os.PathLike[str]],
    *,
    stdin: BinaryIO | None = None,
    recursive: bool = True,
) -> Iterator[Found]:
    """Every image under `paths`, in a fixed order."""
    for given in paths:
        root = Path(given)
        if not root.is_dir():
            yield Found(root, str(root))
            continue
        for path in sorted(root.rglob("*") if recursive else root.glob("*")):
            if path.suffix.lower() in EXTENSIONS and not path.is_dir():
                yield Found(path, str(path))
