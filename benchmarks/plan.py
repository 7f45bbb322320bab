"""The cost model of docs/plan.md: fitted on one folder, checked on others at 1 ×, 2 × and 4 ×.

    python benchmarks/plan.py [--count 24] [--with built-in]

Processor time of `snellen.score` with one thread, everything included but starting Python: a + b M
for a picture of M megapixels, from the medians of folders of .25 and 4 megapixels. What is checked
has another size (1 megapixel) and other numbers of pictures. Processor time is far steadier than
time on a shared machine, but a busy one still stretches it: figures of one run belong together.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import median

from photos import write_jpegs

from snellen import load_scorer, score
from snellen.scorers import Scorer

_TIMES = 3  # each folder
_FITTED = ((424, 590), (1728, 2315))  # .25 and 4 megapixels
_CHECKED = (864, 1158)  # 1 megapixel


def seconds(folder: Path, scorer: Scorer) -> float:
    """Processor seconds of scoring a folder, median of several runs."""
    taken = []
    for _ in range(_TIMES):
        with tempfile.TemporaryDirectory() as run:
            began = time.process_time()
            score(folder, scorer, jobs=1, run=run)
            taken.append(time.process_time() - began)
    return median(taken)


def megapixels(shape: tuple[int, int]) -> float:
    return shape[0] * shape[1] / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--with", dest="scorer", default="built-in")
    given = parser.parse_args()
    scorer = load_scorer(given.scorer)
    with tempfile.TemporaryDirectory() as home:
        folders = {}
        for shape in _FITTED:
            folders[shape] = Path(home) / f"fit-{shape[0]}"
            write_jpegs(folders[shape], given.count, shape)
        seconds(folders[_FITTED[0]], scorer)  # everything is loaded now
        small, large = (seconds(folders[shape], scorer) / given.count for shape in _FITTED)
        slope = (large - small) / (megapixels(_FITTED[1]) - megapixels(_FITTED[0]))
        fixed = small - slope * megapixels(_FITTED[0])
        print(f"a = {1e3 * fixed:.2f} ms a picture, b = {1e3 * slope:.2f} ms a megapixel")
        size = megapixels(_CHECKED)
        for times in (1, 2, 4):
            count = times * given.count
            folder = Path(home) / f"check-{times}"
            paths = write_jpegs(folder, count, _CHECKED)
            stored = sum(path.stat().st_size for path in paths) / count
            said, was = count * (fixed + slope * size), seconds(folder, scorer)
            print(
                f"{times} ×: {count:>4} pictures of {size:.2f} MP, {stored / 1e3:.0f} kB each:"
                f" {said:.2f} s by the model, {was:.2f} s measured ({was / said - 1:+.0%}),"
                f" {count / was:.0f} pictures a second and core"
            )


if __name__ == "__main__":
    main()
