"""Statistics of agreement: 10,000 images, 10 scorers, 2,000 bootstrap resamples, every test.

    python benchmarks/agreement.py [images] [scorers] [resamples]

Beside it the naive way, what one writes first: draw images with replacement and call scipy's
spearmanr on each draw for each scorer. It is timed on a few resamples and multiplied up, and those
few are checked to give the same numbers. Processor time is what the work costs; wall time is longer
on a busy machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats as scipy_stats

from snellen import stats
from snellen.stats import resampling
from snellen.stats.arrays import align

NAIVE_RESAMPLES = 20
Floats = npt.NDArray[np.float64]


def made(images: int, scorers: int) -> tuple[list[Floats], Floats, npt.NDArray[np.intp]]:
    """Scorers of nearly one quality, MOS of 1 to 100 with ties, references of 5 images each."""
    rng = np.random.default_rng(0)
    quality = rng.normal(size=images)
    rows = [quality + s * rng.normal(size=images) for s in np.linspace(0.50, 0.55, scorers)]
    mos = np.clip(np.round(50 + 15 * (quality + 0.3 * rng.normal(size=images)), 1), 1, 100)
    return rows, mos, np.arange(images) // 5


def timed(label: str, work: Callable[[], Any]) -> npt.NDArray[np.float64]:
    """Do the work, print and return its (wall, processor) seconds."""
    before = np.array([time.perf_counter(), time.process_time()])
    work()
    spent = np.array([time.perf_counter(), time.process_time()]) - before
    report(label, spent)
    return spent


def report(label: str, spent: npt.NDArray[np.float64]) -> None:
    print(f"{label:<64}{spent[0]:8.2f} s wall {spent[1]:8.2f} s processor", flush=True)


def main(images: int = 10_000, scorers: int = 10, resamples: int = 2_000) -> None:
    rows, mos, reference = made(images, scorers)
    std = np.full(images, 12.0)
    print(f"{images:,} images × {scorers} scorers, {resamples:,} resamples\n")
    total = sum(
        timed(label, lambda how=how: stats.compare(rows, mos, resamples=resamples, **how))
        for label, how in (
            ("srcc: Williams, Steiger, paired bootstrap, Holm", {}),
            ("plcc: the same", {"statistic": "plcc"}),
            ("srcc: the same by reference", {"clusters": reference}),
            ("plcc: by reference", {"statistic": "plcc", "clusters": reference}),
        )
    ) + timed("Krasula's analysis, 500,000 pairs", lambda: stats.krasula(rows, mos, std, 20))
    report("all tests (asked: 20 s on two cores)", total)

    print()
    timed(
        "one scorer, whole: raw, three maps both ways, intervals",
        lambda: stats.agreement(rows[0], mos, std=std, votes=20, resamples=resamples),
    )
    timed("smallest gap", lambda: stats.smallest_gap(rows[0], mos, std=std, votes=20))
    timed("power from a pilot", lambda: stats.power_from_pilot(rows[0], rows[-1], mos))

    print()
    data = align(rows, mos)
    statistic = resampling.spearman(data)
    ours = timed(
        "bootstrap of SRCC alone, from counts",
        lambda: resampling.bootstrap(statistic, data.clusters, resamples=resamples),
    )
    counts = np.concatenate(
        list(resampling.cluster_draws(data.clusters, resamples=NAIVE_RESAMPLES, seed=0))
    )
    naive = np.empty((NAIVE_RESAMPLES, scorers))

    def loop() -> None:
        for b, row in enumerate(counts):
            drawn = np.repeat(np.arange(data.n), row)
            for j, scores in enumerate(data.scores):
                naive[b, j] = scipy_stats.spearmanr(scores[drawn], data.mos[drawn]).statistic

    theirs = timed(f"scipy.stats.spearmanr in a loop, {NAIVE_RESAMPLES} resamples", loop)
    ratio = theirs[1] * resamples / NAIVE_RESAMPLES / ours[1]
    print(f"\n{ratio:.0f} × faster than the loop (processor time, multiplied up);", end=" ")
    print(f"largest difference {np.abs(naive - statistic(counts)).max():.1e}")


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
