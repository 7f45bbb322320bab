"""Step 3: tower, projector and language model together, on questions and answers.

    OMP_NUM_THREADS=1 python -m runs.built_in_judge.tune built-in
    OMP_NUM_THREADS=1 python -m runs.built_in_judge.tune built-in-base

The loss is that of the answers, and small ones of what the language model is given: photos are
kept apart there, whatever was done to them, for the question whether two pictures show the same
object; and the built-in judge's tokens already say what `sight` asks of them.
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
from runs.built_in_judge.checkpoint import WIDTH, earlier, new_model, tokenizer, write
from runs.built_in_judge.encode import cosine, same_photo
from runs.built_in_judge.packing import Row, answer_loss, logits, pack, stack
from runs.built_in_judge.pictures import Pictures, UInt8, varied
from runs.built_in_judge.questions import Asker, Facts
from runs.built_in_judge.sight import Sight
from runs.built_in_judge.vision import precision, to_pixel_values

ROWS = 10  # a step: two pictures each
SAVE_EVERY = 200
LESSONS = {"built-in": lessons.tuned, "built-in-base": lessons.base}
# Weights against 1 for the answers.
APART = {"built-in": 0.2, "built-in-base": 0.1}
ALIGNED, TAUGHT = 0.5, 0.3
TOWER_SHARE = 0.35  # of the learning rate: the tower comes trained


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
) -> tuple[list[Row], UInt8, list[Facts]]:
    """Rows of questions, their pictures (2 · `ROWS`, 224, 224, 3), and what is known of each."""
    rows, pixels, facts = [], [], []
    asker = Asker(rng)
    for _ in range(ROWS):
        a, b = data.pair(rng)
        rows.append(pack(*LESSONS[name](asker, data.facts[a], data.facts[b])))
        pixels.append(varied(data.pixels([a, b]), rng))
        facts += [data.facts[a], data.facts[b]]
    return rows, np.concatenate(pixels), facts


def photos_apart(
    content: torch.nn.Linear, tokens: torch.Tensor, facts: list[Facts]
) -> torch.Tensor:
    """`same_photo` over the pictures that have another one of their photo in the batch."""
    _, photos = np.unique([fact.photo for fact in facts], return_inverse=True)
    group = torch.from_numpy(photos)
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
    parser.add_argument("--from", dest="before", type=Path, help="checkpoint to go on from")
    args = parser.parse_args()
    folder = args.out / args.name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    data = Pictures(args.cache, "train")
    if args.before:
        model = earlier(args.before)
    else:
        model = new_model(len(tokenizer()), tower_weights(args.name, args.out))
    model.set_attn_implementation("eager")  # see `encode`
    model.model.vision_tower.to(memory_format=torch.channels_last)
    model.train()
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    content = torch.nn.Linear(WIDTH, 64)  # only for `photos_apart`
    sight = Sight() if args.name == "built-in" else None
    beside = [*content.parameters(), *(sight.parameters() if sight else ())]
    tower = list(model.model.vision_tower.parameters())
    others = [p for n, p in model.named_parameters() if "vision_tower" not in n]
    optimizer = torch.optim.AdamW(
        [
            {"params": tower, "lr": args.rate * TOWER_SHARE},
            {"params": others, "lr": args.rate},
            {"params": beside, "lr": 2e-3},
        ],
        weight_decay=0.03,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: cosine(s, args.steps))
    things: dict[str, Any] = {
        "model": model, "ema": average, "optimizer": optimizer, "schedule": schedule,
        "apart": content, **({"sight": sight} if sight else {}),
    }  # fmt: skip
    store, first = folder / "tune.pt", 0
    if store.exists():
        state = torch.load(store, weights_only=True)
        for key, thing in things.items():
            thing.load_state_dict(state[key])
        first = state["step"]
        print(f"resuming after step {first}", flush=True)

    started, sums, since = time.time(), {}, 0
    for step in range(first, args.steps):
        rows, pixels, facts = draw(data, args.name, np.random.default_rng((2, step)))
        batch = stack(rows)
        raw = torch.from_numpy(pixels)
        with precision():
            values = to_pixel_values(raw).contiguous(memory_format=torch.channels_last)
            seen = model.model.vision_tower(values).last_hidden_state
            projected = model.model.multi_modal_projector(seen)
            parts = {
                "answers": answer_loss(logits(model, batch, projected), batch),
                "apart": APART[args.name] * photos_apart(content, projected, facts),
            }
            if sight:
                parts["aligned"] = ALIGNED * sight.aligned(model, projected, facts)
                parts["taught"] = TAUGHT * sight.taught(seen, raw)
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_([*model.parameters(), *beside], 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        for key, value in parts.items():
            sums[key] = sums.get(key, 0.0) + float(value.detach())
        since += 1
        if (step + 1) % 25 == 0:
            pace = (time.time() - started) / (step + 1 - first) * 1e3
            means = {key: round(value / since, 4) for key, value in sums.items()}
            print(json.dumps({"step": step + 1, "ms": round(pace), **means}), flush=True)
            sums, since = {}, 0
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == args.steps:
            state = {key: thing.state_dict() for key, thing in things.items()}
            torch.save({**state, "step": step + 1}, store.with_suffix(".part"))
            store.with_suffix(".part").replace(store)
            write(average.module, folder / "checkpoint")


if __name__ == "__main__":
    main()
