"""What scaled decoding and fewer crops do to scores and speed, beside the full decode.

    python benchmarks/score_scale.py [FOLDER] [--scales 1 2 4] [--crops 3 6 12]

Without a folder: three photos with every distortion of the catalogue at three levels, as JPEGs.
Ratios are to the first setting, scored in the same run. Agreement is the rank correlation with its
scores over all pictures of the folder; shift is the median difference, change its median size.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import numpy as np
from photos import write_degraded

from snellen import load_scorer, score
from snellen.stats import srcc


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--with", dest="scorer", default="built-in")
    parser.add_argument("--scales", nargs="*", type=int, default=[1, 2, 4])
    parser.add_argument("--crops", nargs="*", type=int, default=[6])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        folder = given.folder or write_degraded(Path(home) / "photos")
        compare(folder, given)


def compare(folder: Path, given: argparse.Namespace) -> None:
    first: list[float] = []
    first_seconds = 0.0
    for crops, scale in itertools.product(given.crops, given.scales):
        scorer = load_scorer(given.scorer, crops=crops)
        with tempfile.TemporaryDirectory() as run:
            began = time.perf_counter()
            table = score(folder, scorer, run=run, jpeg_scale=scale)
            seconds = time.perf_counter() - began
            scores = [float("nan") if value is None else value for value in table["score"]]
        first, first_seconds = first or scores, first_seconds or seconds
        differences = [b - a for a, b in zip(first, scores, strict=True) if a == a and b == b]
        print(
            f"{crops:>3} crops, scale 1/{scale}: {first_seconds / seconds:5.2f} × the speed"
            f"   agreement {srcc(scores, first).value:.3f}"
            f"   shift {np.median(differences):+6.2f}"
            f"   change {np.median(np.abs(differences)):5.2f} points"
            f"   ({len(differences)} pictures)"
        )


if __name__ == "__main__":
    main()
