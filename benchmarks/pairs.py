"""Bradley–Terry: how fast, against choix where it is installed.

    python benchmarks/pairs.py [path/to/pairs.csv]

choix is the field's Python package for choice models; `pip install choix` to compare. Its pairwise
solvers keep a matrix of items × items, so that 50,000 items would need 20 GB: there it is left out,
and the ratio is taken at the sizes that both solve, in the same run on the same answers. Times are
of the processor, so that other work on the machine disturbs them less.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from snellen.data.tables import read_table, texts
from snellen.stats import bradley_terry, collect_pairs

SIZES = ((150, 11_000), (1_000, 40_000), (3_000, 120_000), (50_000, 1_000_000))
CHOIX_LIMIT = 3_000  # items


def simulate(items: int, answers: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """(answers,) winners and losers among items with normal quality, pairs at random."""
    random = np.random.default_rng(0)
    quality = random.normal(0, 0.5, items)  # so near that every item loses sometimes
    one = random.integers(items, size=answers)
    other = (one + 1 + random.integers(items - 1, size=answers)) % items
    wins = random.random(answers) < 1 / (1 + np.exp(quality[other] - quality[one]))
    return np.where(wins, one, other), np.where(wins, other, one)


def best_of(repeats: int, function: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of the fastest of `repeats` calls, and what the last returned."""
    seconds, found = [], None
    for _ in range(repeats):
        began = time.process_time()
        found = function()
        seconds.append(time.process_time() - began)
    return min(seconds), found


def main() -> None:
    try:
        import choix
    except ImportError:
        choix = None
        print("choix is not installed: no ratio\n")
    # The first call would also pay for scipy's import.
    bradley_terry(collect_pairs(["a", "b"], ["b", "a"], ["first", "first"]))
    for name in sys.argv[1:]:
        table = read_table(Path(name))
        columns = [texts(table, column) for column in ("first", "second", "preferred")]
        counted, pairs = best_of(3, lambda columns=columns: collect_pairs(*columns))
        scaled, _ = best_of(3, lambda pairs=pairs: bradley_terry(pairs))
        print(f"{name}: {len(columns[0]):,} rows counted {counted:.3f} s, scaled {scaled:.3f} s\n")
    print(f"{'items':>7} {'answers':>10} {'count':>8} {'scores':>8} {'+ intervals':>12}", end="")
    print(f" {'choix':>9} {'ratio':>7} {'largest difference':>19}")
    for items, answers in SIZES:
        won, lost = simulate(items, answers)
        first = np.ones(answers, dtype=np.int64)
        repeats = 2 if items > 10_000 else 5
        counted, pairs = best_of(repeats, lambda w=won, o=lost, f=first: collect_pairs(w, o, f))
        bare, scale = best_of(repeats, lambda pairs=pairs: bradley_terry(pairs, intervals=False))
        full, _ = best_of(repeats, lambda pairs=pairs: bradley_terry(pairs))
        line = f"{items:>7,} {answers:>10,} {counted:>7.3f}s {bare:>7.3f}s {full:>11.3f}s"
        if choix is not None and items <= CHOIX_LIMIT:
            data = list(zip(won.tolist(), lost.tolist(), strict=True))
            theirs, scores = best_of(1, lambda n=items, d=data: choix.ilsr_pairwise(n, d))
            gap = np.abs(scores[np.array(pairs.items)] / np.log(3) - scale.jod).max()
            line += f" {theirs:>8.2f}s {theirs / (counted + bare):>6.0f}× {gap:>15.0e} JOD"
        print(line)


if __name__ == "__main__":
    main()
