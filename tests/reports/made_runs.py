"""Run directories made up for the pages: any number of rows, nothing scored for real."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from snellen.images.thumbnail import make_thumbnail
from snellen.runs import Request, Run
from snellen.scorers.base import FAMILIES
from snellen.table import COLUMNS

SCORER = "built-in 1 (0123abcd)"


def made_row(i: int, **other: Any) -> dict[str, Any]:
    """Row number `i`: the same in every run; `other` replaces columns."""
    rng = np.random.default_rng(i)
    value = float(np.clip(rng.normal(66, 18), 0, 100))
    spread = float(rng.uniform(1, 6))
    families = rng.dirichlet(np.full(len(FAMILIES), 0.35))
    width, height = [(4000, 3000), (3000, 4000), (640, 480), (96, 64)][i % 4]
    boxes = [(x, y) for y in (0.2, 0.7) for x in (0.15, 0.45, 0.75)]
    side = min(96, height)
    cells = [
        [int(x * (width - side)), int(y * (height - side)), side, side, round(rng.uniform(0, 100))]
        for x, y in boxes
    ]
    view = {"policy": "native-grid-1", "input": [width, height], "crop": 96, "scale": 1}
    row: dict[str, Any] = {
        **dict.fromkeys(COLUMNS),
        "image": f"holiday/{i % 37:02d}/IMG_{i:05d}.jpg",
        "score": round(value, 3),
        "low": round(max(0.0, value - 2 * spread), 3),
        "high": round(min(100.0, value + 2 * spread), 3),
        "spread": round(spread, 3),
        "severity": round((100 - value) / 25, 3),
        "problem": FAMILIES[int(families.argmax())],
        **{name: round(float(p), 3) for name, p in zip(FAMILIES, families, strict=True)},
        "width": width,
        "height": height,
        "format": "JPEG",
        "bytes": 100_000 + i,
        "hash": hashlib.sha256(str(i).encode()).hexdigest(),
        "scorer": SCORER,
        "view": json.dumps(view),
        "notes": "turned upright (EXIF 6)" if i % 9 == 0 else None,
        "map": json.dumps(cells),
    }
    return row | other


def missing_row(name: str, reason: str) -> dict[str, Any]:
    return {**dict.fromkeys(COLUMNS), "image": name, "scorer": SCORER, "missing": reason}


def made_thumbnail(i: int) -> bytes:
    """A picture with structure, about as many bytes as a photo's thumbnail has."""
    rng = np.random.default_rng(i)
    across, down = (128, 96) if i % 4 != 1 else (96, 128)
    coarse = rng.integers(0, 256, (down // 8, across // 8, 3)).astype(np.float64)
    smooth = coarse.repeat(8, axis=0).repeat(8, axis=1)
    for axis in (0, 1):
        smooth = sum(np.roll(smooth, shift, axis) for shift in range(8)) / 8
    grain = rng.normal(0, 9, smooth.shape)
    return make_thumbnail(np.clip(smooth + grain, 0, 255).astype(np.uint8))


def make_run(
    directory: Path,
    rows: list[dict[str, Any]],
    *,
    finished: bool = True,
    thumbnails: bool = True,
    paths: tuple[str, ...] = ("/photos/holiday",),
) -> Path:
    """Write a run of these rows; 50 different thumbnails serve all of them."""
    pictures = [made_thumbnail(i) for i in range(min(50, len(rows)))] if thumbnails else []
    request = Request("score", paths, {"scorer": "built-in", "crops": None, "jpeg_scale": 1})
    with Run.open(directory, request, SCORER) as run:
        for i, row in enumerate(rows):
            scored = row["score"] is not None and bool(pictures)
            run.append(row, pictures[i % len(pictures)] if scored else None)
        if finished:
            run.finish(sorted(row["image"] for row in rows))
    return directory
