"""Step 1: photos × distortions → views with labels, saved as shards.

    python -m runs.built_in_scorer.make --data ../shared/data

Resumable: a shard that exists is not made again. About twelve minutes on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import time
from pathlib import Path

import numpy as np

from runs.built_in_scorer import samples as recipe
from runs.built_in_scorer.photos import photos, pristine, role
from runs.built_in_scorer.proxy import SeverityProxy, features
from snellen import distortions
from snellen.distortions import opinion
from snellen.images.view import ViewPolicy, make_view

POLICY = ViewPolicy()
UNITS_A_SHARD = 240  # a unit is three samples of one photo: two rungs of a ladder and one other


def seed_of(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


def fit_proxy(paths: list[Path], cache: Path) -> SeverityProxy:
    """Fit the severity proxy on training photos; print how it does on types it never saw."""
    store = cache / "proxy.npz"
    if not store.exists():
        rows, names = [], []
        kinds = recipe.tabled()
        for i, path in enumerate(paths):
            rng = np.random.default_rng(seed_of("proxy", path.name))
            original = pristine(path, rng)
            for kind in (kinds[j] for j in rng.choice(len(kinds), 8, replace=False)):
                level = int(rng.choice(kind.levels))
                bad = distortions.apply(original, kind.name, level, seed=i)
                rows.append([*features(original, bad), opinion(kind.name, level).mean])
                names.append(kind.name)
            rows.append([*features(original, original), recipe.PRISTINE])
            names.append("clean")
        np.savez(store, rows=np.asarray(rows, np.float32), names=np.asarray(names))
    saved = np.load(store)
    x, y, names = saved["rows"][:, :-1], saved["rows"][:, -1], saved["names"]
    report = cache / "proxy.json"
    if not report.exists():
        report.write_text(json.dumps(_left_out(x, y, names), indent=1))
        print(report.read_text(), flush=True)
    return SeverityProxy().fit(x, y)


def _left_out(x: np.ndarray, y: np.ndarray, names: np.ndarray) -> dict[str, float]:
    """Agreement on types left out of the fit, five at a time."""
    from scipy.stats import pearsonr, spearmanr

    kinds = sorted(set(names) - {"clean"})
    guess = np.full(len(y), np.nan)
    for fold in range(5):
        out = np.isin(names, kinds[fold::5])
        guess[out] = SeverityProxy().fit(x[~out], y[~out]).predict(x[out])
    ok = ~np.isnan(guess)
    return {
        "n": int(ok.sum()),
        "srcc": round(float(spearmanr(guess[ok], y[ok])[0]), 3),
        "plcc": round(float(pearsonr(guess[ok], y[ok])[0]), 3),
        "rmse_opinion_1_5": round(float(np.sqrt(((guess - y)[ok] ** 2).mean())), 3),
    }


def unit(path: Path, turn: int, proxy: SeverityProxy) -> list[recipe.Sample]:
    """Three samples of one photo: two rungs of one ladder, and clean, a mix or another single."""
    rng = np.random.default_rng(seed_of("unit", path.name, turn))
    original = pristine(path, rng)
    known, other = recipe.tabled(), recipe.untabled()
    kinds = known if rng.random() < 0.7 or not other else other
    kind = kinds[rng.integers(len(kinds))]
    rungs = rng.choice(kind.levels, 2, replace=False)
    plans: list[tuple[tuple[str, int], ...]] = [((kind.name, int(rung)),) for rung in rungs]
    draw = rng.random()
    if draw < 0.25:
        plans.append(())
    else:
        plans.append(recipe.random_mix(rng, known + other))
    return [recipe.make(original, plan, proxy, seed_of(path.name, turn, plan)) for plan in plans]


def _pack(made: list[recipe.Sample], views: list, groups: list[int]) -> dict[str, np.ndarray]:
    return {
        "crops": np.stack([v.crops for v in views]),
        "whole": np.stack([v.whole for v in views]),
        "opinion": np.asarray([s.opinion for s in made], np.float32),
        "families": np.stack([s.families for s in made]),
        "severity": np.stack([s.severity for s in made]),
        "parts": np.asarray([json.dumps(s.parts) for s in made]),
        "group": np.asarray(groups),
    }


def train_shard(task: tuple[Path, list[tuple[Path, int]], SeverityProxy]) -> None:
    store, units, proxy = task
    made, views, groups = [], [], []
    for i, (path, turn) in enumerate(units):
        rng = np.random.default_rng(seed_of("view", path.name, turn))
        for sample in unit(path, turn, proxy):
            made.append(sample)
            views.append(recipe.random_view(sample.pixels, rng, POLICY))
            groups.append(i)
    arrays = _pack(made, views, groups)
    # Crops lie beside the labels as plain .npy, so that several trainings can map the same memory.
    np.save(crops_of(store), arrays.pop("crops"))
    _save(store, arrays)


def crops_of(store: Path) -> Path:
    """Where the crops of a training shard lie."""
    return store.with_suffix(".crops.npy")


def held_shard(task: tuple[Path, list[tuple[Path, int]], SeverityProxy]) -> None:
    """Held-out photos as they would be scored: every fifth with whole ladders, the rest with one
    level of each type; some mixes and the photo itself. One file for each photo, because the
    number of crops follows the shape."""
    store, units, proxy = task
    for path, turn in units:
        target = store / f"{path.stem}.npz"
        if target.exists():
            continue
        rng = np.random.default_rng(seed_of("held", path.name))
        original = pristine(path, rng)
        plans: list[tuple[tuple[str, int], ...]] = [()]
        for kind in distortions.catalogue():
            levels = kind.levels if turn % 5 == 0 else (int(rng.choice(kind.levels)),)
            plans += [((kind.name, level),) for level in levels]
        plans += [recipe.random_mix(rng, list(distortions.catalogue())) for _ in range(6)]
        made = [recipe.make(original, p, proxy, seed_of(path.name, "held", p)) for p in plans]
        _save(target, _pack(made, [make_view(s.pixels, POLICY) for s in made], [turn] * len(made)))


def _save(store: Path, arrays: dict[str, np.ndarray]) -> None:
    partial = store.with_suffix(".part.npz")
    np.savez(partial, **arrays)
    partial.replace(store)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_scorer"))
    parser.add_argument("--units", type=int, default=14_400, help="three samples each")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    by_role: dict[str, list[Path]] = {"train": [], "validation": [], "test": []}
    for path in photos(args.data):
        by_role[role(path)].append(path)
    print({k: len(v) for k, v in by_role.items()}, flush=True)
    proxy = fit_proxy(by_role["train"][::4], args.cache)

    train = by_role["train"]
    order = np.random.default_rng(0).permutation(args.units)  # spread contents over shards
    units = [(train[i % len(train)], i // len(train)) for i in order]
    tasks = []
    for start in range(0, args.units, UNITS_A_SHARD):
        store = args.cache / f"train-{start // UNITS_A_SHARD:04d}.npz"
        if not store.exists():
            tasks.append((store, units[start : start + UNITS_A_SHARD], proxy))
    held = []
    for part in ("validation", "test"):
        folder = args.cache / part
        folder.mkdir(exist_ok=True)
        turns = [(path, i) for i, path in enumerate(by_role[part])]
        held += [(folder, turns[i : i + 5], proxy) for i in range(0, len(turns), 5)]

    started = time.time()
    with multiprocessing.Pool(args.jobs) as pool:
        for done, _ in enumerate(pool.imap_unordered(train_shard, tasks), 1):
            left = (time.time() - started) / done * (len(tasks) - done)
            print(f"train shard {done}/{len(tasks)}, {left / 60:.1f} min left", flush=True)
        for done, _ in enumerate(pool.imap_unordered(held_shard, held), 1):
            print(f"held-out batch {done}/{len(held)}", flush=True)


if __name__ == "__main__":
    main()
