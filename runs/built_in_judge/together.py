"""Step 4 for `built-in`: tower and projector together, on what the judge is shown.

    OMP_NUM_THREADS=1 python -m runs.built_in_judge.together [--from CHECKPOINT]

`encode` trained the tower on 96-px crops and `project` the projector on its tokens. Here both learn
from whole windows what `sight` asks of the mean token, and to keep photos apart in it. The latter
is what a language model of five layers needs for "is it the same object?": its first layer hears
the mean of a picture's tokens, and so it told photos apart no better than chance as long as they
differed only place by place, although a linear map of all 49 places did (.96). Resumable. At the
end the tokens are computed anew, which `tune` reads.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from runs.built_in_judge.checkpoint import LAYERS, new_model, take_over, tokenizer
from runs.built_in_judge.make import PICTURES
from runs.built_in_judge.packing import look, tokens
from runs.built_in_judge.pictures import Pictures, varied
from runs.built_in_judge.project import see
from runs.built_in_judge.resume import keep, take_up
from runs.built_in_judge.schedule import cosine, same_photo
from runs.built_in_judge.sight import Whole, aligned
from runs.built_in_judge.vision import attention, precision, to_pixel_values
from runs.built_in_judge.wordings import LEVELS
from snellen import stats
from snellen.distortions import FAMILIES

UNITS_A_BATCH = 14
STEPS, RATE, TOWER_RATE = 700, 6e-4, 4e-4
APART = 0.3  # weight of keeping photos apart, against 1 for what is to be said
SAVE_EVERY = 50
WATCHED = 24  # validation photos


def seen(model: Any, pixels: NDArray[np.uint8]) -> Tensor:
    """Projected tokens (n, 49, `WIDTH`) of (n, 224, 224, 3)."""
    values = to_pixel_values(torch.from_numpy(pixels))
    with precision():
        return look(model, values.contiguous(memory_format=torch.channels_last)).float()


@torch.inference_mode()
def watch(model: Any, whole: Whole, data: Pictures, each: int) -> dict[str, float]:
    """Level SRCC and families named of validation singles, and pairs of one photo told from others,
    all read from the mean token."""
    count = WATCHED * each
    found = torch.cat(
        [seen(model, data.pixels(range(i, min(i + 32, count)))) for i in range(0, count, 32)]
    )
    said = model.lm_head(model.model.language_model.norm(found.mean(1)))
    ids = [tokens(word)[0] for word in LEVELS]
    score = said[:, ids].softmax(1) @ torch.linspace(1, 0, len(ids))
    named = said[:, [tokens(word)[0] for word in FAMILIES]].argmax(1).numpy()
    opinion = data.labels["opinion"][:count].astype(float)
    single = np.array([len(json.loads(str(parts))) == 1 for parts in data.labels["parts"][:count]])
    harmed = single & (opinion < opinion.max() - 0.5)
    right = named == data.labels["families"][:count].argmax(1)
    unit = nn.functional.normalize(whole(found), dim=1)
    near = (unit @ unit.T).numpy()
    photo = np.arange(count) // each
    other = ~np.eye(count, dtype=bool)
    alike = near[(photo[:, None] == photo) & other]
    different = near[photo[:, None] != photo]
    threshold = np.median(alike) / 2 + np.median(different) / 2
    return {
        "srcc": round(float(stats.srcc(score.numpy()[single], opinion[single]).value), 3),
        "named": round(float(right[harmed].mean()), 3),
        "same": round(float(((alike > threshold).mean() + (different < threshold).mean()) / 2), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_judge"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_judge"))
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--from", dest="before", type=Path, help="checkpoint of five layers")
    args = parser.parse_args()
    folder = args.out / "built-in"
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    data, held = Pictures(args.cache, "train"), Pictures(args.cache, "validation")
    each = int((held.labels["photo"] == held.labels["photo"][0]).sum())
    model, whole = new_model(len(tokenizer()), layers=LAYERS + 1), Whole()
    if args.before:
        take_over(model, args.before)
    else:
        state = torch.load(folder / "project.pt", weights_only=True)
        model.load_state_dict(state["model"])
        whole.load_state_dict(state["whole"])
    tower, projector = model.model.vision_tower, model.model.multi_modal_projector
    tower.to(memory_format=torch.channels_last)
    tower.set_attn_implementation(attention())
    spoken = [*model.lm_head.parameters(), *model.model.language_model.norm.parameters()]
    rest = [*projector.parameters(), *spoken, *whole.parameters()]
    optimizer = torch.optim.AdamW(
        [{"params": list(tower.parameters()), "lr": TOWER_RATE}, {"params": rest, "lr": RATE}],
        weight_decay=0.03,
        betas=(0.9, 0.98),
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: cosine(s, args.steps, 50))
    both = nn.ModuleDict({"model": model, "whole": whole})
    average = torch.optim.swa_utils.AveragedModel(
        both, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.98)
    )
    things: dict[str, Any] = {
        "both": both, "average": average, "optimizer": optimizer, "schedule": schedule,
    }  # fmt: skip
    store = folder / "together.pt"
    first = take_up(store, things)
    if not first:
        print(json.dumps({"step": 0, **watch(model.eval(), whole, held, each)}), flush=True)

    group = torch.arange(UNITS_A_BATCH * PICTURES) // PICTURES
    started, sums = time.time(), np.zeros(2)
    model.train()
    for step in range(first, args.steps):
        rng = np.random.default_rng((4, step))
        units = rng.choice(len(data) // PICTURES, UNITS_A_BATCH, replace=False)
        rows = (units[:, None] * PICTURES + np.arange(PICTURES)).ravel()
        projected = seen(model, varied(data.pixels(rows.tolist()), rng))
        said = aligned("built-in", model, projected, [data.facts[row] for row in rows])
        apart = same_photo(whole(projected), group).mean()
        optimizer.zero_grad(set_to_none=True)
        (said + APART * apart).backward()
        nn.utils.clip_grad_norm_(both.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(both)
        sums += [float(said.detach()), float(apart.detach())]
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == args.steps:
            keep(store, things, step + 1)
            kept = average.module
            told = {
                "step": step + 1,
                "ms": round((time.time() - started) / (step + 1 - first) * 1e3),
                "said": round(sums[0] / SAVE_EVERY, 4),
                "apart": round(sums[1] / SAVE_EVERY, 4),
                **watch(kept["model"].eval(), kept["whole"], held, each),
            }
            print(json.dumps(told), flush=True)
            sums[:] = 0
    model, whole = (average.module[name] for name in ("model", "whole"))
    torch.save({"model": model.state_dict(), "whole": whole.state_dict()}, folder / "project.pt")
    (folder / "tokens.npy").unlink(missing_ok=True)  # of the tower as it was
    see(model.model.vision_tower.eval(), data, folder / "tokens.npy")


if __name__ == "__main__":
    main()
