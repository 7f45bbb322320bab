"""The pictures of a study: which there are, and their bytes for the browser, never anything else.

A picture is asked for by its content hash, so no path ever comes from outside, and what is given
out is what was found when the study was opened: a file that has changed since is refused. Formats
that browsers show go out byte for byte; others are decoded and sent as PNG, whose pixels are equal.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from snellen.distortions import compose, seed_of
from snellen.engine import Paths, score
from snellen.errors import ImageError, NothingFound, StudyError
from snellen.images import AnyFile, content_hash, find, read
from snellen.rating.store import Stimulus
from snellen.runs import Progress

_SHOWN_BY_BROWSERS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "GIF": "image/gif",
    "BMP": "image/bmp",
}
# What everybody should find bad in any picture: strong blur, then strong JPEG. Ours.
_RUIN = (("gaussian-blur", 5), ("jpeg", 5))


@dataclass(frozen=True)
class Known:
    """One picture that can be rated.

    score : of the built-in scorer, 0–100.
    """

    hash: str
    name: str
    path: AnyFile
    format: str
    width: int
    height: int
    score: float


class Gallery:
    """The pictures of a study by their hash.

    known   : hash → picture, in order of name; a file that is there twice is here once.
    missing : (name, reason) of what cannot be rated.
    """

    def __init__(self, known: Iterable[Known], missing: Iterable[tuple[str, str]] = ()) -> None:
        self.known: dict[str, Known] = {}
        for picture in known:
            self.known.setdefault(picture.hash, picture)
        self.missing = list(missing)

    @classmethod
    def open(
        cls,
        paths: Paths,
        progress: Callable[[Progress], None] | None = None,
    ) -> Gallery:
        """Score everything under `paths` with the built-in scorer: every file is read once, so
        that what cannot be shown is known now. Resumes as `score` does.

        Raises what `score` raises; `NothingFound` where not one picture can be read.
        """
        table = score(paths, progress=progress)
        given = [paths] if isinstance(paths, (str, Path)) else list(paths)  # type: ignore[arg-type]
        places = {found.name: found.path for found in find(given)}
        known = [
            Known(
                hash=row["hash"],
                name=row["image"],
                path=places[row["image"]],
                format=row["format"],
                width=row["width"],
                height=row["height"],
                score=row["score"],
            )
            for row in table.scored
            if row["image"] in places
        ]
        missing = [(row["image"], row["missing"]) for row in table.missing]
        if not known:
            name, reason = missing[0]
            raise NothingFound(f"none of the pictures can be read; {name}: {reason}")
        return cls(known, missing)

    def bytes_of(self, stimulus: Stimulus) -> tuple[bytes, str]:
        """What the browser gets for a stimulus, and its media type.

        Raises `StudyError` for a picture that is not of this study, is gone or has changed.
        """
        picture = self.known.get(stimulus.image)
        if picture is None:
            raise StudyError("this picture is not in the folders of the study")
        try:
            data = picture.path.read_bytes()
        except (OSError, ImageError) as error:
            reason = error.what if isinstance(error, ImageError) else error.strerror
            raise StudyError(
                f"{picture.name} cannot be read any more ({reason})",
                "Put it back where it was.",
            ) from error
        if content_hash(data) != picture.hash:
            raise StudyError(
                f"{picture.name} has changed since the study was opened",
                "Start the command again.",
            )
        if stimulus.ruined:
            return _ruined(picture.path, picture.hash), "image/png"
        kind = _SHOWN_BY_BROWSERS.get(picture.format)
        return (data, kind) if kind else (_as_png(picture.path, picture.hash), "image/png")


@lru_cache(maxsize=16)
def _as_png(path: AnyFile, digest: str) -> bytes:
    """The pixels as PNG. `digest` is there to know a changed file from the one kept."""
    return _png(path, ruin=False)


@lru_cache(maxsize=16)
def _ruined(path: AnyFile, digest: str) -> bytes:
    return _png(path, ruin=True)


def _png(path: AnyFile, *, ruin: bool) -> bytes:
    from PIL import Image

    try:
        picture = read(path)
    except ImageError as error:
        raise StudyError(f"{path.name} cannot be shown: {error.what}", error.fix) from error
    pixels = picture.pixels
    if ruin:
        pixels = compose(pixels, _RUIN, seed=seed_of(picture.hash, "ruined", 5))
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", compress_level=1)
    return out.getvalue()
