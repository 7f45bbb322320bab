"""What KADID-10k's raters would say of the types they were never shown, as a proxy predicts it.

    python -m runs.distortion_levels ../shared/data/pristine/kodak --photos 8

The built-in scorer's proxy (`runs/built_in_scorer/proxy.py`) is fitted to KADID-10k's ratings on
degraded copies of the photos given, then asked about ImageNet-C's types and ours. Printed are its
error on KADID-10k types left out of the fit, and the mean opinion it predicts at every level (over
photos, none of which was in the fit that judges it). It is not the regression that the levels in
`snellen.distortions.further` were set by, so it checks them from outside.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import spearmanr

from runs.built_in_scorer.proxy import PRISTINE, SeverityProxy, features
from snellen import distortions
from snellen.distortions import Distortion

SIZE = (512, 384)  # of KADID-10k's pictures, whose ratings are fitted
LEVELS = (1, 2, 3, 4, 5)


def measured(path: Path, kinds: list[Distortion]) -> np.ndarray:
    """Full-reference features (types, levels, k) of one photo's degraded copies."""
    image = Image.open(path).convert("RGB")
    turned = SIZE if image.width >= image.height else SIZE[::-1]
    original = np.asarray(image.resize(turned, Image.Resampling.LANCZOS))
    return np.stack(
        [
            [features(original, _copy(original, kind.name, level)) for level in LEVELS]
            for kind in kinds
        ]
    )


def _copy(original: np.ndarray, name: str, level: int) -> np.ndarray:
    seed = distortions.seed_of(original, name, level)
    return distortions.apply(original, name, level, seed=seed)


def told(kind: Distortion) -> list[float]:
    """Mean opinion at every level; a level that changes nothing is a pristine photo."""
    known = {level: kind.opinion(level) for level in LEVELS if kind.visible(level)}
    return [known[level].mean if known.get(level) else PRISTINE for level in LEVELS]


def predicted(x: np.ndarray, y: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """Opinions (rows of `asked`) by the proxy fitted to x (…, k) and y (…)."""
    proxy = SeverityProxy().fit(x.reshape(-1, x.shape[-1]), y.ravel())
    return proxy.predict(asked.reshape(-1, asked.shape[-1])).reshape(asked.shape[:-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="pristine photos, PNG or JPEG")
    parser.add_argument("--photos", type=int, default=8, help="use so many, the first by name")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    paths = sorted(p for p in args.folder.rglob("*") if p.suffix.lower() in {".png", ".jpg"})
    paths = paths[: args.photos]
    if len(paths) < 2:
        raise SystemExit(f"{len(paths)} photos under {args.folder}; two or more are needed")

    rated = [kind for kind in distortions.catalogue() if kind.opinion(1)]
    others = [kind for kind in distortions.catalogue() if not kind.opinion(1)]
    with ProcessPoolExecutor(args.jobs) as pool:
        every = np.stack(list(pool.map(partial(measured, kinds=[*rated, *others]), paths)))
    known, asked = every[:, : len(rated)], every[:, len(rated) :]
    opinions = np.array([told(kind) for kind in rated])
    labels = np.broadcast_to(opinions, known.shape[:3])

    unseen = np.stack(
        [
            predicted(np.delete(known, i, 1), np.delete(labels, i, 1), known[:, i]).mean(axis=0)
            for i in range(len(rated))
        ]
    )
    print(f"{len(paths)} photos, {len(rated)} rated types, each predicted from the others:")
    print(f"SRCC {spearmanr(unseen.ravel(), opinions.ravel()).statistic:.2f}, ", end="")
    print(f"mean error {np.abs(unseen - opinions).mean():.2f} on the scale from 1 to 5\n")

    found = np.stack(
        [
            predicted(np.delete(known, i, 0), np.delete(labels, i, 0), asked[i])
            for i in range(len(paths))
        ]
    )
    print("| type | predicted at levels 1–5 |\n| --- | --- |")
    for kind, row in zip(others, found.mean(axis=0), strict=True):
        print(f"| `{kind.name}` | {' · '.join(f'{value:.1f}' for value in row)} |")


if __name__ == "__main__":
    main()
