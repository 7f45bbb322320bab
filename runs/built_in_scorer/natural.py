"""Naturalness: fitted on pristine photos, and how far it may bend the score.

    OMP_NUM_THREADS=1 python -m runs.built_in_scorer.natural --untaught built-in-1.onnx

No rating and no fault goes into the distance itself: only the training photos as they are (`second`
fits it). How far it may lower a score must be chosen, and faults that the network was taught cannot
tell.
So a network of an earlier cycle that never saw a chain of faults is bent by each strength of a
grid, and the one with the best sum of two SRCC counts: with the table for the types that it was
taught, and with the proxy for the chains that it was not; validation contents. About three
minutes.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import Tensor

from runs.built_in_scorer.finish import predict
from runs.built_in_scorer.make import crops_of
from snellen.distortions import opinion
from snellen.students.naturalness import SHARP, Naturalness, bend, bent
from snellen.students.network import ScorerNetwork, to_planes
from snellen.students.start import network_of

STRENGTHS = tuple(i / 20 for i in range(15))
RIDGE = 1e-3  # on the correlations of the features


def pristine_crops(caches: Iterable[Path]) -> Iterable[np.ndarray]:
    """Crops (n, s, s, 3) of each training photo that nothing was done to."""
    for cache in caches:
        for file in sorted(cache.glob("train-????.npz")):
            untouched = np.load(file)["parts"] == "[]"
            yield from np.load(crops_of(file), mmap_mode="r")[untouched]


def fit(natural: Naturalness, photos: Iterable[np.ndarray]) -> int:
    """Middle and axes of the features over the sharp crops of pristine photos; how many."""
    kept = []
    with torch.inference_mode():
        for crops in photos:
            luma = natural.luma_of(to_planes(torch.from_numpy(np.array(crops))))
            features, sharpness = natural.features(luma)
            kept.append(features[sharpness > SHARP * sharpness.max()].double())
    found = torch.cat(kept)
    middle, deviation = found.mean(0), found.std(0) + 1e-9
    usual = (found - middle) / deviation
    even = torch.eye(natural.width, dtype=torch.float64)
    values, axes = torch.linalg.eigh((1 - RIDGE) * torch.cov(usual.T) + RIDGE * even)
    natural.middle.copy_(middle)
    # The symmetric root: axes stay as near to the features as they can.
    natural.axes.copy_((axes / values.sqrt() @ axes.T / deviation).T)
    return len(found)


def opinions(natural: Naturalness, folder: Path) -> Tensor:
    """Of every stored sample of `folder`, in the order of `predict`."""
    found = []
    with torch.inference_mode():
        for file in sorted(folder.glob("*.npz")):
            crops = torch.from_numpy(np.load(file)["crops"])
            luma = natural.luma_of(to_planes(crops.flatten(0, 1)))
            scene = natural.scene(luma, len(crops))
            found.append(natural.opinion(natural.distance(scene)))
    return torch.cat(found)


def align(natural: Naturalness, score: Tensor, validation: Path) -> None:
    """Give this opinion the mean and deviation that `score` has over the validation pictures, and
    let it leave their mean as it is."""
    natural.top.fill_(0)
    natural.slope.fill_(1)
    said = opinions(natural, validation)
    natural.slope.copy_(score.std() / said.std())
    natural.top.copy_(score.mean() - natural.slope * said.mean())
    natural.usual.copy_(bend(score, natural.top + natural.slope * said).mean())


def parts_of(folder: Path) -> list[list]:
    """What was done to each sample of `folder`, in the order of `predict`."""
    return [
        json.loads(str(parts))
        for file in sorted(folder.glob("*.npz"))
        for parts in np.load(file)["parts"]
    ]


def weigh(network: ScorerNetwork, cache: Path) -> dict[float, tuple[float, float]]:
    """SRCC on single types of the table and on chains, by strength; validation contents."""
    natural = network.natural
    assert natural is not None
    columns = []
    for ending in ("", "-chains"):
        folder = cache / f"validation{ending}"
        parts = parts_of(folder)
        if ending:
            rows = [len(p) > 1 for p in parts]
        else:
            rows = [len(p) == 1 and opinion(*p[0]) is not None for p in parts]
        natural.strength.fill_(0)
        out, labels = predict(network, folder)
        plain, said, worth = (
            x[torch.tensor(rows)] for x in (out.score, opinions(natural, folder), labels["opinion"])
        )
        columns.append(
            [
                spearmanr(bent(plain, said, torch.tensor(h), natural.usual), worth).statistic
                for h in STRENGTHS
            ]
        )
    return dict(zip(STRENGTHS, zip(*columns, strict=True), strict=True))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_scorer"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_scorer"))
    parser.add_argument(
        "--untaught", type=Path, required=True, help="file of a cycle that never saw a chain"
    )
    args = parser.parse_args()
    validation = args.cache / "validation"
    networks = {}
    for file in sorted(args.out.glob("seed-?/fused.pt")):
        networks[file] = ScorerNetwork(second=True, natural=True)
        networks[file].load_state_dict(torch.load(file, weights_only=True))
    if not networks:
        raise SystemExit(f"no seed in {args.out}; run: python -m runs.built_in_scorer.second")

    untaught = network_of(args.untaught)
    # Its second opinion is of moments alone, so that it needs no naturalness of its own.
    untaught.natural = copy.deepcopy(next(iter(networks.values())).natural)
    settle(untaught, validation, 0)
    found = weigh(untaught, args.cache)
    for strength, (taught, chains) in found.items():
        print(
            f"strength {strength:.2f}: single types {taught:.3f}, chains {chains:.3f}", flush=True
        )
    best = max(found, key=lambda strength: sum(found[strength]))

    for file, network in networks.items():
        natural = settle(network, validation, best)
        torch.save(network.state_dict(), file)
        line = f"{float(natural.top):.2f} - {float(natural.slope):.2f} ln(distance)"
        print(f"{file.parent.name}: strength {best:.2f}, opinion {line}", flush=True)


def settle(network: ScorerNetwork, validation: Path, strength: float) -> Naturalness:
    """Align the network's naturalness with its own scores and give it this strength."""
    natural = network.natural
    assert natural is not None
    natural.strength.fill_(0)
    align(natural, predict(network, validation)[0].score, validation)
    natural.strength.fill_(strength)
    return natural


if __name__ == "__main__":
    main()
