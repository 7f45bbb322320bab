"""Every figure of the card, by one command.

    python -m runs.built_in_scorer.measure --data ../shared/data

Held-out contents are the `test` photos of `make`, never seen in training or in any choice. The
human-rated sets were never trained or tuned on. Every line is given for each seed's network and
for the shipped file, with trivial baselines beside it; intervals are 95 % bootstraps, over
contents where several samples share one.
"""

from __future__ import annotations

import argparse
import csv
import json
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import spearmanr

from runs.built_in_scorer.photos import FILTERS, photos, role
from runs.built_in_scorer.proxy import PRISTINE
from snellen.distortions import get, opinion
from snellen.images import read
from snellen.images.view import View, make_view
from snellen.scorers.student import Student

CLEAR = 0.25  # points of opinion (1–5) between rungs of a ladder that count as a step
# "Visible" has no agreed limit, so three are given: points of opinion below a pristine photo.
VISIBLE = (0.25, 0.5, 1.0)
REAL = ("pcuid", "avt-ai")


def baselines(view: View) -> dict[str, float]:
    """What anybody could compute in a line: no learning."""
    luma = view.crops.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    n, size = luma.shape[:2]
    blocks = luma.reshape(n, size // 8, 8, size // 8, 8).std(axis=(2, 4))
    whole = view.whole.astype(np.float32)
    return {
        "mean local std": float(blocks.mean()),
        "contrast of the whole": float(whole.mean(2).std()),
        "colour spread": float(whole.std(axis=2).mean()),
    }


def held_out(folder: Path, students: dict[str, Student]) -> dict[str, np.ndarray]:
    """Score every stored held-out sample with every student; columns of equal length."""
    rows: dict[str, list] = {"content": [], "parts": [], "opinion": []}
    for content, file in enumerate(sorted(folder.glob("*.npz"))):
        saved = dict(np.load(file))
        for i in range(len(saved["opinion"])):
            boxes = np.zeros((saved["crops"].shape[1], 4), np.int64)
            view = View(saved["crops"][i], boxes, saved["whole"][i], {})
            rows["content"].append(content)
            rows["parts"].append(json.loads(str(saved["parts"][i])))
            rows["opinion"].append(float(saved["opinion"][i]))
            for name, value in baselines(view).items():
                rows.setdefault(name, []).append(value)
            for name, student in students.items():
                score = student.score_view(view)
                rows.setdefault(name, []).append(score.value)
                rows.setdefault(name + "|problem", []).append(score.problem)
                rows.setdefault(name + "|spread", []).append(score.spread)
    return {
        k: np.array(v, dtype=object) if k == "parts" else np.asarray(v) for k, v in rows.items()
    }


def interval(statistic, groups: np.ndarray, resamples: int = 400) -> tuple[float, float]:
    """95 % percentile bootstrap of `statistic(rows)`, resampling whole groups."""
    rng = np.random.default_rng(0)
    names = np.unique(groups)
    members = [np.flatnonzero(groups == g) for g in names]
    values = []
    for _ in range(resamples):
        rows = np.concatenate([members[i] for i in rng.integers(0, len(names), len(names))])
        values.append(statistic(rows))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)


def report(label: str, statistic, groups: np.ndarray, out: dict) -> None:
    value = float(statistic(np.arange(len(groups))))
    low, high = interval(statistic, groups)
    out[label] = {"value": round(value, 3), "low": round(low, 3), "high": round(high, 3)}
    print(f"  {label:<44} {value:6.3f}  [{low:.3f}, {high:.3f}]  n = {len(groups)}", flush=True)


def on_held_out(table: dict[str, np.ndarray], name: str, out: dict) -> None:
    parts, content = table["parts"], table["content"]
    human = np.array([len(p) == 1 and opinion(*p[0]) is not None for p in parts])
    mixes = np.array([len(p) > 1 for p in parts])
    score = table[name]

    def srcc(rows_of: np.ndarray):
        chosen = np.flatnonzero(rows_of)
        s, o = score[chosen], table["opinion"][chosen]
        return lambda rows: spearmanr(s[rows], o[rows])[0], content[chosen]

    report("SRCC with the human table, single types", *srcc(human), out)
    report("SRCC with the proxy, mixes", *srcc(mixes), out)
    if name + "|problem" not in table:
        return
    truth = np.array([get(p[0][0]).label(p[0][1]) if len(p) == 1 else "" for p in parts])
    for limit in VISIBLE:
        visible = human & (PRISTINE - table["opinion"] >= limit) & (truth != "clean")
        right, t = (table[name + "|problem"] == truth)[visible], truth[visible]
        label = f"types at least {limit} below pristine"
        report(f"family accuracy, {label}", _mean_of(right), content[visible], out)
        macro = _macro_of(right, t)
        report(f"family macro accuracy, {label}", macro, content[visible], out)
    clean = np.array([len(p) == 0 for p in parts])
    named = (table[name + "|problem"] == "clean")[clean]
    report("pristine photos called clean", _mean_of(named), content[clean], out)
    steps, owners = ladder_steps(parts, content, score)
    report("ladder steps that go down", _mean_of(steps), owners, out)
    low_high = 1.96 * table[name + "|spread"]
    inside = (np.abs(score - (table["opinion"] - 1) * 25) <= low_high)[human]
    report("coverage of the 95 % interval", _mean_of(inside), content[human], out)


