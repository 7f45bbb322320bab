"""Step 3: the tower's tokens are evened out and kept; the projector learns alone.

    OMP_NUM_THREADS=1 python -m runs.built_in_judge.project built-in
    OMP_NUM_THREADS=1 python -m runs.built_in_judge.project built-in-base

What tells families apart varies little beside what does not, and a projector that starts from the
tower's tokens as they come takes hours to find it: a judge trained so named .41 of the visible
faults of validation photos, where a linear map of the same tokens, each feature scaled to unit
spread, named .66. So the scale is written into the tower's last layer norm. Then the projector
learns alone what its tokens must say (`sight`), and to keep photos apart. The tower stays as it is,
so its tokens are computed once: four minutes, and one for the projector.

A language model of four layers would still need hours to hear what the tokens say, so it gets one
more before them that starts as the mean of all tokens, passed on as it is (`with_listener`).
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

from runs.built_in_judge.checkpoint import LAYERS, WIDTH, new_model, set_back, tokenizer
from runs.built_in_judge.make import PICTURES
from runs.built_in_judge.pictures import Pictures
from runs.built_in_judge.schedule import cosine, same_photo
from runs.built_in_judge.sight import Whole, aligned
from runs.built_in_judge.vision import TOKENS, WIDTHS, precision, to_pixel_values
from snellen.judges import built_in

STEPS, RATE = 800, 1.5e-3
UNITS_A_BATCH = 24
APART = 0.1  # weight of keeping photos apart, against 1 for what is to be said
LOUDNESS = 16.0  # of what the first layer of language hears, against what is there already
SAMPLE = 512  # pictures that the spread of a feature is measured on
Half = NDArray[np.float16]


@torch.inference_mode()
def tokens_of(tower: Any, pixels: NDArray[np.uint8]) -> Tensor:
    """(n, 49, C) of (n, 224, 224, 3)."""
    with precision():
        seen: Tensor = tower(to_pixel_values(torch.from_numpy(pixels))).last_hidden_state
    return seen.float()


def tower_of(name: str, out: Path) -> dict[str, Tensor]:
    """The weights that `encode` or `encode_content` left."""
    if name == "built-in-base":
        content: dict[str, Tensor] = torch.load(out / "tower-base.pt", weights_only=True)
        return content
    average, start = torch.load(out / "encode.pt", weights_only=True)["average"], "module.tower."
    return {k[len(start) :]: v for k, v in average.items() if k.startswith(start)}


def even_out(tower: Any, tokens: Tensor) -> None:
    """Write into the last layer norm what gives each feature of `tokens` mean 0 and spread 1."""
    norm = tower.stages[-1].layer_norm
    mean, spread = tokens.mean((0, 1)), tokens.std((0, 1)) + 1e-4
    with torch.no_grad():
        norm.weight.div_(spread)
        norm.bias.sub_(mean).div_(spread)


def see(tower: Any, data: Pictures, store: Path, batch: int = 16) -> Half:
    """The tokens of all pictures, kept in `store` and mapped from there."""
    if not store.exists():
        half = store.with_suffix(".part.npy")
        kept = np.lib.format.open_memmap(half, "w+", np.float16, (len(data), TOKENS, WIDTHS[-1]))
        for start in range(0, len(data), batch):
            rows = range(start, min(start + batch, len(data)))
            kept[start : start + batch] = tokens_of(tower, data.pixels(rows)).half().numpy()
            if start % (100 * batch) == 0:
                print(f"{start} of {len(data)} pictures seen", flush=True)
        kept.flush()
        half.replace(store)
    found: Half = np.load(store, mmap_mode="r")
    return found


@torch.no_grad()
def with_listener(model: Any) -> Any:
    """The same model behind one more layer, which adds the mean of all tokens to each of them.

    Its attention is nearly even at first and its values are passed on `LOUDNESS` times as strong;
    on validation photos the judge then names faults as well as its tokens do (.70, where it named
    .48 before), and still has all of it to learn which tokens matter for what.
    """
    words = model.config.text_config.vocab_size
    deeper = new_model(words, layers=LAYERS + 1)
    deeper.load_state_dict({**deeper.state_dict(), **set_back(model.state_dict(), 1)})
    layer = deeper.model.language_model.layers[0]
    attention = layer.self_attn
    for part in (attention.q_proj, attention.k_proj):
        part.weight.normal_(std=0.02)
    attention.v_proj.weight.copy_(torch.eye(WIDTH))
    attention.o_proj.weight.copy_(LOUDNESS * torch.eye(WIDTH))
    layer.mlp.down_proj.weight.zero_()
    return deeper


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=built_in.NAMES)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_judge"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_judge"))
    parser.add_argument("--steps", type=int, default=STEPS)
    args = parser.parse_args()
    folder = args.out / args.name
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    data = Pictures(args.cache, "train")
    model = new_model(len(tokenizer()), tower_of(args.name, args.out))
    projector, tower = model.model.multi_modal_projector, model.model.vision_tower.eval()
    some = range(0, len(data), max(1, len(data) // SAMPLE))
    even_out(tower, tokens_of(tower, data.pixels(some)))
    kept = see(tower, data, folder / "tokens.npy")

    whole = Whole()
    spoken = [model.lm_head, model.model.language_model.norm]
    learning = [p for part in (projector, *spoken) for p in part.parameters()]
    optimizer = torch.optim.AdamW([*learning, *whole.parameters()], RATE, weight_decay=0.03)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: cosine(s, args.steps, 50))
    group = torch.arange(UNITS_A_BATCH * PICTURES) // PICTURES
    started, sums = time.time(), np.zeros(2)
    for step in range(args.steps):
        rng = np.random.default_rng((3, step))
        units = rng.choice(len(data) // PICTURES, UNITS_A_BATCH, replace=False)
        rows = (units[:, None] * PICTURES + np.arange(PICTURES)).ravel()
        projected = projector(torch.from_numpy(kept[rows].astype(np.float32)))
        said = aligned(args.name, model, projected, [data.facts[row] for row in rows])
        apart = same_photo(whole(projected), group).mean()
        optimizer.zero_grad(set_to_none=True)
        (said + APART * apart).backward()
        nn.utils.clip_grad_norm_(learning, 1.0)
        optimizer.step()
        schedule.step()
        sums += [float(said.detach()), float(apart.detach())]
        if (step + 1) % 100 == 0:
            seconds = round(time.time() - started)
            means = {"said": round(sums[0] / 100, 4), "apart": round(sums[1] / 100, 4)}
            print(json.dumps({"step": step + 1, "seconds": seconds, **means}), flush=True)
            sums[:] = 0
    model = with_listener(model)
    torch.save({"model": model.state_dict(), "whole": whole.state_dict()}, folder / "project.pt")


if __name__ == "__main__":
    main()
