"""What measures by hand and boosted trees reach: what the network must beat.

    OMP_NUM_THREADS=1 python -m runs.built_in_scorer.by_hand --data ../shared/data

About seventy measures of the whole picture at its own resolution, as metrics before learning had
them: locally normalised luma and the products of neighbours at two scales (Mittal et al. 2012,
BRISQUE: generalised Gaussians by moments), local deviation, Laplacian, gradients, steps on the grid
of JPEG, noise (Immerkær 1996), colour (Hasler & Süsstrunk 2003), clipping, size as a JPEG. Trees
learn the labels of `make`'s pictures from them. Rated sets are only looked at. About twenty
core-minutes; resumable.
"""

from __future__ import annotations

import argparse
import csv
import io
import multiprocessing
from pathlib import Path

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.special import gamma
from scipy.stats import spearmanr
from sklearn.ensemble import HistGradientBoostingRegressor

from runs.built_in_scorer.make import fit_proxy, save, unit
from runs.built_in_scorer.measure import REAL, interval
from runs.built_in_scorer.photos import photos, role
from runs.built_in_scorer.proxy import SeverityProxy, luma_chroma
from snellen.images import read

UNITS_A_PART = 60
SEEDS = range(3)
_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
_EDGELESS = np.outer((1, -2, 1), (1, -2, 1)).astype(np.float32)  # Immerkær's mask
_SHAPES = np.arange(0.2, 10, 0.001)
_RATIOS = gamma(2 / _SHAPES) ** 2 / (gamma(1 / _SHAPES) * gamma(3 / _SHAPES))  # rising

Grey = np.ndarray
Task = tuple[Path, list[tuple[Path, int]], SeverityProxy, float]


