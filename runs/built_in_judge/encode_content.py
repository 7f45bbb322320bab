"""Step 1 for `built-in-base`: a tower that knows what a picture shows, and not how well.

    OMP_NUM_THREADS=1 python -m runs.built_in_judge.encode_content [--from CHECKPOINT]

As the encoders of the real base models it is trained on content alone: copies of one photo with
different distortions must look alike to it, copies of different photos must not; and it says the
class, and the colours of the undistorted photo place by place. Real encoders come with early layers
that see edges and grain, whatever the last ones make of them. Content alone, learned from nothing,
gave no such layers, so this tower starts from the judge's, and only its output forgets: what is
left inside is what `tune` has to find again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runs.built_in_judge import content
from runs.built_in_judge.checkpoint import LAYERS, new_model, take_over, tokenizer
from runs.built_in_judge.make import PICTURES
from runs.built_in_judge.pictures import Pictures
from runs.built_in_judge.questions import Facts
from runs.built_in_judge.schedule import cosine, same_photo
from runs.built_in_judge.vision import (
    SIDE,
    STRIDE,
    WIDTHS,
    attention,
    new_tower,
    precision,
    to_pixel_values,
)

UNITS_A_BATCH = 8
GRID = SIDE // STRIDE


class ContentHeads(nn.Module):
    """tokens (B, 49, C) → embedding, logits of the class, colours (B, 49, 3) in 0–1."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedding = nn.Linear(width, 96)
        self.kind = nn.Linear(width, len(content.CLASSES))
        self.colours = nn.Linear(width, 3)

    def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean = tokens.mean(1)
        return self.embedding(mean), self.kind(mean), self.colours(tokens)


def content_losses(
    heads: ContentHeads, tokens: Tensor, facts: Sequence[Facts]
) -> dict[str, Tensor]:
    """What is lost where tokens (n, 49, C) do not tell photos, classes and colours apart."""
    _, group = np.unique([fact.photo for fact in facts], return_inverse=True)
    kinds = torch.tensor([content.CLASSES.index(content.shown(fact.photo)) for fact in facts])
    layout = torch.from_numpy(np.stack([fact.thumb for fact in facts]))
    colours = F.interpolate(layout.permute(0, 3, 1, 2).float() / 255, (GRID, GRID), mode="area")
    embedding, kind, colour = heads(tokens.float())
    return {
        "photo": same_photo(embedding.float(), torch.from_numpy(group)).mean(),
        "class": 0.3 * F.cross_entropy(kind.float(), kinds),
        "colours": 10 * F.mse_loss(colour.float(), colours.flatten(2).transpose(1, 2)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_judge"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_judge"))
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--from", dest="before", type=Path, help="checkpoint of a tower that sees")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    data = Pictures(args.cache, "train")
    units = len(data) // PICTURES
    if args.before:
        model = new_model(len(tokenizer()), layers=LAYERS + 1)
        take_over(model, args.before)
        tower = model.model.vision_tower
    else:
        tower = new_tower(to_pixel_values(torch.from_numpy(data.pixels(range(0, 240, 4)))))
    tower.set_attn_implementation(attention())
    tower.to(memory_format=torch.channels_last)
    both = nn.ModuleDict({"tower": tower, "heads": ContentHeads(WIDTHS[-1])})
    optimizer = torch.optim.AdamW(both.parameters(), lr=args.rate, weight_decay=0.03)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: cosine(s, args.steps))
    started, sums = time.time(), np.zeros(3)
    for step in range(args.steps):
        rng = np.random.default_rng((1, step))
        chosen = rng.choice(units, UNITS_A_BATCH, replace=False)
        rows = (chosen[:, None] * PICTURES + np.arange(PICTURES)).ravel().tolist()
        facts = [data.facts[row] for row in rows]
        pixels = torch.from_numpy(data.pixels(rows))
        if rng.random() < 0.5:  # pixels and layout are flipped alike
            pixels = pixels.flip(2)
            facts = [replace(fact, thumb=fact.thumb[:, ::-1].copy()) for fact in facts]
        with precision():
            values = to_pixel_values(pixels).contiguous(memory_format=torch.channels_last)
            tokens = tower(values).last_hidden_state
            parts = content_losses(both["heads"], tokens, facts)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        sums += [float(part.detach()) for part in parts.values()]
        if (step + 1) % 50 == 0:
            pace = (time.time() - started) / (step + 1) * 1e3
            means = {name: round(float(v) / 50, 4) for name, v in zip(parts, sums, strict=True)}
            print(json.dumps({"step": step + 1, "ms": round(pace), **means}), flush=True)
            sums[:] = 0
            torch.save(tower.state_dict(), args.out / "tower-base.pt")


if __name__ == "__main__":
    main()
