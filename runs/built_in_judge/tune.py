"""Step 4: projector and language model, and of the base the tower too, on questions and answers.

    OMP_NUM_THREADS=1 python -m runs.built_in_judge.tune built-in
    OMP_NUM_THREADS=1 python -m runs.built_in_judge.tune built-in-base

The loss is that of the answers, and small ones of what the language model is given: photos are
kept apart there, whatever was done to them, for the question whether two pictures show the same
object; and the built-in judge's tokens still say what `sight` asks of them. Its tower stays as it
is, so that the tokens kept by `project` serve. Resumable; every save also writes the checkpoint as
it stands, from the running average of the weights.
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
from runs.built_in_judge.checkpoint import LAYERS, new_model, take_over, tokenizer, write
from runs.built_in_judge.packing import Row, answer_loss, logits, look, pack, stack
from runs.built_in_judge.pictures import Pictures, varied
from runs.built_in_judge.project import Places
from runs.built_in_judge.questions import Asker, Facts
from runs.built_in_judge.schedule import cosine, same_photo
from runs.built_in_judge.sight import aligned
from runs.built_in_judge.vision import precision, to_pixel_values

ROWS = 10  # a step: two pictures each
SAVE_EVERY = 200
LESSONS = {"built-in": lessons.tuned, "built-in-base": lessons.base}
# Weights against 1 for the answers.
APART = 0.1
ALIGNED = {"built-in": 0.5, "built-in-base": 0.0}
TOWER_SHARE = 0.25  # of the learning rate, where a tower comes trained


def begin(name: str, out: Path) -> tuple[Any, Places]:
    """The model as the steps before left it, and what tells photos apart by its tokens."""
    places = Places()
    if name == "built-in-base":
        tower = torch.load(out / "tower-base.pt", weights_only=True)
        model = new_model(len(tokenizer()), tower)
    else:
        model = new_model(len(tokenizer()), layers=LAYERS + 1)
        state = torch.load(out / "project.pt", weights_only=True)
        model.load_state_dict(state["model"])
        places.load_state_dict(state["places"])
        model.model.vision_tower.requires_grad_(False)
    return model, places


def draw(
    data: Pictures, name: str, rng: np.random.Generator
) -> tuple[list[Row], list[int], list[Facts]]:
    """Questions, the pictures they are about, and what is known of each; two pictures a row."""
    rows: list[Row] = []
    shown: list[int] = []
    asker = Asker(rng)
    for _ in range(ROWS):
        a, b = data.pair(rng)
        rows.append(pack(*LESSONS[name](asker, data.facts[a], data.facts[b])))
        shown += [a, b]
    return rows, shown, [data.facts[row] for row in shown]


def pixels_of(data: Pictures, shown: list[int], rng: np.random.Generator) -> torch.Tensor:
    """(n, 3, 224, 224) of pictures two by two, each two varied alike."""
    pairs = [varied(data.pixels(shown[i : i + 2]), rng) for i in range(0, len(shown), 2)]
    values = to_pixel_values(torch.from_numpy(np.concatenate(pairs)))
    return values.contiguous(memory_format=torch.channels_last)


def photos_apart(places: Places, projected: torch.Tensor, facts: list[Facts]) -> torch.Tensor:
    """`same_photo` over the pictures that have another one of their photo in the batch."""
    _, photos = np.unique([fact.photo for fact in facts], return_inverse=True)
    group = torch.from_numpy(photos)
    paired = (group[:, None] == group).sum(1) > 1
    if not paired.any():
        return projected.new_zeros(())
    return same_photo(places(projected), group)[paired].mean()


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
    model, places = begin(args.name, args.out)
    if args.before:
        take_over(model, args.before)
    # On the CPU the fused attention is many times slower backwards, but only in bfloat16.
    has_bfloat16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    model.set_attn_implementation("eager" if has_bfloat16 else "sdpa")
    model.model.vision_tower.to(memory_format=torch.channels_last)
    model.train()
    kept = np.load(args.out / "tokens.npy", mmap_mode="r") if args.name == "built-in" else None
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    tower = [p for p in model.model.vision_tower.parameters() if p.requires_grad]
    others = [p for n, p in model.named_parameters() if "vision_tower" not in n]
    optimizer = torch.optim.AdamW(
        [
            {"params": tower, "lr": args.rate * TOWER_SHARE},
            {"params": [*others, *places.parameters()], "lr": args.rate},
        ],
        weight_decay=0.03,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: cosine(s, args.steps))
    things: dict[str, Any] = {
        "model": model, "ema": average, "optimizer": optimizer, "schedule": schedule,
        "places": places,
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
        rng = np.random.default_rng((2, step))
        rows, shown, facts = draw(data, args.name, rng)
        batch = stack(rows)
        with precision():
            if kept is None:
                projected = look(model, pixels_of(data, shown, rng))
            else:
                tokens = torch.from_numpy(kept[shown].astype(np.float32))
                projected = model.model.multi_modal_projector(tokens)
            parts = {
                "answers": answer_loss(logits(model, batch, projected), batch),
                "apart": APART * photos_apart(places, projected, facts),
                "aligned": ALIGNED[args.name] * aligned(model, projected, facts),
            }
        optimizer.zero_grad(set_to_none=True)
        torch.stack(list(parts.values())).sum().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
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
