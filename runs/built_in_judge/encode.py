"""Step 1: train the vision tower alone, on the built-in scorer's samples and its network.

    OMP_NUM_THREADS=1 python -m runs.built_in_judge.encode

A language model learns nothing from a tower that sees nothing (the first probe: .03 without this
step), so the tower first learns to say opinion, families and severity of native crops, to tell
photos apart whatever was done to them, and to say in its tokens what the scorer's network says in
its cells of the same 32 × 32 pixels. Resumable: the state is saved every few minutes.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runs.built_in_judge.resume import keep, take_up
from runs.built_in_judge.schedule import cosine, same_photo
from runs.built_in_judge.vision import WIDTHS, attention, new_tower, precision, to_pixel_values
from runs.built_in_scorer.train import Shards
from snellen.distortions import FAMILIES
from snellen.scorers import built_in
from snellen.students.network import ScorerNetwork
from snellen.students.start import network_of

GROUPS_A_BATCH = 12  # three samples of one photo each
SAVE_EVERY = 250  # steps
_K = len(FAMILIES)


class Said(NamedTuple):
    """What the heads say of a batch: opinion (B,) 1–5, families (B, 8), severity (B, 7) 0–1."""

    opinion: Tensor
    families: Tensor
    severity: Tensor


class Heads(nn.Module):
    """Heads that only this step needs; tokens (B, n, C) in."""

    def __init__(self, width: int, cell: int, embedding: int = 64) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2 * width, 160), nn.ReLU())
        self.out = nn.Linear(160, 1 + 2 * _K - 1)
        self.content = nn.Linear(width, embedding)
        self.cell = nn.Linear(width, cell)

    def forward(self, tokens: Tensor) -> Said:
        mean = tokens.mean(1)
        spread = (tokens - mean[:, None]).square().mean(1).add(1e-4).sqrt()
        out = self.out(self.body(torch.cat([mean, spread], 1))).float()
        return Said(3.3 + out[:, 0], out[:, 1 : 1 + _K], torch.sigmoid(out[:, 1 + _K :]))


def loss_of(said: Said, opinion: Tensor, families: Tensor, severity: Tensor) -> dict[str, Tensor]:
    """The parts of the loss, by name; labels as `runs.built_in_scorer.samples.Sample` has them."""
    return {
        "opinion": F.huber_loss(said.opinion, opinion),
        "families": -(families * F.log_softmax(said.families, 1)).sum(1).mean(),
        "severity": 4 * F.huber_loss(said.severity, severity, delta=0.2),
    }


def step_losses(
    tower: Any, heads: Heads, teacher: ScorerNetwork, batch: tuple[Tensor, ...]
) -> dict[str, Tensor]:
    crops, whole, opinion, families, severity, _ = batch
    count, n = crops.shape[:2]
    with torch.no_grad():
        cells, context = teacher.look(teacher.see(crops, whole))
        taught = teacher.judge(cells, context)
    tokens = tower(
        to_pixel_values(crops.flatten(0, 1)).contiguous(memory_format=torch.channels_last)
    ).last_hidden_state.float()
    together = tokens.unflatten(0, (count, n)).flatten(1, 2)
    known = (opinion, families, severity)
    parts = loss_of(heads(together), *known)
    alone = loss_of(heads(tokens), *(t.repeat_interleave(n, 0) for t in known))
    parts["alone"] = 0.5 * torch.stack(list(alone.values())).sum()
    soft = loss_of(heads(together), taught.score, F.softmax(taught.families, 1), taught.severity)
    parts["taught"] = torch.stack(list(soft.values())).sum()
    parts["cells"] = 2 * F.mse_loss(heads.cell(tokens).float(), cells.flatten(0, 1).float())
    group = torch.arange(count) // 3
    parts["photo"] = 0.1 * same_photo(heads.content(together.mean(1)).float(), group).mean()
    return parts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=Path, default=Path("runs/cache/built_in_scorer"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_judge"))
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--limit", type=int, default=None, help="shards, for a quick look")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    data = Shards(args.shards, limit=args.limit)
    teacher = network_of(built_in.FOLDER / "built-in.onnx")
    teacher.second = teacher.natural = None  # it teaches by its cells and what they say together
    teacher.to(memory_format=torch.channels_last)

    some = data.batch(
        np.arange(0, data.groups, max(1, data.groups // 40)), np.random.default_rng(0)
    )
    tower = new_tower(to_pixel_values(some[0].flatten(0, 1)[:200]))
    tower.set_attn_implementation(attention())
    tower.to(memory_format=torch.channels_last)
    heads = Heads(WIDTHS[-1], 192)
    both = nn.ModuleDict({"tower": tower, "heads": heads})
    average = torch.optim.swa_utils.AveragedModel(
        both, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    optimizer = torch.optim.AdamW(both.parameters(), lr=args.rate, weight_decay=0.03)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: cosine(s, args.steps))
    store = args.out / "encode.pt"
    things: dict[str, Any] = {
        "both": both,
        "average": average,
        "optimizer": optimizer,
        "schedule": schedule,
    }
    first = take_up(store, things)

    sums: dict[str, float] = {}
    started = time.time()
    for step in range(first, args.steps):
        rng = np.random.default_rng((0, step))
        groups = rng.integers(data.groups, size=GROUPS_A_BATCH)
        with precision():
            parts = step_losses(tower, heads, teacher, data.batch(groups, rng))
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(both)
        for name, value in parts.items():
            sums[name] = sums.get(name, 0) + float(value.detach())
        if (step + 1) % 50 == 0:
            pace = (time.time() - started) / (step + 1 - first) * 1e3
            means = {name: round(value / 50, 4) for name, value in sums.items()}
            line = json.dumps({"step": step + 1, "ms": round(pace), **means})
            print(line, flush=True)
            sums = {}
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == args.steps:
            keep(store, things, step + 1)


if __name__ == "__main__":
    main()
