"""Is a chosen rating worth more than a random one? A simulation on rated sets.

    python -m runs.choose_table

Seven tenths of a rated set are the pool that ratings may come from, the others judge. At each
budget the built-in student is calibrated on the pictures that `snellen choose` names first, and on
as many random ones; SRCC on the others, means over the seeds with the interval of the difference.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from runs.student_table import RATED, Rated, rated, srcc
from snellen.stats.arrays import Ints
from snellen.students.choosing import choose
from snellen.students.model import new_student
from snellen.students.opinion import fit_opinion

BUDGETS = (10, 15, 20, 30, 40)


def learned(data: Rated, rows: Ints, judge: Ints) -> float:
    """SRCC on `judge` after learning from `rows`."""
    said = fit_opinion(*data.take(rows))(data.scores[judge], data.features[judge])
    return srcc(said, data.mos[judge])


def simulate(data: Rated, seeds: int) -> dict[int, list[tuple[float, float]]]:
    """Budget → SRCC of chosen and of random ratings, a pair a seed."""
    found: dict[int, list[tuple[float, float]]] = {budget: [] for budget in BUDGETS}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(data.mos))
        judge, pool = order[: int(0.3 * len(order))], order[int(0.3 * len(order)) :]
        chosen = pool[choose(data.scores[pool], data.features[pool], max(BUDGETS)).rows]
        for budget in BUDGETS:
            found[budget].append(
                (learned(data, chosen[:budget], judge), learned(data, pool[:budget], judge))
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("runs/out/students/features"))
    parser.add_argument("--seeds", type=int, default=60)
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    for name, table in RATED.items():
        data, _ = rated(new_student(), args.data / table, args.cache)
        print(f"## {name}: {len(data.mos)} images, {args.seeds} seeds\n")
        print("| ratings | chosen | random | difference |\n| --- | --- | --- | --- |")
        for budget, pairs in simulate(data, args.seeds).items():
            both = np.array(pairs)
            gap = both[:, 0] - both[:, 1]
            half = 1.96 * gap.std(ddof=1) / np.sqrt(len(gap))
            means = " | ".join(f"{value:.3f}" for value in both.mean(0))
            print(f"| {budget} | {means} | {gap.mean():+.3f} ± {half:.3f} |", flush=True)
        print()


if __name__ == "__main__":
    main()