def measures(pixels: np.ndarray) -> np.ndarray:
    """Of one picture, uint8 (h, w, 3)."""
    luma = 255 * luma_chroma(pixels)[0]
    high, wide = (side // 2 * 2 for side in luma.shape)
    half = luma[:high, :wide].reshape(high // 2, 2, wide // 2, 2).mean((1, 3))
    found = [*_normalised(luma), *_normalised(half), *_detail(luma), *_on_grid(luma)]
    return np.array([*found, *_colour(pixels, luma), *_coded(pixels)], np.float32)


def _normalised(luma: Grey) -> list[float]:
    """Shapes and sizes of MSCN coefficients and of their neighbours' products; local deviation."""
    mean = ndimage.gaussian_filter(luma, 7 / 6, truncate=2.6)
    square = ndimage.gaussian_filter(luma * luma, 7 / 6, truncate=2.6)
    deviation = np.sqrt(np.maximum(square - mean * mean, 0))
    normal = (luma - mean) / (deviation + 1)
    power = float((normal * normal).mean()) + 1e-12
    found = [_shape(float(np.abs(normal).mean()) ** 2 / power), power]
    for move in _NEIGHBOURS:
        found += _two_sided(normal * np.roll(normal, move, (0, 1)))
    quantiles = np.quantile(deviation[::2, ::2], (0.1, 0.5, 0.9)).tolist()
    return [*found, float(deviation.mean()), float(deviation.std()), *quantiles]


def _shape(ratio: float) -> float:
    """Exponent of the generalised Gaussian whose squared mean size over its power is `ratio`."""
    return float(np.interp(ratio, _RATIOS, _SHAPES))


def _two_sided(x: np.ndarray) -> list[float]:
    """Asymmetric generalised Gaussian by moments: exponent, mean, both variances."""
    below, above = x[x < 0], x[x > 0]
    left, right = (float((part * part).mean()) if part.size else 1e-12 for part in (below, above))
    skew = np.sqrt(left / right)
    ratio = float(np.abs(x).mean()) ** 2 / (float((x * x).mean()) + 1e-12)
    shape = _shape(ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2)
    scale = float(gamma(2 / shape) / np.sqrt(gamma(1 / shape) * gamma(3 / shape)))
    return [shape, (np.sqrt(right) - np.sqrt(left)) * scale, left, right]


def _detail(luma: Grey) -> list[float]:
    laplacian = ndimage.laplace(luma)
    across, down = np.abs(np.diff(luma, axis=1)), np.abs(np.diff(luma, axis=0))
    noise = np.abs(ndimage.convolve(luma, _EDGELESS))
    high, wide = (side // 16 * 16 for side in noise.shape)
    blocks = noise[:high, :wide].reshape(high // 16, 16, wide // 16, 16).mean((1, 3))
    return [
        float(np.log(laplacian.var() + 1e-2)), float(np.abs(laplacian).mean()),
        float(across.mean()), float(down.mean()), float(np.quantile(across[::2, ::2], 0.95)),
        float((across < 0.5).mean()), float(noise.mean()), *np.quantile(blocks, (0.05, 0.25)),
    ]  # fmt: skip


def _on_grid(luma: Grey) -> list[float]:
    """Steps between JPEG's blocks beside steps inside of them, and the strongest grid of any."""
    found = []
    for axis in (0, 1):
        line = np.abs(np.diff(luma, axis=axis)).mean(1 - axis)
        place = np.array([line[k::8].mean() for k in range(8)])
        found += [place[7] / (place[:7].mean() + 0.05), place.max() / (np.median(place) + 0.05)]
    return [float(x) for x in found]


def _colour(pixels: np.ndarray, luma: Grey) -> list[float]:
    red, green, blue = (pixels[..., i].astype(np.float32) for i in range(3))
    apart = red - green, (red + green) / 2 - blue
    colourful = np.hypot(*(x.std() for x in apart)) + 0.3 * np.hypot(*(x.mean() for x in apart))
    most = pixels.max(2).astype(np.float32)
    saturation = (most - pixels.min(2)) / (most + 1)
    tone = luma.mean(), luma.std(), *np.quantile(luma[::4, ::4], (0.02, 0.98))
    clipped = (pixels <= 2).mean(), (pixels >= 253).mean()
    return [float(x) for x in (colourful, saturation.mean(), saturation.std(), *tone, *clipped)]


def _coded(pixels: np.ndarray) -> list[float]:
    """Bits a pixel as a JPEG of quality 30 and 90, and their ratio."""
    sizes = []
    for quality in (30, 90):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=quality)
        sizes.append(8 * len(file.getvalue()) / (pixels.shape[0] * pixels.shape[1]))
    return [*sizes, sizes[0] / sizes[1]]


def part(task: Task) -> str:
    """Measures and opinions of some units of three pictures."""
    store, units, proxy, share = task
    made = [sample for path, turn in units for sample in unit(path, turn, proxy, share)]
    x = np.stack([measures(sample.pixels) for sample in made])
    save(store, {"x": x, "opinion": np.array([s.opinion for s in made], np.float32)})
    return store.name


def rated(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Measures and mean opinions of a rated set."""
    with (folder / "mos.csv").open() as file:
        rows = list(csv.DictReader(file))
    x = np.stack([measures(read(folder / row["image"]).pixels) for row in rows])
    return x, np.array([float(row["mos"]) for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_scorer"))
    parser.add_argument("--units", type=int, default=3_600, help="of three pictures each")
    parser.add_argument("--taken", type=float, default=0, help="share of photos taken otherwise")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    folder = args.cache / f"by-hand-{args.taken:g}"
    folder.mkdir(parents=True, exist_ok=True)
    by_role: dict[str, list[Path]] = {"train": [], "validation": [], "test": []}
    for path in photos(args.data):
        by_role[role(path)].append(path)
    proxy = fit_proxy(by_role["train"][::4], args.cache)
    train, test = by_role["train"], by_role["test"]
    plans = {
        "train": [(train[i % len(train)], i // len(train)) for i in range(args.units)],
        "test": [(path, turn) for path in test for turn in range(2)],
    }
    tasks: list[Task] = [
        (folder / f"{name}-{i:04d}.npz", units[i : i + UNITS_A_PART], proxy, args.taken)
        for name, units in plans.items()
        for i in range(0, len(units), UNITS_A_PART)
    ]
    left = [task for task in tasks if not task[0].exists()]
    with multiprocessing.Pool(args.jobs) as pool:
        for done, name in enumerate(pool.imap_unordered(part, left), 1):
            print(f"{name} {done}/{len(left)}", flush=True)
    saved = {
        name: [np.load(store) for store, *_ in tasks if store.name.startswith(name)]
        for name in plans
    }
    x, opinion, test_x, test_opinion = (
        np.concatenate([found[key] for found in saved[name]])
        for name in plans
        for key in ("x", "opinion")
    )
    asked = {f"held-out pictures ({len(test_x)})": (test_x, test_opinion)}
    asked |= {name: rated(args.data / "rated" / name) for name in REAL}
    for seed in SEEDS:
        trees = HistGradientBoostingRegressor(
            max_iter=300, learning_rate=0.06, max_leaf_nodes=24, max_features=0.3,
            min_samples_leaf=20, l2_regularization=1.0, early_stopping=False, random_state=seed,
        ).fit(x, opinion)  # fmt: skip
        for name, (shown, truth) in asked.items():
            said = trees.predict(shown)

            def srcc(rows: np.ndarray, said=said, truth=truth) -> float:
                return float(spearmanr(said[rows], truth[rows])[0])

            every = np.arange(len(truth))
            # Two units, of three pictures each, share a photo.
            low, high = interval(srcc, every // 6 if name.startswith("held") else every)
            print(
                f"seed {seed}, {name}: SRCC {srcc(every):.3f} [{low:.3f}, {high:.3f}]", flush=True
            )


if __name__ == "__main__":
    main()