def on_others(table: dict[str, np.ndarray], name: str, label: str, parts: range, out: dict) -> None:
    """SRCC over the samples of a table that have so many parts."""
    rows_of = np.array([len(p) in parts for p in table["parts"]])
    score, worth, content = (table[key][rows_of] for key in (name, "opinion", "content"))
    report(label, lambda rows: spearmanr(score[rows], worth[rows])[0], content, out)


def on_filters(data: Path, part: str, students: dict[str, Student], results: dict) -> None:
    """Held-out photos shrunk to half by each filter: nobody minds which, so a score should not."""
    chosen = [path for path in photos(data) if role(path) == part]
    found: dict[str, list[list[float]]] = {name: [] for name in students}
    for path in chosen:
        image = Image.open(path).convert("RGB")
        size = image.width // 2, image.height // 2
        shown = [np.asarray(image.resize(size, kind)) for kind in FILTERS]
        for name, student in students.items():
            views = [make_view(pixels, student.policy) for pixels in shown]
            found[name].append([student.score_view(view).value for view in views])
    for name, scores in found.items():
        print(f"{name}, shrunk by one of {len(FILTERS)} filters ({part})", flush=True)
        apart = np.ptp(scores, axis=1)
        label = "points between the filters that shrank a photo"
        report(label, _mean_of(apart), np.arange(len(apart)), results[name][part])


def _mean_of(values: np.ndarray):
    return lambda rows: values[rows].mean()


def _macro_of(right: np.ndarray, truth: np.ndarray):
    """Mean over the families of the accuracy within each."""
    kinds = [truth == kind for kind in np.unique(truth)]
    return lambda rows: np.mean([right[rows][k[rows]].mean() for k in kinds if k[rows].any()])


def ladder_steps(parts, content, score) -> tuple[np.ndarray, np.ndarray]:
    """Whole ladders: does each clear step down the human table lower the score?"""
    at = {
        (int(c), p[0][0], p[0][1]): float(s)
        for c, p, s in zip(content, parts, score, strict=True)
        if len(p) == 1 and opinion(*p[0]) is not None
    }
    steps, owners = [], []
    for c, name, level in at:
        order = get(name).order
        place = order.index(level)
        if place + 1 < len(order) and (c, name, order[place + 1]) in at:
            worse = order[place + 1]
            if opinion(name, level).mean - opinion(name, worse).mean >= CLEAR:
                steps.append(at[c, name, level] > at[c, name, worse])
                owners.append(c)
    return np.array(steps), np.array(owners)


def on_real(folder: Path, students: dict[str, Student], out: dict) -> None:
    with (folder / "mos.csv").open() as file:
        rows = list(csv.DictReader(file))
    mos = np.array([float(row["mos"]) for row in rows])
    columns: dict[str, list[float]] = {}
    for row in rows:
        pixels = read(folder / row["image"]).pixels
        for name, value in baselines(make_view(pixels)).items():
            columns.setdefault(name, []).append(value)
        for name, student in students.items():
            view = make_view(pixels, student.policy)
            columns.setdefault(name, []).append(student.score_view(view).value)
    print(f"{folder.name}, SRCC with MOS", flush=True)
    for name, values in columns.items():
        v = np.asarray(values)
        report(
            name,
            lambda r, v=v: spearmanr(v[r], mos[r])[0],
            np.arange(len(mos)),
            out.setdefault(name, {}).setdefault(folder.name, {}),
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", type=Path, nargs="*", help="default: every seed and the shipped")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_scorer"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_scorer"))
    parser.add_argument("--part", default="test", choices=("test", "validation"))
    parser.add_argument("--real", action=argparse.BooleanOptionalAction, default=True)
    args = parser.parse_args()
    files = args.files or [
        *sorted(args.out.glob("seed-*.onnx")),
        Path("src/snellen/scorers/built_in/built-in.onnx"),
    ]
    students = {file.stem: Student(file) for file in files}
    saved = args.out / f"figures-{args.part}.json"
    # Figures of files that are not measured now stay as they are.
    results: dict[str, dict] = json.loads(saved.read_text()) if saved.exists() else {}
    table = held_out(args.cache / args.part, students)
    chains = held_out(args.cache / f"{args.part}-chains", students)
    decoded = held_out(args.cache / f"{args.part}-decoded", students)
    otherwise = held_out(args.cache / f"{args.part}-taken", students)
    for name in [
        *students,
        *baselines(View(np.zeros((1, 8, 8, 3)), None, np.zeros((8, 8, 3)), {})),
    ]:
        print(f"{name}, held-out contents ({args.part})", flush=True)
        out = results.setdefault(name, {}).setdefault(args.part, {})
        on_held_out(table, name, out)
        label = "SRCC with the proxy, chains of faults"
        on_others(chains, name, label, range(2, 5), out)
        label = "SRCC with the proxy, pictures that a decoder made"
        on_others(decoded, name, label, range(1, 5), out)
        label = "SRCC with the human table, photos taken otherwise"
        on_others(otherwise, name, label, range(1, 2), out)
    on_filters(args.data, args.part, students, results)
    if args.real:
        for real in REAL:
            on_real(args.data / "rated" / real, students, results)
    saved.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
