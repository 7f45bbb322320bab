"""Calibrate on validation contents and export each seed, and the one that ships.

    python -m runs.built_in_scorer.finish

Two numbers are fitted, both on validation contents: the factor on the predicted spread that makes
95 % intervals cover 95 %, and the sharpness of the family probabilities that maximises likelihood.
The trunk then works in whole numbers (`eight_bits`). What ships is the seed with the best
validation likelihood; the real rated sets play no part.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from runs.built_in_scorer.eight_bits import of_training, to_eight_bits
from snellen.students.export import export
from snellen.students.network import Prediction, ScorerNetwork

VERSION = "6"
SHIPPED = Path("src/snellen/scorers/built_in")


def predict(network: ScorerNetwork, folder: Path) -> tuple[Prediction, dict[str, torch.Tensor]]:
    """Predictions for every stored sample of `folder`, and its labels."""
    outputs, labels = [], []
    network.eval()
    with torch.inference_mode():
        for file in sorted(folder.glob("*.npz")):
            saved = np.load(file)
            crops, whole = torch.from_numpy(saved["crops"]), torch.from_numpy(saved["whole"])
            out = network(crops, whole)
            outputs.append(out._replace(cells=out.cells.flatten(1).mean(1)))
            labels.append({k: torch.from_numpy(saved[k]) for k in ("opinion", "families")})
    joined = Prediction(*(torch.cat(parts) for parts in zip(*outputs, strict=True)))
    return joined, {k: torch.cat([part[k] for part in labels]) for k in labels[0]}


def calibrate(out: Prediction, labels: dict[str, torch.Tensor]) -> dict[str, float]:
    """Spread factor, sharpness, and the validation likelihood they give."""
    error = (out.score - labels["opinion"]).abs()
    ratio = error / torch.exp(out.log_variance / 2)
    spread = float(torch.quantile(ratio, 0.95)) / 1.959964
    grid = torch.arange(0.5, 3.01, 0.05)
    losses = [
        float(-(labels["families"] * F.log_softmax(out.families * s, 1)).sum(1).mean())
        for s in grid
    ]
    best = int(np.argmin(losses))
    return {
        "spread": round(spread, 3),
        "sharpness": round(float(grid[best]), 2),
        "validation_rmse": float((error**2).mean().sqrt()),
        "validation_naming": losses[best],
    }


def merit(found: dict[str, float]) -> float:
    """What choices are made by, of `calibrate`'s findings; lower is better."""
    return found["validation_rmse"] + 0.5 * found["validation_naming"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--cache", type=Path, nargs="+", default=[Path("runs/cache/built_in_scorer")]
    )
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_scorer"))
    parser.add_argument("--ship", action="store_true", help="write the package's own file")
    args = parser.parse_args()
    best: tuple[float, Path] | None = None
    for folder in sorted(file.parent for file in args.out.glob("seed-?/fused.pt")):
        network = ScorerNetwork(second=True, natural=True)
        network.load_state_dict(torch.load(folder / "fused.pt", weights_only=True))
        found = calibrate(*predict(network, args.cache[0] / "validation"))
        target = folder.with_suffix(".onnx")
        export(
            [network], target, {"name": "built-in", "version": VERSION, **found},
            spread=found["spread"], sharpness=found["sharpness"],
        )  # fmt: skip
        to_eight_bits(target, of_training(args.cache))
        print(folder.name, json.dumps(found), f"{target.stat().st_size / 1e6:.1f} MB", flush=True)
        if best is None or merit(found) < best[0]:
            best = (merit(found), target)
    if args.ship and best:
        data = best[1].read_bytes()
        (SHIPPED / "built-in.onnx").write_bytes(data)
        (SHIPPED / "built-in.sha256").write_text(hashlib.sha256(data).hexdigest() + "\n")
        print(f"shipped {best[1].name}", flush=True)


if __name__ == "__main__":
    main()
