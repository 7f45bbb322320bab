"""The gallery's thumbnails, small enough that the page stays one that opens at once."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import simplejpeg
from PIL import Image

from snellen.runs import Row, read_thumbnail

BUDGET = 20_000_000  # bytes of thumbnails in a page; base64 adds a third
_LADDER = ((112, 70), (96, 65), (96, 55), (80, 50), (64, 45))  # longest side in px, JPEG quality
_PROBES = 64  # thumbnails tried to learn which step of the ladder fits


def encoded_thumbnails(run_dir: Path, rows: Sequence[Row], budget: int = BUDGET) -> Iterator[str]:
    """One line a row: its JPEG thumbnail in base64, or nothing where it has none.

    budget : bytes for all of them before base64. Thumbnails that need more are made smaller, all
             of them alike, by the first step that brings a sample of them under the budget.
    """
    places = [{"thumbnail": row.get("thumbnail")} for row in rows]
    step = _step(run_dir, places, budget)
    for place in places:
        data = read_thumbnail(run_dir, place)
        if data is not None and step is not None:
            data = _smaller(data, *step)
        yield base64.b64encode(data or b"").decode() + "\n"


def _step(run_dir: Path, rows: Sequence[Row], budget: int) -> tuple[int, int] | None:
    """The gentlest step that fits, the last one where none does; None when all fit as they are."""
    stored = sum(row["thumbnail"][1] for row in rows if row.get("thumbnail"))
    if stored <= budget:
        return None
    every = max(1, len(rows) // _PROBES)
    probes = [data for row in rows[::every] if (data := read_thumbnail(run_dir, row)) is not None]
    before = sum(map(len, probes))
    for step in _LADDER:
        after = sum(len(_smaller(data, *step)) for data in probes)
        if stored * after <= budget * before:
            return step
    return _LADDER[-1]


def _smaller(data: bytes, side: int, quality: int) -> bytes:
    """The JPEG `data` with its longest side at most `side`; the shorter of old and new bytes."""
    picture = Image.fromarray(simplejpeg.decode_jpeg(data))
    picture.thumbnail((side, side), Image.Resampling.BOX)
    small: bytes = simplejpeg.encode_jpeg(
        np.asarray(picture), quality=quality, colorsubsampling="420"
    )
    return min(data, small, key=len)
