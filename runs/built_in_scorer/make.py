"""Photos × distortions → views with labels, saved as shards.

    python -m runs.built_in_scorer.make --data ../shared/data

Resumable: a shard that exists is not made again. About an hour of one core by default, after
`decoders`.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import multiprocessing
import time
from multiprocessing.pool import Pool
from pathlib import Path

import numpy as np

from runs.built_in_scorer import chains, decoders
from runs.built_in_scorer import samples as recipe
from runs.built_in_scorer.photos import photos, pristine, role, taken
from runs.built_in_scorer.proxy import SeverityProxy, features
from snellen import distortions
from snellen.images.view import ViewPolicy, make_view

POLICY = ViewPolicy(crops=9, size=64)
UNITS_A_SHARD = 240  # a unit is three samples of one photo
# What `chains.draw` is told: sources, and the fewest steps; a decoder is a fault by itself.
CHAINS = {"chain": (chains.SOURCES, 2), "decoded": (chains.DECODED, 1)}
PLAN = 7_200  # units that are drawn; of them, as many shards are made as are asked for


def seed_of(*parts: object) -> int:
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big")


def fit_proxy(paths: list[Path], cache: Path) -> SeverityProxy:
    """Fit the severity proxy on training photos; print how it does on types it never saw.

    Its table of measures is kept under a digest of photos and catalogue, so neither grows stale.
    """
    cache.mkdir(parents=True, exist_ok=True)
    store = cache / f"proxy-{_digest_of(paths)}.npz"
    if not store.exists():
        rows, names = [], []
        kinds = recipe.tabled()
        for i, path in enumerate(paths):
            rng = np.random.default_rng(seed_of("proxy", path.name))
            original = pristine(path, rng)
            for kind in (kinds[j] for j in rng.choice(len(kinds), 8, replace=False)):
                level = int(rng.choice(kind.levels))
                bad = distortions.apply(original, kind.name, level, seed=i)
                rows.append([*features(original, bad), recipe.human_opinion(kind, level)])
                names.append(kind.name)
            rows.append([*features(original, original), recipe.PRISTINE])
            names.append("clean")
        np.savez(store, rows=np.asarray(rows, np.float32), names=np.asarray(names))
    saved = np.load(store)
    x, y, names = saved["rows"][:, :-1], saved["rows"][:, -1], saved["names"]
    report = store.with_suffix(".json")
    if not report.exists():
        report.write_text(json.dumps(_left_out(x, y, names), indent=1))
        print(report.read_text(), flush=True)
    return SeverityProxy().fit(x, y)


def _digest_of(paths: list[Path]) -> str:
    """Of the photos' names and lengths and the source of the catalogue's recipes."""
    found = hashlib.sha256(repr([(path.name, path.stat().st_size) for path in paths]).encode())
    for source in sorted(Path(distortions.__file__).parent.glob("*.py")):
        found.update(source.read_bytes())
    return found.hexdigest()[:12]


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


def unit(path: Path, turn: int, proxy: SeverityProxy, share: float = 0) -> list[recipe.Sample]:
    """Three samples of one photo: two rungs of one ladder, and clean, a mix or another single.

    share : how often the photo is `taken` otherwise instead of `pristine`.
    """
    rng = np.random.default_rng(seed_of("unit", path.name, turn))
    original = _shot(path, rng, share)
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


def chain_unit(
    path: Path, turn: int, proxy: SeverityProxy, share: float = 0, kind: str = "chain"
) -> list[recipe.Sample]:
    """Three samples of one photo: a chain at two strengths, and the photo itself or another.

    kind : of `CHAINS`.
    """
    rng = np.random.default_rng(seed_of(kind, path.name, turn))
    original = _shot(path, rng, share)
    chain = chains.draw(rng, *CHAINS[kind])
    seed = seed_of(path.name, turn, chain)
    made = [
        recipe.make_chain(original, chain, strength, proxy, seed)
        for strength in rng.uniform(0.05, 1, 2)
    ]
    if rng.random() < 0.25:
        return [*made, recipe.make(original, (), proxy, seed)]
    other = chains.draw(rng, *CHAINS[kind])
    return [*made, recipe.make_chain(original, other, rng.uniform(0.05, 1), proxy, seed)]


def ladder_unit(
    path: Path, turn: int, proxy: SeverityProxy, share: float = 0, hard: bool = False
) -> list[recipe.Sample]:
    """Three rungs of one ladder of a photo, of any type that has a table.

    hard : only of the types that are easily taken for another photo.
    """
    rng = np.random.default_rng(seed_of("hard" if hard else "ladder", path.name, turn))
    original = _shot(path, rng, share)
    names = recipe.HARD if hard else [kind.name for kind in recipe.tabled()]
    kind = distortions.get(str(rng.choice(names)))
    plans = [((kind.name, int(rung)),) for rung in rng.choice(kind.levels, 3, replace=False)]
    return [recipe.make(original, plan, proxy, seed_of(path.name, turn, plan)) for plan in plans]


# By what a shard's name begins with.
UNITS = {
    "train": unit,
    "chain": chain_unit,
    "decoded": functools.partial(chain_unit, kind="decoded"),
    "hard": functools.partial(ladder_unit, hard=True),
    "ladder": ladder_unit,
}


def _shot(path: Path, rng: np.random.Generator, share: float) -> np.ndarray:
    # No draw where there is nothing to draw, so that the other draws stay what they were.
    return taken(path, rng) if share and rng.random() < share else pristine(path, rng)


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


Task = tuple[Path, list[tuple[Path, int]], SeverityProxy]


def train_shard(task: Task, share: float) -> None:
    """One file of training samples, of the kind that its name says."""
    store, units, proxy = task
    make_unit = UNITS[store.name.partition("-")[0]]
    made, views, groups = [], [], []
    for i, (path, turn) in enumerate(units):
        rng = np.random.default_rng(seed_of("view", path.name, turn))
        for sample in make_unit(path, turn, proxy, share):
            made.append(sample)
            views.append(recipe.random_view(sample.pixels, rng, POLICY))
            groups.append(i)
    arrays = _pack(made, views, groups)
    # Crops lie beside the labels as plain .npy, so that several trainings can map the same memory.
    np.save(crops_of(store), arrays.pop("crops"))
    save(store, arrays)


def crops_of(store: Path) -> Path:
    """Where the crops of a training shard lie."""
    return store.with_suffix(".crops.npy")


def held_photo(path: Path, turn: int, proxy: SeverityProxy) -> list[recipe.Sample]:
    """A held-out photo: every fifth with whole ladders, the rest with one level of each type; some
    mixes and the photo itself."""
    rng = np.random.default_rng(seed_of("held", path.name))
    original = pristine(path, rng)
    plans: list[tuple[tuple[str, int], ...]] = [()]
    for kind in distortions.catalogue():
        levels = kind.levels if turn % 5 == 0 else (int(rng.choice(kind.levels)),)
        plans += [((kind.name, level),) for level in levels]
    plans += [recipe.random_mix(rng, list(distortions.catalogue())) for _ in range(6)]
    return [recipe.make(original, p, proxy, seed_of(path.name, "held", p)) for p in plans]


def held_chains(
    path: Path, turn: int, proxy: SeverityProxy, kind: str = "chain"
) -> list[recipe.Sample]:
    """Six chains of a held-out photo; kind : of `CHAINS`."""
    name = "chains" if kind == "chain" else kind  # so that the seeds stay what they were
    rng = np.random.default_rng(seed_of(f"held {name}", path.name))
    original = pristine(path, rng)
    return [
        recipe.make_chain(
            original,
            chains.draw(rng, *CHAINS[kind]),
            rng.uniform(0.05, 1),
            proxy,
            seed_of(path.name, i),
        )
        for i in range(6)
    ]


def held_taken(path: Path, turn: int, proxy: SeverityProxy) -> list[recipe.Sample]:
    """A held-out photo as it was `taken` otherwise, and twelve tabled types of it."""
    rng = np.random.default_rng(seed_of("held taken", path.name))
    original = taken(path, rng)
    kinds = recipe.tabled()
    plans: list[tuple[tuple[str, int], ...]] = [()]
    chosen = (kinds[i] for i in rng.choice(len(kinds), 12, replace=False))
    plans += [((kind.name, int(rng.choice(kind.levels))),) for kind in chosen]
    return [recipe.make(original, p, proxy, seed_of(path.name, "taken", p)) for p in plans]


# By the folder's ending.
HELD = {
    "": held_photo,
    "-chains": held_chains,
    "-taken": held_taken,
    "-decoded": functools.partial(held_chains, kind="decoded"),
}


def held_part(task: Task, ending: str) -> None:
    """Some held-out photos as they would be scored; one file for each, because the number of crops
    follows the shape."""
    folder, units, proxy = task
    for path, turn in units:
        target = folder / f"{path.stem}.npz"
        if not target.exists():
            made = HELD[ending](path, turn, proxy)
            views = [make_view(sample.pixels, POLICY) for sample in made]
            save(target, _pack(made, views, [turn] * len(made)))


def save(store: Path, arrays: dict[str, np.ndarray]) -> None:
    """Whole or not at all."""
    partial = store.with_suffix(".part.npz")
    np.savez(partial, **arrays)
    partial.replace(store)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_scorer"))
    parser.add_argument("--shards", type=int, default=24, help="of the catalogue, 720 samples each")
    parser.add_argument("--chains", type=int, default=6, help="shards of chains")
    parser.add_argument("--decoded", type=int, default=4, help="shards of decoded pictures")
    parser.add_argument("--hard", type=int, default=20, help="shards of the types most missed")
    parser.add_argument("--ladders", type=int, default=10, help="shards of ladders of all types")
    parser.add_argument("--taken", type=float, default=0, help="share of photos taken otherwise")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    # Here and not in the pool, whose workers share them and which would wait for one that exits.
    for kind in decoders.KINDS:
        decoders.trained(kind)
    args.cache.mkdir(parents=True, exist_ok=True)
    share = args.cache / "taken.json"
    if share.exists() and json.loads(share.read_text()) != args.taken:
        raise SystemExit(
            f"{args.cache} was made with --taken {share.read_text()}; use another --cache"
        )
    share.write_text(json.dumps(args.taken))
    by_role: dict[str, list[Path]] = {"train": [], "validation": [], "test": []}
    for path in photos(args.data):
        by_role[role(path)].append(path)
    print({k: len(v) for k, v in by_role.items()}, flush=True)
    proxy = fit_proxy(by_role["train"][::4], args.cache)

    tasks = [
        *_shards(args.cache, "train", by_role["train"], args.shards, proxy),
        *_shards(args.cache, "chain", by_role["train"], args.chains, proxy),
        *_shards(args.cache, "decoded", by_role["train"], args.decoded, proxy),
        *_shards(args.cache, "hard", by_role["train"], args.hard, proxy),
        *_shards(args.cache, "ladder", by_role["train"], args.ladders, proxy),
    ]
    with multiprocessing.Pool(args.jobs) as pool:
        held_out(pool, args.cache, "validation", by_role["validation"], proxy)
        started = time.time()
        work = functools.partial(train_shard, share=args.taken)
        for done, _ in enumerate(pool.imap_unordered(work, tasks), 1):
            spent = (time.time() - started) / 60
            print(f"training shard {done}/{len(tasks)} after {spent:.1f} min", flush=True)
        # Last, so that training can begin: nothing but `measure` looks at these.
        held_out(pool, args.cache, "test", by_role["test"], proxy)


def _shards(
    cache: Path, kind: str, paths: list[Path], count: int, proxy: SeverityProxy
) -> list[Task]:
    """The shards of `kind` among the first `count` that are still to be made."""
    order = np.random.default_rng(0).permutation(PLAN)  # spread contents over shards
    units = [(paths[i % len(paths)], i // len(paths)) for i in order]
    stores = {
        cache / f"{kind}-{i:04d}.npz": units[i * UNITS_A_SHARD : (i + 1) * UNITS_A_SHARD]
        for i in range(min(count, PLAN // UNITS_A_SHARD))
    }
    return [(store, part, proxy) for store, part in stores.items() if not store.exists()]


def held_out(pool: Pool, cache: Path, part: str, paths: list[Path], proxy: SeverityProxy) -> None:
    """The held-out samples of `part`: of the catalogue in one folder, chains and photos taken
    otherwise in two others."""
    turns = [(path, i) for i, path in enumerate(paths)]
    for ending in HELD:
        name = f"{part}{ending}"
        folder = cache / name
        folder.mkdir(exist_ok=True)
        tasks = [(folder, turns[i : i + 5], proxy) for i in range(0, len(turns), 5)]
        work = functools.partial(held_part, ending=ending)
        for done, _ in enumerate(pool.imap_unordered(work, tasks), 1):
            print(f"{name} {done}/{len(tasks)}", flush=True)


if __name__ == "__main__":
    main()
