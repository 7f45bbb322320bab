"""Do the intervals of few ratings hold what they promise? A simulation with ratings made up.

    python -m runs.interval_coverage

The built-in scorer looks at unrated photos; opinions are then drawn: a line of its score, a
function of its features, and noise of four shapes, where the scorer knows much of the opinion and
where it knows little. A student is calibrated on n of them and its interval held against 300
others. Beside it the same with the rank rounded up, and how much larger cross-validated errors are
than those on new photos. Means over draws and shapes, with the interval of the mean; the lowest and
the highest of the eight worlds.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from snellen.stats.arrays import Floats
from snellen.stats.conformal import fewest_for
from snellen.students.calibration import COVERAGE, cross_predict, interval_of
from snellen.students.features import found_images, look_at
from snellen.students.model import new_student
from snellen.students.opinion import fit_opinion, kernel, typical_width

SIZES = (10, 12, 18, 19, 24, 30, 36, 60, 119)
JUDGED = 300
NOISE: dict[str, Callable[[np.random.Generator, int], Floats]] = {
    "normal": lambda chance, n: chance.normal(size=n),
    "uniform": lambda chance, n: chance.uniform(-math.sqrt(3), math.sqrt(3), n),
    "Laplace": lambda chance, n: chance.laplace(scale=math.sqrt(0.5), size=n),
    "exponential": lambda chance, n: chance.exponential(size=n) - 1,
}
WORLDS = {"much": (0.5, 0.7, 0.5), "little": (0.25, 0.4, 0.9)}  # of score, of features, of noise


def rounded_up(errors: Floats) -> float:
    """The error of rank ⌈(n + 1) · coverage⌉; NaN where there is none."""
    if errors.size < fewest_for(COVERAGE):
        return math.nan
    return float(np.sort(errors)[math.ceil((errors.size + 1) * COVERAGE - 1e-9) - 1])


def one_draw(
    scores: Floats, features: Floats, opinions: Floats, n: int, chance: np.random.Generator
) -> tuple[float, float, float]:
    """Coverage, coverage with the rank rounded up, and RMSE cross-validated over RMSE on others."""
    order = chance.permutation(len(opinions))
    learn, judge = order[:n], order[n : n + JUDGED]
    known = scores[learn], features[learn], opinions[learn]
    errors = np.abs(cross_predict(*known) - opinions[learn])
    new = np.abs(fit_opinion(*known)(scores[judge], features[judge]) - opinions[judge])
    up = rounded_up(errors)
    return (
        float((new <= interval_of(errors)[0]).mean()),
        math.nan if math.isnan(up) else float((new <= up).mean()),
        math.sqrt(float((errors**2).mean() / (new**2).mean())),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path("../shared/data/photos/imagenet-sample")
    parser.add_argument("--photos", type=Path, default=folder)
    parser.add_argument("--cache", type=Path, default=Path("runs/out/students/features"))
    parser.add_argument("--draws", type=int, default=100, help="of each size, shape and world")
    args = parser.parse_args()
    seen = look_at(new_student(), found_images([args.photos]), cache=args.cache)
    n, scores, features = len(seen), seen.scores, seen.features
    standing = (scores - scores.mean()) / scores.std()
    like = kernel(features, features, typical_width(features))
    root = np.linalg.cholesky(like + 1e-6 * np.eye(n))
    print(f"{n} photos, {args.draws} draws of each of {len(NOISE) * len(WORLDS)} worlds\n")
    print("| ratings | coverage | lowest–highest world | rank rounded up | errors |")
    print("| --- | --- | --- | --- | --- |")
    for size in SIZES:
        found = []
        for line, part, rest in WORLDS.values():
            for noise in NOISE.values():
                for draw in range(args.draws):
                    chance = np.random.default_rng([size, draw])
                    own = root @ chance.normal(size=n)
                    opinion = line * standing + part * own + rest * noise(chance, n)
                    mos = np.clip(np.round(50 + 22 * opinion), 0, 100)  # scales have ends and steps
                    found.append(one_draw(scores, features, mos, size, chance))
        rows = np.array(found)
        mean = rows.mean(0)
        half = 1.96 * rows.std(0, ddof=1) / math.sqrt(len(rows))
        worlds = rows[:, 0].reshape(-1, args.draws).mean(1)
        up = "–" if math.isnan(mean[1]) else f"{mean[1]:.3f} ± {half[1]:.3f}"
        print(
            f"| {size} | {mean[0]:.3f} ± {half[0]:.3f} | {worlds.min():.3f}–{worlds.max():.3f} |"
            f" {up} | {mean[2]:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
