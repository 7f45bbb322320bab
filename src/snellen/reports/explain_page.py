"""The page of `snellen explain`: the copies shown, what was asked, what each answer contributed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from snellen.errors import ImageError
from snellen.images.thumbnail import make_thumbnail
from snellen.judges import ImagePart
from snellen.reports.shell import printable, write_page
from snellen.scorers.base import Evidence
from snellen.scoring import Explanation
from snellen.scoring.base import PICTURE
from snellen.wording import number, span

_SIDE = 480  # longest side of an image on the page, pixels


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as the page shows it.

    copies  : (name, data URL) of what was shown beside the picture.
    words   : (option, probability) in the order asked.
    figures : (what, figure) under them.
    """

    label: str
    copies: Sequence[tuple[str, str]]
    text: str
    words: Sequence[tuple[str, float]]
    figures: Sequence[tuple[str, str]]
    missing: str


def write_explain_page(path: Path, image: str, found: Explanation) -> Path:
    """Write the page about the picture called `image` and return its path."""
    score = found.score
    facts = [
        ("judge", printable(found.judge)),
        ("method", printable(found.method)),
        ("scale", "0 worst, 100 best"),
    ]
    pictures = {name: _data_url(part) for name, part in found.images.items()}
    return write_page(
        path,
        "explain.html",
        title=f"Why {image} has its score",
        styles=("agreement.css", "explain.css"),
        facts=facts,
        notes=[printable(note) for note in score.notes],
        picture=pictures[PICTURE],
        score=number(score.value, 1),
        interval=span(score.low, score.high, 1),
        alone=None if found.alone is None else number(found.alone, 1),
        correction=_signed(found.correction),
        asked=[_asked(one, pictures) for one in score.evidence],
    )


def _asked(one: Evidence, pictures: dict[str, str]) -> Asked:
    figures = [("mass of these words", "not known" if one.mass is None else number(one.mass, 2))]
    if one.value is not None:
        figures = [
            ("says by itself", number(one.value, 1)),
            ("weight", f"{one.weight:.0%}"),
            ("contributes", f"{number(one.contribution, 1)} points"),
            *figures,
        ]
    return Asked(
        label=printable(one.label),
        copies=[(printable(name), pictures[name]) for name in one.shown if name != PICTURE],
        text=printable(one.text),
        words=[
            (printable(word), p)
            for word, p in zip(one.options, one.probabilities, strict=not one.missing)
        ],
        figures=[] if one.missing else figures,
        missing=printable(one.missing),
    )


def _signed(value: float | None) -> str:
    """With its sign, as people write it."""
    if value is None:
        return ""
    return ("+" if value >= 0 else "") + number(value, 1)


def _data_url(part: ImagePart) -> str:
    """A small JPEG of the image; empty where it can no longer be read."""
    try:
        data = make_thumbnail(part.pixels(), _SIDE)
    except ImageError:
        return ""
    return "data:image/jpeg;base64," + base64.b64encode(data).decode()
