"""Step 2: photos × distortions → what the judge sees of them, with labels, saved as shards.

    python -m runs.built_in_judge.make --data ../shared/data

A unit is four pictures of one photo: a query; a copy of the query as Q-Debias makes it; another
rung of the query's ladder; and something else. Each is cut to the middle 224 pixels just as the
judge's image processor does it, so training sees what the judge is shown. Resumable: a shard that
exists is not made again. About half an hour on one core.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from runs.built_in_judge.vision import SIDE
from runs.built_in_scorer import samples as recipe
from runs.built_in_scorer.make import fit_proxy, seed_of
from runs.built_in_scorer.photos import photos, pristine, role
from runs.built_in_scorer.proxy import SeverityProxy
from snellen import distortions
from snellen.distortions.imagenet_c import Q_DEBIAS

Plan = tuple[tuple[str, int], ...]
UInt8 = NDArray[np.uint8]

PICTURES = 4  # of a unit: query, copy, rung, other
UNITS_A_SHARD, HELD_A_SHARD = 120, 32
TURNS = 3  # units of each training photo
HELD_SINGLES, HELD_MIXES = 12, 2  # of each held-out photo, beside the photo itself
THUMB = 8  # side of the thumbnail of the pristine window, for questions about content


def window(pixels: UInt8) -> UInt8:
    """The middle `SIDE` × `SIDE` pixels, black where the picture is smaller.

    The same as transformers' centre crop, which the judge's processor does.
    """
    height, width = pixels.shape[:2]
    top, left = int((height - SIDE) / 2), int((width - SIDE) / 2)
    if top >= 0 and left >= 0 and height >= SIDE and width >= SIDE:
        return pixels[top : top + SIDE, left : left + SIDE]
    canvas = np.zeros((max(SIDE, height), max(SIDE, width), 3), np.uint8)
    y, x = -(-(canvas.shape[0] - height) // 2), -(-(canvas.shape[1] - width) // 2)
    canvas[y : y + height, x : x + width] = pixels
    return window(canvas)


def anywhere(pixels: UInt8, place: tuple[float, float]) -> UInt8:
    """`SIDE` × `SIDE` pixels at a place in [0, 1) of what is free; the middle of a smaller one."""
    if min(pixels.shape[:2]) < SIDE:
        return window(pixels)
    top, left = (int(at * (side - SIDE + 1)) for at, side in zip(place, pixels.shape, strict=False))
    return pixels[top : top + SIDE, left : left + SIDE]


def thumbnail(pixels: UInt8) -> UInt8:
    """(8, 8, 3): the window's layout of colours."""
    small = Image.fromarray(pixels).resize((THUMB, THUMB), Image.Resampling.BOX)
    return np.asarray(small)


def single(rng: np.random.Generator, kinds: list[distortions.Distortion]) -> Plan:
    kind = kinds[rng.integers(len(kinds))]
    return ((kind.name, int(rng.choice(kind.levels))),)


def plans(rng: np.random.Generator) -> list[Plan]:
    """The four plans of a unit, in the order of `PICTURES`."""
    known, other = recipe.tabled(), recipe.untabled()
    draw = rng.random()
    if draw < 0.12:
        query: Plan = ()
    elif draw < 0.27:
        query = recipe.random_mix(rng, known + other)
    else:
        query = single(rng, known if draw < 0.87 else other)
    copy = (*query, Q_DEBIAS[rng.integers(len(Q_DEBIAS))])
    if len(query) == 1:
        name, level = query[0]
        rung: Plan = (
            (name, int(rng.choice([n for n in distortions.get(name).levels if n != level]))),
        )
    else:
        rung = single(rng, known)
    rest = () if rng.random() < 0.2 else single(rng, known if rng.random() < 0.8 else other)
    return [query, copy, rung, rest]


def make_unit(
    path: Path, turn: int, proxy: SeverityProxy
) -> tuple[list[recipe.Sample], list[UInt8], UInt8]:
    """The samples of a unit, what is shown of each, and the thumbnail of the photo itself there."""
    rng = np.random.default_rng(seed_of("judge", path.name, turn))
    original = pristine(path, rng)
    seed = seed_of("judge", path.name, turn, "seed")
    made = [recipe.make(original, plan, proxy, seed) for plan in plans(rng)]
    place = (float(rng.random()), float(rng.random()))

    def cut(pixels: UInt8) -> UInt8:
        return anywhere(pixels, place) if turn else window(pixels)

    return made, [cut(sample.pixels) for sample in made], thumbnail(cut(original))


