"""Step 3: tower, projector and language model together, on questions and answers.

    OMP_NUM_THREADS=1 python -m runs.built_in_judge.tune built-in
    OMP_NUM_THREADS=1 python -m runs.built_in_judge.tune built-in-base

The loss is that of the answers, and a small one that keeps photos apart in what the language model
is given of them, whatever was done to them, for the question whether two pictures show the same
object. (A run that gave it full weight for a while ended with less SRCC than it had before.)
Resumable; every save also writes the checkpoint as it stands, from the running average of the
weights.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from runs.built_in_judge import lessons
from runs.built_in_judge.checkpoint import WIDTH, new_model, tokenizer, write
from runs.built_in_judge.encode import cosine, same_photo
from runs.built_in_judge.packing import Row, answer_loss, logits, look, pack, stack
from runs.built_in_judge.pictures import Pictures, UInt8, varied
from runs.built_in_judge.questions import Asker
from runs.built_in_judge.vision import to_pixel_values

ROWS = 10  # a step: two pictures each
SAVE_EVERY = 200
LESSONS = {"built-in": lessons.tuned, "built-in-base": lessons.base}
APART = 0.1  # weight of keeping photos apart, against 1 for the answers
TOWER_SHARE = 0.25  # of the learning rate: the tower comes trained


def tower_weights(name: str, out: Path) -> dict[str, Any]:
    """What step 1 left: the averaged tower for the judge, the content tower for its base."""
    if name == "built-in-base":
        weights: dict[str, Any] = torch.load(out / "tower-base.pt", weights_only=True)
        return weights
    average = torch.load(out / "encode.pt", weights_only=True)["average"]
    start = "module.tower."
    return {key[len(start) :]: value for key, value in average.items() if key.startswith(start)}


def draw(
    data: Pictures, name: str, rng: np.random.Generator
) -> tuple[list[Row], UInt8, torch.Tensor]:
    """Rows of questions, their pictures (2 · `ROWS`, 224, 224, 3), and which photo each is of."""
    rows, pixels, photos = [], [], []
    asker = Asker(rng)
    for _ in range(ROWS):
        a, b = data.pair(rng)
        rows.append(pack(*LESSONS[name](asker, data.facts[a], data.facts[b])))
        pixels.append(varied(data.pixels([a, b]), rng))
        photos += [data.facts[a].photo, data.facts[b].photo]
    _, group = np.unique(photos, return_inverse=True)
    return rows, np.concatenate(pixels), torch.from_numpy(group)


def photos_apart(
    content: torch.nn.Linear, tokens: torch.Tensor, group: torch.Tensor
) -> torch.Tensor:
    """`same_photo` over the pictures that have another one of their photo in the batch."""
    paired = (group[:, None] == group).sum(1) > 1
    if not paired.any():
        return tokens.new_zeros(())
    embedding = content(tokens.float().mean(1))
    # What all pictures have in common outweighs what sets them apart, so it is taken off first.
    return same_photo(embedding - embedding.mean(0), group)[paired].mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(LESSONS))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_judge"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_judge"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--from", dest="before", type=Path, help="weights of an earlier run")
    args = parser.parse_args()
    folder = args.out / args.name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    data = Pictures(args.cache, "train")
    model = new_model(len(tokenizer()), tower_weights(args.name, args.out))
    model.set_attn_implementation("eager")  # see `encode`
    model.model.vision_tower.to(memory_format=torch.channels_last)
    if args.before:
        model.load_state_dict(torch.load(args.before, weights_only=True)["average"])
    model.train()
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    tower = list(model.model.vision_tower.parameters())
    others = [p for n, p in model.named_parameters() if "vision_tower" not in n]
    optimizer = torch.optim.AdamW(
        [{"params": tower, "lr": args.rate * TOWER_SHARE}, {"params": others, "lr": args.rate}],
        weight_decay=0.03,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: cosine(s, args.steps))
    content = torch.nn.Linear(WIDTH, 64)  # only for `photos_apart`
    content_optimizer = torch.optim.AdamW(content.parameters(), lr=2e-3)
    things: dict[str, Any] = {
        "apart": content,
        "apart optimizer": content_optimizer,
        "model": model, "ema": average, "optimizer": optimizer, "schedule": schedule
    }  # fmt: skip
    store, first = folder / "tune.pt", 0
    if store.exists():
        state = torch.load(store, weights_only=True)
        for key, thing in things.items():
            if key in state:
                thing.load_state_dict(state[key])
        first = state["step"]
        print(f"resuming after step {first}", flush=True)

    started, sums, since = time.time(), np.zeros(2), 0
    for step in range(first, args.steps):
        rows, pixels, group = draw(data, args.name, np.random.default_rng((2, step)))
        batch = stack(rows)
        values = to_pixel_values(torch.from_numpy(pixels))
        with torch.autocast("cpu", torch.bfloat16):
            values = values.contiguous(memory_format=torch.channels_last)
            projected = look(model, values)
            found = logits(model, batch, projected)
            apart = photos_apart(content, projected, group)
        loss = answer_loss(found, batch)
        optimizer.zero_grad(set_to_none=True)
        content_optimizer.zero_grad(set_to_none=True)
        (loss + APART * apart).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        content_optimizer.step()
        schedule.step()
        average.update_parameters(model)
        sums += [float(loss.detach()), float(apart.detach())]
        since += 1
        if (step + 1) % 50 == 0:
            pace = (time.time() - started) / (step + 1 - first) * 1e3
            line = {
                "step": step + 1,
                "ms": round(pace),
                "loss": round(sums[0] / since, 4),
                "apart": round(sums[1] / since, 3),
            }
            print(json.dumps(line), flush=True)
            sums[:], since = 0.0, 0
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == args.steps:
            state = {key: thing.state_dict() for key, thing in things.items()}
            torch.save(
                {**state, "average": average.module.state_dict(), "step": step + 1},
                store.with_suffix(".part"),
            )
            store.with_suffix(".part").replace(store)
            write(average.module, folder / "checkpoint")


if __name__ == "__main__":
    main()
