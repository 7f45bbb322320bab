"""Train the network on the shards.

    OMP_NUM_THREADS=1 python -m runs.built_in_scorer.train --seed 0

One core a seed: two seeds side by side are faster than one seed on two cores. Resumable: the state
is saved after every epoch and training continues from it. `--start` begins a further cycle from the
weights of an earlier one: a `network.pt`, or the exported file of a scorer.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runs.built_in_scorer.make import UNITS, crops_of
from snellen.students.network import Prediction, ScorerNetwork
from snellen.students.start import network_of

GROUPS_A_BATCH = 12  # three samples of one photo each, as `make` writes them
# Pairs within a group, and from which gap in opinion on (1–5) their order counts: rungs of one
# ladder are surer than two kinds of fault, whose labels compare less well.
PAIRS = ((0, 1), (0, 2), (1, 2))
RUNGS_APART, KINDS_APART = 0.1, 0.3
RANK = 1.0
UNFOLDING = 40  # batches that say what a normalisation folded away would see
CROPS_A_STEP = (3, 4, 5)  # of the stored ones; any number must do, so the number varies


class Shards:
    """All training samples; crops stay mapped from disk (about 110 KB each), shared by seeds."""

    def __init__(self, *caches: Path, limit: int | None = None) -> None:
        self.files = files = [
            file
            for cache in caches
            for kind in UNITS
            for file in sorted(cache.glob(f"{kind}-????.npz"))
        ][:limit]
        if not files:
            where = ", ".join(map(str, caches))
            raise SystemExit(f"no shards in {where}; run: python -m runs.built_in_scorer.make")
        labels = [dict(np.load(file)) for file in files]
        self.crops = [np.load(crops_of(file), mmap_mode="r") for file in files]
        self.whole, self.opinion, self.families, self.severity = (
            np.concatenate([part[key] for part in labels])
            for key in ("whole", "opinion", "families", "severity")
        )
        parts = np.concatenate([part["parts"] for part in labels]).tolist()
        self.kinds = np.array([_kind(json.loads(one)) for one in parts])
        # Row → (shard, row in it)
        self.places = [(i, j) for i, crops in enumerate(self.crops) for j in range(len(crops))]
        self.groups = len(self.opinion) // 3

    def batch(self, groups: np.ndarray, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """The samples of `groups`, some of their crops, flipped, which keeps the block grid; last
        what `apart` says of them."""
        rows = (groups[:, None] * 3 + np.arange(3)).ravel()
        keep = rng.permutation(self.crops[0].shape[1])[: rng.choice(CROPS_A_STEP)]
        places = [self.places[row] for row in rows]
        crops = np.stack([self.crops[shard][row][keep] for shard, row in places])
        whole = self.whole[rows]
        for axis in (1, 2):
            if rng.random() < 0.5:
                crops, whole = np.flip(crops, axis + 1), np.flip(whole, axis)
        if rng.random() < 0.5:
            crops, whole = crops.swapaxes(2, 3), whole.swapaxes(1, 2)
        arrays = (crops, whole, self.opinion[rows], self.families[rows], self.severity[rows])
        return (
            *(torch.from_numpy(np.ascontiguousarray(a)) for a in arrays),
            torch.from_numpy(self.apart(groups)),
        )

    def apart(self, groups: np.ndarray) -> np.ndarray:
        """From which gap in opinion each pair of `groups` counts, (groups, 3)."""
        kinds = self.kinds.reshape(-1, 3)[groups]
        alike = np.stack([kinds[:, i] == kinds[:, j] for i, j in PAIRS], 1)
        return np.where(alike, np.float32(RUNGS_APART), np.float32(KINDS_APART))


def _kind(parts: list[tuple[str, float]]) -> str:
    """What was done, whatever its strength: samples of one kind are rungs of one ladder."""
    return " ".join(name for name, _ in parts)


def ranking(score: Tensor, opinion: Tensor, apart: Tensor) -> Tensor:
    """Loss of pairs within each photo, where content cannot be what makes the difference.

    score, opinion : (3 g,) of the three samples of g photos; apart : (g, 3), see `Shards.batch`.
    """
    first, second = torch.tensor(PAIRS, device=opinion.device).T
    gap, found = (x.view(-1, 3)[:, first] - x.view(-1, 3)[:, second] for x in (opinion, score))
    clear = (gap.abs() > apart).float()
    return (clear * F.softplus(-gap.sign() * found * 4)).sum() / clear.sum().clamp(min=1)


def loss_of(
    out: Prediction, opinion: Tensor, families: Tensor, severity: Tensor
) -> dict[str, Tensor]:
    """The parts of the loss of each picture by itself, by name; opinion in MOS units."""
    error = out.score - opinion
    # β-NLL (Seitzer 2022, β = ½): honest spreads without neglecting what is hard to predict.
    variance = out.log_variance.exp()
    nll = (0.5 * (error**2 / variance + out.log_variance) * variance.detach().sqrt()).mean()
    cells = F.huber_loss(out.cells.flatten(1), opinion[:, None].expand(-1, out.cells[0].numel()))
    naming = -(families * F.log_softmax(out.families, 1)).sum(1).mean()
    harm = F.huber_loss(out.severity, severity, delta=0.2)
    return {
        "nll": nll,
        "mse": 0.5 * (error**2).mean(),
        "cells": 0.3 * cells,
        "families": 0.5 * naming,
        "severity": 4 * harm,
    }


def _again(x: Tensor, n: int) -> Tensor:
    """Each row of a batch n times, as its crops are."""
    return x.repeat_interleave(n, 0)


def _average(average: Tensor, new: Tensor, seen: Tensor) -> Tensor:
    """Running average of the weights over about the last 500 steps, over fewer at the start."""
    keep = min(0.998, (1 + int(seen)) / (10 + int(seen)))
    return average * keep + new * (1 - keep) if new.is_floating_point() else new


def begun(start: Path | None, data: Shards) -> ScorerNetwork:
    """A new network, with the weights of `start`; a second opinion is left behind."""
    network = ScorerNetwork()
    if start and start.suffix == ".onnx":
        given = network_of(start).state_dict()
        network.load_state_dict({k: v for k, v in given.items() if k in network.state_dict()})
        _unfold(network, data)
    elif start:
        network.load_state_dict(torch.load(start, weights_only=True))
    return network


def _unfold(network: ScorerNetwork, data: Shards) -> None:
    """Give normalisations that an export folded away their statistics back, function unchanged.

    In training they normalise by the batch, so they must know what a batch is like.
    """
    norms = [m for m in network.modules() if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d))]
    seen: dict[nn.Module, list[tuple[Tensor, Tensor]]] = {norm: [] for norm in norms}

    def look(norm: nn.Module, given: tuple[Tensor, ...]) -> None:
        x = given[0].transpose(0, 1).flatten(1)
        seen[norm].append((x.mean(1), (x * x).mean(1)))

    handles = [norm.register_forward_pre_hook(look) for norm in norms]
    rng = np.random.default_rng(0)
    network.eval()
    with torch.no_grad():
        for _ in range(UNFOLDING):
            crops, whole, *_ = data.batch(rng.choice(data.groups, GROUPS_A_BATCH, False), rng)
            network(crops, whole)
        for norm in norms:
            mean, square = (torch.stack(part).mean(0) for part in zip(*seen[norm], strict=True))
            variance = (square - mean**2).clamp(min=1e-8)
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            norm.bias += (mean - norm.running_mean) * scale
            norm.weight.copy_(scale * torch.sqrt(variance + norm.eps))
            norm.running_mean.copy_(mean)
            norm.running_var.copy_(variance)
    for handle in handles:
        handle.remove()
    network.train()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--cache", type=Path, nargs="+", default=[Path("runs/cache/built_in_scorer")]
    )
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_scorer"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--start", type=Path, help="network.pt or .onnx of an earlier cycle")
    parser.add_argument(
        "--keep-filters", action="store_true", help="of the stem, whose statistics are kept too"
    )
    parser.add_argument("--shards", type=int, default=None, help="fewer, for a quick look")
    args = parser.parse_args()
    folder = args.out / f"seed-{args.seed}"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(args.seed)
    data = Shards(*args.cache, limit=args.shards)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    # bfloat16 is several times faster where the machine has it, and several times slower where not.
    half = device == "cuda" or torch.cpu._is_avx512_bf16_supported()
    state_file, first = folder / "state.pt", 0
    network = begun(None if state_file.exists() else args.start, data)
    network = network.to(device, memory_format=torch.channels_last)
    for filters in (network.stem.mean, network.stem.detail):
        filters.requires_grad_(not args.keep_filters)
    average = torch.optim.swa_utils.AveragedModel(network, avg_fn=_average, use_buffers=True)
    decay = [p for p in network.parameters() if p.ndim > 1]
    plain = [p for p in network.parameters() if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decay, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}],
        lr=args.rate,
    )
    steps = data.groups // GROUPS_A_BATCH
    total = steps * args.epochs

    def pace(step: int) -> float:
        return min(1, (step + 1) / 300) * 0.5 * (1 + math.cos(math.pi * min(1, step / total)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, pace)
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        for name, thing in _parts(network, average, optimizer, schedule).items():
            thing.load_state_dict(state[name])
        first = state["epoch"]
        print(f"resuming after epoch {first}", flush=True)

    for epoch in range(first, args.epochs):
        rng = np.random.default_rng((args.seed, epoch))
        order = rng.permutation(data.groups)
        sums: dict[str, float] = {}
        started = time.time()
        network.train()
        for step in range(steps):
            groups = order[step * GROUPS_A_BATCH : (step + 1) * GROUPS_A_BATCH]
            crops, whole, opinion, families, severity, apart = (
                t.to(device, non_blocking=True) for t in data.batch(groups, rng)
            )
            with torch.autocast(device, torch.bfloat16, enabled=half):
                cells, context = network.look(network.see(crops, whole))
                out = network.judge(cells, context)
                # Each crop alone must say the same: more to learn from at almost no cost.
                n = cells.shape[1]
                alone = network.judge(cells.flatten(0, 1)[:, None], _again(context, n))
            parts = loss_of(out, opinion, families, severity)
            parts["rank"] = RANK * ranking(out.score, opinion, apart)
            single = loss_of(alone, *(_again(t, n) for t in (opinion, families, severity)))
            parts["alone"] = 0.5 * (single["mse"] + single["families"] + single["severity"])
            optimizer.zero_grad(set_to_none=True)
            torch.stack(list(parts.values())).sum().backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            average.update_parameters(network)
            for name, value in parts.items():
                sums[name] = sums.get(name, 0) + float(value.detach())
            if step % 200 == 199:
                means = {k: round(v / (step + 1), 4) for k, v in sums.items()}
                pace_ms = (time.time() - started) / (step + 1) * 1e3
                print(f"epoch {epoch} step {step + 1}/{steps} {pace_ms:.0f} ms {means}", flush=True)
        state = {
            n: t.state_dict() for n, t in _parts(network, average, optimizer, schedule).items()
        }
        torch.save({**state, "epoch": epoch + 1}, folder / "state.part")
        (folder / "state.part").replace(state_file)
        with (folder / "log.jsonl").open("a") as log:
            means = {k: v / steps for k, v in sums.items()}
            log.write(
                json.dumps({"epoch": epoch, "seconds": time.time() - started, **means}) + "\n"
            )
        torch.save(average.module.state_dict(), folder / "network.pt")


def _parts(network, average, optimizer, schedule) -> dict[str, object]:
    return {"network": network, "average": average, "optimizer": optimizer, "schedule": schedule}


if __name__ == "__main__":
    main()
