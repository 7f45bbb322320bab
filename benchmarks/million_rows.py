"""A run of very many rows: memory, taking it up after a kill, table and page. A synthetic scorer.

    python benchmarks/million_rows.py [--counts 1000 10000 1000000] [--home DIR]

Pictures are 16 × 16 pixels and the scorer is their mean, so that what is measured is everything
around scoring. For each count the whole command (`snellen score FOLDER -o t.csv`, with its page) is
killed with -9 when about half of the rows are there, and run again. Seconds are of the process's
own processor time, unless they are called wall. What the system itself takes to list the files, and
to tell size and time of each, is measured beside each of them.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import simplejpeg

_ROWS_A_FOLDER = 1000
_LOOK = 0.05  # seconds between two looks at a run's files


def make_photos(folder: Path, count: int) -> Path:
    """`count` files, a thousand of them different."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (1000, 2, 2, 3), np.uint8).repeat(8, axis=1).repeat(8, axis=2)
    contents = [
        simplejpeg.encode_jpeg(block, quality=60, colorsubsampling="420") for block in blocks
    ]
    for number in range(count):
        inside = folder / f"{number // _ROWS_A_FOLDER:04d}"
        if number % _ROWS_A_FOLDER == 0:
            inside.mkdir(parents=True, exist_ok=True)
        content = contents[number * 7 % len(contents)]
        (inside / f"{number % _ROWS_A_FOLDER:03d}.jpg").write_bytes(content)
    return folder


def score(words: list[str]) -> None:
    """`snellen score` with a scorer that costs next to nothing."""
    import snellen.scorers
    from snellen.cli import run
    from snellen.scorers import Score

    class Mean:
        name = "mean@1"

        def score(self, picture):
            value = float(picture.pixels.mean()) / 2.55
            low, high = max(0.0, value - 4), min(100.0, value + 4)
            return Score(value, low, high, 2.0, {"noise": 0.6, "clean": 0.4}, 1.5)

    snellen.scorers.load_scorer = lambda *_, **__: Mean()
    sys.argv = ["snellen", "score", *words]
    run()


class Command:
    """The command as a process of its own."""

    def __init__(self, *words: str | Path) -> None:
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--score", *map(str, words), "--quiet"]
        )

    def cpu(self) -> float:
        """Processor seconds so far."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_for(self, rows: Path, size: int) -> None:
        """Until the file of rows is longer than `size` bytes."""
        while not rows.exists() or rows.stat().st_size <= size:
            assert self._process.poll() is None, "the command ended"
            time.sleep(_LOOK)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    def end(self) -> tuple[float, float, float]:
        """Processor seconds, wall seconds and peak memory in MB (Linux counts in KiB)."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        assert self._process.returncode == 0, f"exit status {self._process.returncode}"
        seconds = usage.ru_utime + usage.ru_stime
        return seconds, time.perf_counter() - self.began, usage.ru_maxrss / 1024


def bare_walk(folder: Path, *, ask: bool) -> tuple[float, float]:
    """Processor and wall seconds to list the files, and to `ask` for size and time of each."""
    cpu, wall = time.process_time(), time.perf_counter()
    for inside, _, names in os.walk(folder):
        for name in names if ask else ():
            os.stat(f"{inside}/{name}")
    return time.process_time() - cpu, time.perf_counter() - wall


def measure(home: Path, count: int) -> None:
    photos = home / f"photos-{count}"
    if not photos.exists():
        make_photos(photos, count)
    run = home / f"run-{count}"
    words = (photos, "--run", run, "-o", home / "t.csv")
    walks = {
        "bare listing": bare_walk(photos, ask=False),
        "with size and time": bare_walk(photos, ask=True),
    }
    first = Command(*words)
    rows = run / "rows.jsonl"
    first.wait_for(rows, 0)
    begun, begun_wall = first.cpu(), time.perf_counter() - first.began
    first.wait_for(rows, count // 2 * 500)
    first.kill()
    half = rows.stat().st_size
    again = Command(*words)
    again.wait_for(rows, half)
    up, up_wall = again.cpu(), time.perf_counter() - again.began
    seconds, _, peak = again.end()
    walks["the same before the last run"] = bare_walk(photos, ask=True)
    done, done_wall, done_peak = Command(*words).end()
    alone, _, alone_peak = Command(photos, "--run", run, "--no-page").end()
    size = (run / "report.html").stat().st_size
    lines = (
        f"{count:>9,} rows: first row after {begun:.1f} s ({begun_wall:.1f} wall); killed, the next"
        f" row after {up:.1f} s ({up_wall:.1f} wall)",
        f"to the end with table and page {seconds:.0f} s, peak {peak:.0f} MB;"
        f" page {size / 1e6:.1f} MB",
        f"again, nothing to do: {done:.1f} s ({done_wall:.1f} wall), {done_peak:.0f} MB;"
        f" without table and page {alone:.1f} s, {alone_peak:.0f} MB",
        *(f"{what}: {cpu:.1f} s ({wall:.1f} wall)" for what, (cpu, wall) in walks.items()),
    )
    print("\n           ".join(lines), flush=True)


def main() -> None:
    if sys.argv[1:2] == ["--score"]:
        score(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", nargs="*", type=int, default=[1000, 10_000, 1_000_000])
    parser.add_argument("--home", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        for count in given.counts:
            measure(given.home or Path(temporary), count)


if __name__ == "__main__":
    main()
