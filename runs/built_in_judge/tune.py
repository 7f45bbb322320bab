"""Step 5: projector and language model, on questions and answers.

    OMP_NUM_THREADS=1 python -m runs.built_in_judge.tune built-in
    OMP_NUM_THREADS=1 python -m runs.built_in_judge.tune built-in-base

and once more, after `compare`, for `built-in` with two layers more, which learn at a tenth of the
rate (they were made with care, and what reads them is new):

    python -m runs.built_in_judge.tune built-in --compared --steps 400 --rate 1e-3

The loss is that of the answers, and small ones of what the language model is given: it still says
what `sight` asks of it, and photos are kept apart there, for the question whether two pictures show
the same object. The tower stays as it is, so the tokens kept before serve. Every other row of
`built-in-base` is about words in the place of pictures (`told`). Resumable; every save also writes
the checkpoint as it stands, from the running average of the weights.
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
from runs.built_in_judge.checkpoint import of_state, write
from runs.built_in_judge.compare import NEW
from runs.built_in_judge.packing import Row, answer_loss, logits, pack, stack
from runs.built_in_judge.pictures import Pictures
from runs.built_in_judge.questions import Asker, Facts
from runs.built_in_judge.resume import keep, take_up
from runs.built_in_judge.schedule import cosine, same_photo
from runs.built_in_judge.sight import Whole, aligned
from runs.built_in_judge.told import told
from runs.built_in_judge.vision import attention, precision

ROWS = 10  # a step: two pictures each
SAVE_EVERY = 200
LESSONS = {"built-in": lessons.tuned, "built-in-base": lessons.base}
SLOW = 0.1  # of the rate, for the layers of `compare`
APART, ALIGNED = 0.1, 0.5  # weights against 1 for the answers


def draw(
    data: Pictures, name: str, rng: np.random.Generator, *, rows_told: int = 0
) -> tuple[list[Row], list[int], list[Facts]]:
    """Questions, the pictures they are about, and what is known of each; two pictures a row.

    rows_told : of so many, first of all, the pictures are told in words.
    """
    rows: list[Row] = []
    shown: list[int] = []
    asker = Asker(rng)
    for row in range(ROWS):
        a, b = data.pair(rng)
        lesson = lessons.heard if row < rows_told else LESSONS[name]
        rows.append(pack(*lesson(asker, data.facts[a], data.facts[b])))
        shown += [a, b]
    return rows, shown, [data.facts[row] for row in shown]


def photos_apart(whole: Whole, projected: torch.Tensor, facts: list[Facts]) -> torch.Tensor:
    """`same_photo` over the pictures that have another one of their photo in the batch."""
    _, photos = np.unique([fact.photo for fact in facts], return_inverse=True)
    group = torch.from_numpy(photos)
    paired = (group[:, None] == group).sum(1) > 1
    if not paired.any():
        return projected.new_zeros(())
    return same_photo(whole(projected), group)[paired].mean()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(LESSONS))
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_judge"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_judge"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--compared", action="store_true", help="go on from `compare`")
    args = parser.parse_args()
    folder = args.out / args.name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    data = Pictures(args.cache, "train")
    before = torch.load(folder / "project.pt", weights_only=True)
    whole = Whole()
    whole.load_state_dict(before["whole"])
    if args.compared:
        before = torch.load(folder / "compared.pt", weights_only=True)
    model = of_state(before["model"])
    model.model.vision_tower.requires_grad_(False)
    model.set_attn_implementation(attention())
    model.train()
    kept = np.load(folder / "tokens.npy", mmap_mode="r")
    rows_told = ROWS // 2 if args.name == "built-in-base" else 0
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    slow = list(model.model.language_model.layers[: NEW if args.compared else 0].parameters())
    taken = {id(p) for p in slow}
    rest = [p for one in (model, whole) for p in one.parameters() if id(p) not in taken]
    groups = [
        {"params": slow, "lr": SLOW * args.rate},
        {"params": [p for p in rest if p.requires_grad]},
    ]
    optimizer = torch.optim.AdamW(
        [group for group in groups if group["params"]],
        args.rate,
        weight_decay=0.03,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: cosine(s, args.steps))
    things: dict[str, Any] = {
        "model": model, "ema": average, "optimizer": optimizer, "schedule": schedule,
        "whole": whole,
    }  # fmt: skip
    store = folder / ("tune-compared.pt" if args.compared else "tune.pt")
    first = take_up(store, things)

    started, sums, since = time.time(), {}, 0
    for step in range(first, args.steps):
        rng = np.random.default_rng((2, step))
        rows, shown, facts = draw(data, args.name, rng, rows_told=rows_told)
        batch, words = stack(rows), 2 * rows_told
        with precision():
            tokens = torch.from_numpy(kept[shown[words:]].astype(np.float32))
            projected = model.model.multi_modal_projector(tokens)
            given = torch.cat([told(model, facts[:words], rng), projected]) if words else projected
            parts = {
                "answers": answer_loss(logits(model, batch, given), batch),
                "apart": APART * photos_apart(whole, projected, facts[words:]),
                "aligned": ALIGNED * aligned(args.name, model, projected, facts[words:]),
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
            keep(store, things, step + 1)
            write(average.module, folder / ("compared" if args.compared else "checkpoint"))


if __name__ == "__main__":
    main()
