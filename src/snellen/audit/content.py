"""Does the score stay put when only the content changes?

Of pristine photos all that differs is what they show. How far their scores lie apart, measured in
how far scores fall when a picture is made as bad as the ladders go, is the content's share: 0 for
a judge that scores quality alone, 1 for one to which another motif matters as much as the worst
distortion. A floor: real photos differ in quality, too. (Ours.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snellen.audit.ladders import tables_of
from snellen.audit.material import PRISTINE
from snellen.audit.rates import Rate, Resampling
from snellen.audit.sheet import Sheet


@dataclass(frozen=True)
class ContentShare:
    """spread : standard deviation of scores over pristine photos, points of 100.

    fall  : mean fall from pristine to the worst place of each ladder, points.
    share : spread / fall, intervals by resampling photos; NaN where scores do not fall at all.
    n     : photos.
    """

    spread: float
    fall: float
    share: Rate
    n: int


def content_share(sheet: Sheet) -> ContentShare | None:
    """None with fewer than two scored pristine photos or without ladders."""
    rows = [
        row for row, kind in enumerate(sheet.type) if kind == PRISTINE and sheet.score[row] >= 0
    ]
    falls: dict[str, list[float]] = {}
    for table in tables_of(sheet).values():
        for reference, scores in zip(table.references, table.scores, strict=True):
            known = scores[np.isfinite(scores)]
            if len(known) > 1 and math.isfinite(scores[0]):
                falls.setdefault(reference, []).append(float(scores[0] - known[-1]))
    kept = [row for row in rows if sheet.reference[row] in falls]
    if len(kept) < 2:
        return None
    names = [sheet.reference[row] for row in kept]
    scores = sheet.score[kept]
    fall = np.array([float(np.mean(falls[name])) for name in names])
    resampling = Resampling(names)
    count = resampling.sums(np.ones(len(kept)))
    mean = resampling.sums(scores) / count
    variance = (resampling.sums(scores**2) / count - mean**2) * count / np.maximum(count - 1, 1)
    spread = np.sqrt(np.maximum(variance, 0.0))
    down = resampling.sums(fall) / count
    ratio = np.where(down > 0, spread / np.where(down > 0, down, 1.0), np.nan)
    return ContentShare(
        float(spread[0]), float(down[0]), resampling.rate(ratio, len(kept)), len(kept)
    )