def held_out(path: Path, proxy: SeverityProxy) -> tuple[list[recipe.Sample], list[UInt8], UInt8]:
    """A held-out photo: itself, singles of tabled types, mixes; then a copy of each of the first
    four, one for each of Q-Debias's ways."""
    rng = np.random.default_rng(seed_of("judge-held", path.name))
    original = pristine(path, rng)
    every: list[Plan] = [(), *_held_plans(rng)]
    every += [recipe.random_mix(rng, list(distortions.catalogue())) for _ in range(HELD_MIXES)]
    every += [(*every[i], way) for i, way in enumerate(Q_DEBIAS)]
    seed = seed_of("judge-held", path.name, "seed")
    made = [recipe.make(original, p, proxy, seed) for p in every]
    return made, [window(sample.pixels) for sample in made], thumbnail(window(original))


def held_singles(path: Path) -> list[recipe.Sample]:
    """The singles of `held_out`, pixels whole. They need no proxy: people rated their types."""
    rng = np.random.default_rng(seed_of("judge-held", path.name))
    original = pristine(path, rng)
    seed = seed_of("judge-held", path.name, "seed")
    return [recipe.make(original, plan, SeverityProxy(), seed) for plan in _held_plans(rng)]


def _held_plans(rng: np.random.Generator) -> list[Plan]:
    kinds = recipe.tabled()
    chosen = rng.choice(len(kinds), HELD_SINGLES, replace=False)
    return [((kinds[i].name, int(rng.choice(kinds[i].levels))),) for i in chosen]


def shard(task: tuple[Path, list[tuple[Path, int]], SeverityProxy, bool]) -> Path:
    """Make one shard: pictures as a plain .npy, to be mapped; labels beside them."""
    store, units, proxy, held = task
    pictures: list[UInt8] = []
    rows: dict[str, list[Any]] = {
        name: [] for name in ("opinion", "families", "severity", "parts", "photo", "thumb")
    }
    for path, turn in units:
        made, shown, thumb = held_out(path, proxy) if held else make_unit(path, turn, proxy)
        pictures += shown
        for sample in made:
            rows["opinion"].append(sample.opinion)
            rows["families"].append(sample.families)
            rows["severity"].append(sample.severity)
            rows["parts"].append(json.dumps(sample.parts))
            rows["photo"].append(path.name)
            rows["thumb"].append(thumb)
    np.save(pictures_of(store), np.stack(pictures))
    partial = store.with_suffix(".part.npz")
    np.savez(partial, **{name: np.asarray(values) for name, values in rows.items()})
    partial.replace(store)
    return store


def pictures_of(store: Path) -> Path:
    """Where the pictures of a shard lie: (n, 224, 224, 3) uint8."""
    return store.with_suffix(".pictures.npy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_judge"))
    parser.add_argument("--scorer", type=Path, default=Path("runs/cache/built_in_scorer"))
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    args.cache.mkdir(parents=True, exist_ok=True)
    by_role: dict[str, list[Path]] = {"train": [], "validation": [], "test": []}
    for path in photos(args.data):
        by_role[role(path)].append(path)
    proxy = fit_proxy(by_role["train"][::4], args.scorer)

    tasks = []
    for turn in range(args.turns):
        order = np.random.default_rng(turn).permutation(len(by_role["train"]))
        units = [(by_role["train"][i], turn) for i in order]
        for start in range(0, len(units), UNITS_A_SHARD):
            store = args.cache / f"train-{turn}-{start // UNITS_A_SHARD:02d}.npz"
            tasks.append((store, units[start : start + UNITS_A_SHARD], proxy, False))
        if turn == 0:  # early, so that there is something to watch while the rest is made
            for part in ("validation", "test"):
                held = [(path, 0) for path in by_role[part]]
                for start in range(0, len(held), HELD_A_SHARD):
                    store = args.cache / f"{part}-{start // HELD_A_SHARD:02d}.npz"
                    tasks.append((store, held[start : start + HELD_A_SHARD], proxy, True))
    tasks = [task for task in tasks if not task[0].exists()]
    with multiprocessing.Pool(args.jobs) as pool:
        for done, store in enumerate(pool.imap(shard, tasks), 1):
            print(f"{done}/{len(tasks)} {store.name}", flush=True)


if __name__ == "__main__":
    main()
