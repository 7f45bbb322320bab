"""Memory and time of `snellen score` by number of pictures, of resuming, and of 100 megapixels.

    python benchmarks/score_memory.py [--counts 100 2000 20000] [--large]

Each line is a process of its own, the whole command with table and report page; its peak resident
memory is what the system counted. `again` is the same command on the finished run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import simplejpeg
from photos import mosaic, write_jpegs
from PIL import Image

SMALL = (240, 320)
LARGE = (10_000, 10_000)


def command(*words: str | Path) -> tuple[float, float]:
    """Run `snellen score`; seconds, and peak memory in MB (Linux counts in KiB)."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "snellen", "score", "--quiet", *map(str, words)]
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, f"exit status {process.returncode}"
    return time.perf_counter() - began, usage.ru_maxrss / 1024


def by_count(home: Path, count: int, scorer: str) -> None:
    photos = home / f"photos-{count}"
    write_jpegs(photos, count, SMALL)
    words = (photos, "--run", home / f"run-{count}", "-o", home / "t.csv", "--with", scorer)
    seconds, peak = command(*words)
    again, peak_again = command(*words)
    rows, _ = command(*words, "--no-page")
    print(
        f"{count:>7,} pictures: {peak:4.0f} MB, {1e3 * seconds / count:6.2f} ms a picture"
        f"   again: {peak_again:4.0f} MB, {again:5.2f} s with the page, {rows:5.2f} s without"
    )


def large(home: Path, scorer: str) -> None:
    pixels = mosaic(LARGE)
    jpeg = home / "large.jpg"
    jpeg.write_bytes(simplejpeg.encode_jpeg(pixels, quality=90, colorsubsampling="420"))
    png, tiff = home / "large.png", home / "large.tif"
    Image.fromarray(pixels).save(png, compress_level=1)
    Image.fromarray(pixels).save(tiff)
    del pixels
    for words in ((jpeg,), (png,), (tiff,), (jpeg, png, tiff)):
        names = " + ".join(path.name for path in words)
        seconds, peak = command(*words, "--run", home / f"run-{names}", "--with", scorer)
        print(f"100 MP, {names}: {peak:5.0f} MB, {seconds:5.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", nargs="*", type=int, default=[100, 2000, 20_000])
    parser.add_argument("--large", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--with", dest="scorer", default="built-in")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        for count in given.counts:
            by_count(Path(home), count, given.scorer)
        if given.large:
            large(Path(home), given.scorer)


if __name__ == "__main__":
    main()
