"""Does the judge name what was done to a picture? Accuracy in every form, with chance beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from snellen.audit.questions import LABELS
from snellen.audit.rates import NOTHING, Floats, Rate, Resampling, share
from snellen.audit.sheet import Bools, Sheet

_BINS = 15  # of the calibration error, as in Guo et al. 2017


@dataclass(frozen=True)
class OfLabel:
    """How one label is used.

    recall       : share of its pictures that are named so.
    false_alarms : share of all other pictures that are named so.
    informed     : recall − false alarms (Youden's index): 0 for a judge that does not look, however
                   often it says the word; 1 for a perfect one.
    precision    : share of those named so that are.
    """

    label: str
    n: int
    recall: Rate
    false_alarms: Rate
    informed: Rate
    precision: Rate


@dataclass(frozen=True)
class Perception:
    """Naming one of eight distortions.

    accuracy      : share of pictures named rightly.
    macro         : mean of the labels' recalls, each label counting once.
    chance        : of a judge that draws a label. majority : of one that always says the commonest.
    soft          : soft discrimination, in [0, 1], .5 = no preference: mean over pictures and wrong
                    labels of p(right) / (p(right) + p(wrong)). After the soft discrimination score
                    of RADAR (arXiv 2602.12892), whose exact form is not at hand: ours.
    calibration   : expected calibration error of the top label, 15 bins (Guo et al. 2017).
    mass          : median of what the labels held of all that the judge might have said; NaN where
                    not known.
    confusion     : (8, 8) counts, right label × said label.
    by_place      : (6,) recall at place 0 (pristine) … 5 (worst) over all families.
    n, missing    : pictures named; without an answer.
    """

    accuracy: Rate
    macro: Rate
    chance: float
    majority: float
    soft: Rate
    calibration: Rate
    mass: float
    labels: tuple[OfLabel, ...]
    confusion: tuple[tuple[int, ...], ...]
    by_place: tuple[Rate, ...]
    n: int
    missing: int


def perceive(sheet: Sheet) -> Perception:
    """All figures of naming."""
    named = sheet.named
    n = int(named.sum())
    if not n:
        return _nothing(len(sheet))
    resampling = Resampling(sheet.of(named))
    truth, said, p = sheet.truth[named], sheet.said[named], sheet.label[named]
    right = truth == said
    references = sheet.of(named)
    present = [place for place in range(len(LABELS)) if (truth == place).any()]
    is_label = truth[:, None] == np.array(present)
    recalls = resampling.ratio(is_label & right[:, None], is_label)
    counts = np.zeros((len(LABELS), len(LABELS)), int)
    np.add.at(counts, (truth, said), 1)
    known = sheet.mass[named]
    return Perception(
        accuracy=share(right, references),
        macro=resampling.rate(recalls.mean(axis=1), n),
        chance=1 / len(LABELS),
        majority=float(np.bincount(truth).max() / n),
        soft=resampling.rate(resampling.ratio(_soft(p, truth), np.ones(n)), n),
        calibration=resampling.rate(_calibration(p, right, resampling), n),
        mass=float(np.nanmedian(known)) if np.isfinite(known).any() else math.nan,
        labels=tuple(_of_label(sheet, place, resampling) for place in range(len(LABELS))),
        confusion=tuple(tuple(int(count) for count in row) for row in counts),
        by_place=tuple(
            share(right[at], _some(references, at))
            for at in (sheet.place[named] == place for place in range(6))
        ),
        n=n,
        missing=len(sheet) - n,
    )


def informed(sheet: Sheet, own: Bools, place: int, resampling: Resampling) -> Rate:
    """Recall on the pictures `own` (n,) less false alarms on pictures of other labels.

    place      : of the label in `LABELS`.
    resampling : of the pictures that are named.
    """
    named = sheet.named
    said = sheet.said[named] == place
    mine, others = own[named], sheet.truth[named] != place
    values = resampling.ratio(said & mine, mine) - resampling.ratio(said & others, others)
    return resampling.rate(values, int(mine.sum()))


def _of_label(sheet: Sheet, place: int, resampling: Resampling) -> OfLabel:
    named = sheet.named
    mine = named & (sheet.truth == place)
    others = named & (sheet.truth != place)
    called = named & (sheet.said == place)
    said = sheet.said == place
    return OfLabel(
        label=LABELS[place],
        n=int(mine.sum()),
        recall=share(said[mine], sheet.of(mine)),
        false_alarms=share(said[others], sheet.of(others)),
        informed=informed(sheet, mine, place, resampling),
        precision=share(sheet.truth[called] == place, sheet.of(called)),
    )


def _soft(p: Floats, truth: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> Floats:
    """(n,) mean preference of the right label over each wrong one."""
    right = p[np.arange(len(p)), truth][:, None]
    both = right + p
    preferred = np.where(both > 0, right / np.where(both > 0, both, 1.0), 0.5)
    preferred[np.arange(len(p)), truth] = 0.0
    return np.asarray(preferred.sum(axis=1) / (p.shape[1] - 1))


def _calibration(p: Floats, right: Bools, resampling: Resampling) -> Floats:
    """(1 + b,) Σ over bins of |Σ confidence − Σ right| / n."""
    confidence = p.max(axis=1)
    bins = np.minimum((confidence * _BINS).astype(int), _BINS - 1)
    excess = np.zeros((len(p), _BINS))
    excess[np.arange(len(p)), bins] = confidence - right
    gaps = np.abs(resampling.sums(excess)).sum(axis=1)
    return np.asarray(gaps / resampling.sums(np.ones(len(p))))


def _some(names: list[str], rows: Bools) -> list[str]:
    return [name for name, kept in zip(names, rows, strict=True) if kept]


def _nothing(missing: int) -> Perception:
    labels = tuple(OfLabel(label, 0, NOTHING, NOTHING, NOTHING, NOTHING) for label in LABELS)
    return Perception(
        NOTHING, NOTHING, 1 / len(LABELS), math.nan, NOTHING, NOTHING, math.nan, labels,
        ((0,) * len(LABELS),) * len(LABELS), (NOTHING,) * 6, 0, missing,
    )  # fmt: skip
