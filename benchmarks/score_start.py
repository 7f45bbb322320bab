"""How long Snellen takes to start: the bare interpreter, the import, the help, one small picture.

    python benchmarks/score_start.py [--repeats 9]

The commands take turns; medians, and what comes on top of starting Python itself.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from photos import write_jpegs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        (photo,) = write_jpegs(Path(home) / "photos", 1, (433, 577))
        run = Path(home) / "run"
        python, snellen = [sys.executable], [sys.executable, "-m", "snellen"]
        commands = {
            "python -c pass": [*python, "-c", "pass"],
            "import snellen": [*python, "-c", "import snellen"],
            "import numpy, PIL, onnxruntime": [*python, "-c", "import numpy, PIL, onnxruntime"],
            "snellen --help": [*snellen, "--help"],
            "snellen score PHOTO": [*snellen, "score", str(photo), "--run", str(run)],
        }
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        # Where Python is told to keep no compiled modules, it compiles all of them at every start.
        usual = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        for _ in range(given.repeats + 1):
            for name, command in commands.items():
                shutil.rmtree(run, ignore_errors=True)
                began = time.perf_counter()
                subprocess.run(command, capture_output=True, check=True, env=usual)
                seconds[name].append(time.perf_counter() - began)
        seconds = {name: times[1:] for name, times in seconds.items()}  # the first ones compiled
    bare = np.median(seconds["python -c pass"])
    for name, times in seconds.items():
        median = np.median(times)
        print(
            f"{name:<32} {median:6.3f} s  ({median - bare:+.3f} s, {median / bare:4.1f} × python)"
        )


if __name__ == "__main__":
    main()
