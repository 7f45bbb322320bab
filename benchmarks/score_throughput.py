"""How fast a folder is scored, beside only decoding the same files.

    python benchmarks/score_throughput.py [--with SCORER] [--repeats 7]

Both use the same threads; decoding is simplejpeg into memory that is used again, the fastest full
decode available here. The two take turns, and the median of the ratios is printed, so that another
load on the machine falls on both; the ratio of processor times does not depend on it. Scoring
includes finding the files, reading, hashing, the network, thumbnails and the run directory; loading
the network is left out (see score_start.py).
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local

import numpy as np
import numpy.typing as npt
import simplejpeg
from photos import write_jpegs

from snellen import load_scorer, score
from snellen.scorers import Scorer

SETS = {"12 MP": ((3000, 4000), 24), "1 MP": ((866, 1154), 120), "0.25 MP": ((433, 577), 400)}


class Watch:
    """Wall and processor seconds since it was made."""

    def __init__(self) -> None:
        self._began = self._now()

    def read(self) -> npt.NDArray[np.float64]:
        return self._now() - self._began

    @staticmethod
    def _now() -> npt.NDArray[np.float64]:
        return np.array([time.perf_counter(), time.process_time()])


def decode_all(paths: list[Path], threads: int) -> npt.NDArray[np.float64]:
    """Wall and processor seconds to read and decode every file."""
    own = local()

    def decode(path: Path) -> None:
        if not hasattr(own, "buffer"):
            own.buffer = np.empty(3 * 4000 * 3000, np.uint8)
        simplejpeg.decode_jpeg(path.read_bytes(), buffer=own.buffer)

    with ThreadPoolExecutor(threads) as pool:
        watch = Watch()
        list(pool.map(decode, paths))
        return watch.read()


def score_all(
    folder: Path, scorer: Scorer, threads: int, **options: int
) -> npt.NDArray[np.float64]:
    """Wall and processor seconds to score the folder into a new run directory."""
    run = folder.with_name("run")
    watch = Watch()
    table = score(folder, scorer, jobs=threads, run=run, **options)
    seconds = watch.read()
    assert not len(table.missing), table.missing[0]
    shutil.rmtree(run)
    return seconds


def measure(name: str, scorer: Scorer, threads: int, repeats: int, jpeg_scale: int) -> None:
    shape, count = SETS[name]
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "photos"
        paths = write_jpegs(folder, count, shape)
        decode_all(paths, threads)  # warm: page cache, code, memory
        score_all(folder, scorer, threads, jpeg_scale=jpeg_scale)
        turns = np.array(
            [
                (
                    decode_all(paths, threads),
                    score_all(folder, scorer, threads, jpeg_scale=jpeg_scale),
                )
                for _ in range(repeats)
            ]
        )
    decoding, scoring = 1e3 * np.median(turns[:, :, 0], axis=0) / count
    wall, processor = (np.sort(turns[:, 0, kind] / turns[:, 1, kind]) for kind in (0, 1))
    print(
        f"{name:>8}  scale 1/{jpeg_scale}  decode {decoding:7.2f} ms  score {scoring:7.2f} ms"
        f"  throughput {np.median(wall):4.0%} of decoding ({wall[0]:.0%} to {wall[-1]:.0%})"
        f"  by processor time {np.median(processor):4.0%}  ({count} files, {threads} threads)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--with", dest="scorer", default="built-in")
    parser.add_argument("--crops", type=int)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--sets", nargs="*", choices=SETS, default=list(SETS))
    parser.add_argument("--jpeg-scale", type=int, default=1)
    given = parser.parse_args()
    scorer = load_scorer(given.scorer, crops=given.crops)
    print(f"scorer {scorer.name}; ms are wall time per picture, all threads together")
    for name in given.sets:
        measure(name, scorer, given.threads, given.repeats, given.jpeg_scale)


if __name__ == "__main__":
    main()
