"""How good is a student? The table of calibration: budgets of ratings × ways to use them.

    python -m runs.student_table --labels pcuid=runs/out/story/labels

For each rated set, over many random splits (four fifths to learn from, one fifth to judge by): the
teacher, the built-in scorer and the student as they are, the same calibrated on 10, 20, 30 and
100 % of the learning part, a monotone map alone, and the ratings alone. Students with one
ingredient more or less each (pairs, the teacher's doubt, audit weights) follow. Everything runs on
features that are computed once. Means over the splits, with the interval of the mean; scores that
are all alike rank nothing, so such splits have no SRCC and are counted.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from snellen.errors import SnellenError
from snellen.images import AnyFile
from snellen.stats import fit_mapping
from snellen.stats.arrays import Floats, Ints
from snellen.students.calibration import fit_calibration
from snellen.students.distilling import Recipe, distil
from snellen.students.features import look_at
from snellen.students.labels import Labels, read_labels
from snellen.students.model import StudentModel, new_student
from snellen.students.opinion import FEWEST, fit_opinion
from snellen.students.ratings import read_opinions

RATED = {"pcuid": "rated/pcuid/mos.csv", "avt-ai": "rated/avt-ai/mos.csv"}
BUDGETS = (0.1, 0.2, 0.3, 1.0)
Row = dict[str, list[float]]


@dataclass(frozen=True)
class Rated:
    """A rated set as one scorer sees it: distilled score, features and ratings of n images."""

    scores: Floats
    features: Floats
    mos: Floats

    def take(self, rows: Ints) -> tuple[Floats, Floats, Floats]:
        return self.scores[rows], self.features[rows], self.mos[rows]


def rated(student: StudentModel, table: Path, cache: Path) -> tuple[Rated, list[str]]:
    """The set as this student sees it, and the content hash of each image."""
    opinions = read_opinions(table)
    paths: list[AnyFile] = [table.parent / name for name in opinions.image]
    looked = look_at(student, paths, cache=cache)
    mos = dict(zip(paths, opinions.mos, strict=True))
    found = Rated(looked.scores, looked.features, np.array([mos[path] for path in looked.paths]))
    return found, looked.hashes


def splits(n: int, seeds: int) -> Iterator[tuple[Ints, Ints]]:
    """Rows to learn from, in a random order, and rows to judge by."""
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(n)
        yield order[n // 5 :], order[: n // 5]


def budget_rows(learn: Ints, share: float) -> Ints | None:
    """The first `share` of the learning part; None where that is under ten ratings."""
    size = round(share * len(learn))
    return learn[:size] if size >= FEWEST else None


def srcc(said: Floats, truth: Floats) -> float:
    """SRCC; NaN where either is flat, which ranks nothing."""
    if np.ptp(said) == 0 or np.ptp(truth) == 0:
        return math.nan
    return float(spearmanr(said, truth)[0])


def calibrated(data: Rated, seeds: int) -> Row:
    """SRCC, RMSE and coverage of the calibrated student at every budget."""
    row: Row = {}
    for learn, judge in splits(len(data.mos), seeds):
        row.setdefault("SRCC at 0 %", []).append(srcc(data.scores[judge], data.mos[judge]))
        for share in BUDGETS:
            rows = budget_rows(learn, share)
            if rows is None:
                continue
            found = fit_calibration(*data.take(rows))
            said = found.opinion(data.scores[judge], data.features[judge])
            error = np.abs(said - data.mos[judge])
            at = f"at {share:.0%}".replace("%", " %")
            row.setdefault(f"SRCC {at}", []).append(srcc(said, data.mos[judge]))
            row.setdefault(f"RMSE {at}", []).append(float(np.sqrt((error**2).mean())))
            row.setdefault(f"coverage {at}", []).append(float((error <= found.half).mean()))
    return row


def alone(data: Rated, seeds: int, predict: Callable[[Rated, Ints, Ints], Floats]) -> Row:
    """SRCC and RMSE at every budget of another way to use the ratings."""
    row: Row = {}
    for learn, judge in splits(len(data.mos), seeds):
        for share in BUDGETS:
            rows = budget_rows(learn, share)
            if rows is None:
                continue
            said = predict(data, rows, judge)
            error = float(np.sqrt(np.mean((said - data.mos[judge]) ** 2)))
            at = f"at {share:.0%}".replace("%", " %")
            row.setdefault(f"SRCC {at}", []).append(srcc(said, data.mos[judge]))
            row.setdefault(f"RMSE {at}", []).append(error)
    return row


def ratings_alone(data: Rated, rows: Ints, judge: Ints) -> Floats:
    """The features without any teacher: a random score, which the fit learns to pass over."""
    noise = np.random.default_rng(0).normal(size=len(data.mos))
    found = fit_opinion(noise[rows], data.features[rows], data.mos[rows])
    plain = replace(found, slope=0.0, intercept=float(found.intercept + found.slope * noise.mean()))
    return plain(noise[judge], data.features[judge])


def monotone_map(data: Rated, rows: Ints, judge: Ints) -> Floats:
    return fit_mapping(data.scores[rows], data.mos[rows], "isotonic", direction="increasing")(
        data.scores[judge]
    )


def map_after(data: Rated, rows: Ints, judge: Ints) -> Floats:
    """A monotone map behind the calibrated head, fitted on its own cross-fitted predictions."""
    from snellen.students.calibration import cross_predict

    found = fit_opinion(*data.take(rows))
    curve = fit_mapping(
        cross_predict(*data.take(rows)), data.mos[rows], "isotonic", direction="increasing"
    )
    return curve(found(data.scores[judge], data.features[judge]))


def teacher_of(labels: Labels, hashes: list[str], data: Rated) -> Rated:
    """The set with the teacher's own score in place of the student's."""
    score = dict(zip(labels.hashes, labels.score, strict=True))
    return replace(data, scores=np.array([score[name] for name in hashes]))


def variants(labels: Labels) -> dict[str, tuple[Labels, Recipe]]:
    """The student as it is by default, and students with one ingredient more or less each."""
    found = {
        "student": (labels, Recipe(pair_weight=0.0)),
        "  by the teacher's doubt": (labels, Recipe(pair_weight=0.0, use_reliability=True)),
    }
    if len(labels.p):
        found |= {
            f"  with pairs, λ {weight:g}": (labels, Recipe(pair_weight=weight))
            for weight in (0.3, 1.0, 3.0)
        }
    if (labels.audit != 1).any():
        found["  without audit weights"] = (
            labels,
            Recipe(pair_weight=0.0, use_audit=False),
        )
    return found


def cell(values: Floats) -> str:
    """Mean ± half of its 95 % interval of the splits that have the figure; how many have none."""
    known = values[~np.isnan(values)]
    if not known.size:
        return "–" if not values.size else f"– ({values.size} flat)"
    half = 1.96 * known.std(ddof=1) / np.sqrt(known.size) if known.size > 1 else 0
    flat = values.size - known.size
    return f"{known.mean():.3f} ± {half:.3f}" + (f" ({flat} flat)" if flat else "")


def show(rows: dict[str, Row], figure: str) -> None:
    columns = [f"{figure} at 0 %"] if figure == "SRCC" else []
    columns += [f"{figure} at {share * 100:.0f} %" for share in BUDGETS]
    print(f"| {figure} | " + " | ".join(column.split(" at ")[1] for column in columns) + " |")
    print("| --- |" + " --- |" * len(columns))
    for name, row in rows.items():
        cells = [cell(np.array(row.get(column, []), np.float64)) for column in columns]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print(flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--labels", nargs="*", default=[], help="SET=FOLDER of a teacher's labels")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/students"))
    parser.add_argument("--seeds", type=int, default=100)
    args = parser.parse_args()
    folders = dict(item.split("=", 1) for item in args.labels)
    cache = args.out / "features"
    cache.mkdir(parents=True, exist_ok=True)
    results: dict[str, dict[str, Row]] = {}
    for name, table in RATED.items():
        plain, hashes = rated(new_student(), args.data / table, cache)
        rows: dict[str, Row] = {"built-in, calibrated": calibrated(plain, args.seeds)}
        rows["built-in, monotone map alone"] = alone(plain, args.seeds, monotone_map)
        rows["built-in, calibrated, then a monotone map"] = alone(plain, args.seeds, map_after)
        rows["ratings alone"] = alone(plain, args.seeds, ratings_alone)
        if name in folders:
            labels = read_labels([Path(folders[name])])
            rows["teacher, calibrated"] = calibrated(teacher_of(labels, hashes, plain), args.seeds)
            for title, (given, recipe) in variants(labels).items():
                folder = args.out / name / title.strip().replace(" ", "-")
                student = distil(new_student(), given, recipe, folder, cache=cache)
                seen, _ = rated(student, args.data / table, cache)
                rows[title] = calibrated(seen, args.seeds)
        results[name] = rows
        print(f"## {name}: {len(plain.mos)} images, {args.seeds} splits\n")
        for figure in ("SRCC", "RMSE", "coverage"):
            show({k: v for k, v in rows.items() if any(figure in c for c in v)}, figure)
    (args.out / "table.json").write_text(json.dumps(results, indent=1), encoding="utf-8")


if __name__ == "__main__":
    try:
        main()
    except SnellenError as error:
        raise SystemExit(f"student_table: {error}") from None
