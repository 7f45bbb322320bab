"""Step 6 for `built-in`: two more layers of language, to tell whether two pictures agree.

    OMP_NUM_THREADS=1 python -m runs.built_in_judge.compare

A linear map of a picture's mean token tells photos apart (.89 of validation pairs), but five layers
never learned to compare two such means from answers alone: in the first thousands of steps nothing
is won by half a comparison. So layers are set in front of the others. In the first, the mark
behind each picture gathers the picture. In the second, the marks are subtracted from one another,
and the squares of the difference, which a gated network of silu makes exactly of pairs of units
with opposite signs, are summed along one direction. They start as that and then learn alone, on
pairs of kept tokens with a question behind them, by a linear reading of the second mark; all other
places are to stay as they were. What the second mark says is no larger than a word's embedding, and
the layer behind, which hears the mean of all tokens, drowns it: left at that, the judge told .63 of
pairs after 200 steps of `tune`. So that layer gets one more head, by which the token that an answer
begins with is told it, loudly. The construction is ours.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from runs.built_in_judge import lessons, wordings
from runs.built_in_judge.checkpoint import (
    HEAD,
    HEADS,
    LAYERS,
    WIDTH,
    new_model,
    set_back,
    take_over,
    tokenizer,
)
from runs.built_in_judge.make import PICTURES
from runs.built_in_judge.packing import pack
from runs.built_in_judge.pictures import Pictures
from runs.built_in_judge.questions import Asked, Asker
from runs.built_in_judge.schedule import cosine, same_photo
from runs.built_in_judge.together import seen
from runs.built_in_judge.vision import TOKENS, attention

NEW = 2  # layers: gather, compare
SECOND = 2 * (TOKENS + 2)  # place of the second picture's mark
RANK = 48  # numbers that a picture is gathered into
STEPS, RATE, PAIRS = 450, 2.5e-4, 48
SOFT = 0.4  # of what is gathered, against the mark
LOUD = 60.0  # of what is told, in units of the residual stream: what the others add is 100 to 400
SURE = 20.0  # the logit by which the answer's first token looks at the marks
QUIET = 3.0  # weight of leaving all other places as they are
NOISE = 0.1  # added to the tokens, in units of their spread
SAME = Asked(*wordings.SAME[0], {"yes": 1.0})
Half = NDArray[np.float16]


def deeper(model: Any) -> Any:
    """The same model behind `NEW` layers, every layer with one more head: both add nothing yet."""
    words = model.config.text_config.vocab_size
    wider = new_model(words, layers=LAYERS + 1 + NEW, heads=HEADS + 1)
    state = wider.state_dict()
    for name, value in set_back(model.state_dict(), NEW).items():
        if state[name].shape != value.shape:
            if name.endswith("o_proj.weight"):
                state[name].zero_()
            state[name][: value.shape[0], : value.shape[1]] = value
        else:
            state[name] = value
    wider.load_state_dict(state)
    return wider


def directions(tokens: Half, steps: int = 400) -> Tensor:
    """(RANK, WIDTH): the directions of the mean token that differ between photos and not within
    one, by the contrastive loss that the projector learns with."""
    mean = unit(torch.from_numpy(tokens.astype(np.float32))).mean(1)
    common = F.normalize(mean.mean(0), dim=0)  # of all photos: nothing is to be seen of it
    mean = mean - (mean @ common)[:, None] * common
    out = nn.Linear(WIDTH, RANK, bias=False)
    optimizer = torch.optim.AdamW(out.parameters(), 3e-3, weight_decay=0.03)
    group = torch.arange(64 * PICTURES) // PICTURES
    for _ in range(steps):
        units = torch.randperm(len(mean) // PICTURES)[:64]
        rows = (units[:, None] * PICTURES + torch.arange(PICTURES)).ravel()
        optimizer.zero_grad()
        same_photo(out(mean[rows]), group).mean().backward()
        optimizer.step()
    found = out.weight.detach()
    found = found - (found @ common)[:, None] * common
    return found / (mean @ found.T).std()


def unit(tokens: Tensor) -> Tensor:
    """As a layer norm of the language model's kind shows them to its attention."""
    return tokens / (tokens.square().mean(-1, keepdim=True) + 1e-6).sqrt()


@torch.no_grad()
def build(model: Any, picture: Tensor) -> Tensor:
    """Set the two layers; what they say is read along the direction returned (WIDTH,).

    picture : (RANK, WIDTH), see `directions`.
    """
    gather, compare = model.model.language_model.layers[:NEW]
    # Plain numbers here were found on kept tokens: they make what is read a logit of a few units.
    mark = model.get_input_embeddings().weight[tokenizer().convert_tokens_to_ids("</img>")]
    basis = torch.linalg.qr(torch.cat([mark[:, None], torch.randn(WIDTH, RANK + 1)], 1)).Q.T
    place, verdict = basis[1:-1], basis[-1]  # where the mark itself has nothing
    for layer in (gather, compare):
        for one in (layer.self_attn.v_proj, layer.self_attn.o_proj, layer.mlp.down_proj):
            one.weight.normal_(std=0.0005)
    # Evenly over all tokens so far: at the second mark, half of each picture. Softly, so that the
    # mark itself sets the scale of the norms that follow, and a difference keeps its size.
    gather.self_attn.q_proj.weight.zero_()
    gather.self_attn.v_proj.weight[:RANK] = picture
    gather.self_attn.o_proj.weight[:, :RANK] = SOFT * mark.norm() / RANK**0.5 * place.T
    like = mark / (mark.norm() * WIDTH**0.5)
    seek(compare.self_attn, like, like, 10.0)
    compare.self_attn.v_proj.weight[:RANK] = place
    compare.self_attn.o_proj.weight[:, :RANK] = -1.06 * mark.norm() / WIDTH**0.5 * place.T
    half = compare.mlp.gate_proj.out_features // 2
    ways = torch.randn(half, RANK) @ place
    for one in (compare.mlp.gate_proj, compare.mlp.up_proj):
        one.weight[:half], one.weight[half:] = ways, -ways
    compare.mlp.down_proj.weight.copy_(-mark.norm() * verdict[:, None] / (5 * half))
    return 10 * verdict / mark.norm()


class Reader(nn.Module):
    """What the second mark says of two pictures, as one logit."""

    def __init__(self, verdict: Tensor) -> None:
        super().__init__()
        self.along = nn.Parameter(verdict)
        self.bias = nn.Parameter(torch.tensor(2.5))

    def forward(self, mark: Tensor) -> Tensor:
        logit: Tensor = mark @ self.along + self.bias
        return logit


def shown(model: Any, tokens: Tensor, asked: Asked) -> Tensor:
    """Embeddings (n, length, WIDTH) of a question about two pictures; a mark is at `SECOND`.

    tokens : (n, 2, 49, WIDTH), projected.
    """
    ids = torch.from_numpy(pack([], [asked]).ids)
    embedded = model.get_input_embeddings()(ids).detach().expand(len(tokens), -1, -1).clone()
    embedded[:, ids == tokenizer().convert_tokens_to_ids("<image>")] = tokens.flatten(1, 2)
    return embedded


@torch.no_grad()
def tell(model: Any, reader: Reader, embedded: Tensor) -> None:
    """Set the listener's new head: the token that an answer begins with looks at the marks, and is
    told `LOUD` times what `reader` reads at the second.

    embedded : of some pairs, from `shown` with nothing begun; queries, keys and values are what
               tells the places in question from all others there.
    """
    listener = model.model.language_model.layers[NEW]
    *_, hidden = passed(model, embedded)
    x = listener.input_layernorm(hidden)
    marks, last = [SECOND // 2, SECOND], x.shape[1] - 1
    wanted = torch.zeros(3, *x.shape[:2])
    wanted[0, :, last], wanted[1, :, marks] = 1, 1
    wanted[2, :, SECOND] = reader(hidden[:, SECOND]).tanh()
    who, whom, read = (direction(x, values) for values in wanted)
    seek(listener.self_attn, who, whom, SURE, head=HEADS)
    first = HEADS * HEAD
    listener.self_attn.v_proj.weight[first:] = 0
    listener.self_attn.v_proj.weight[first] = 2 * LOUD * read  # half of it looks at the first mark
    listener.self_attn.o_proj.weight[:, first] = F.normalize(reader.along, dim=0)


def direction(x: Tensor, wanted: Tensor) -> Tensor:
    """(WIDTH,) whose product with x (n, places, WIDTH) is as wanted (n, places), places that want
    something counting as much as all others together."""
    x, wanted = x.flatten(0, 1), wanted.flatten()
    some = wanted != 0
    weight = torch.where(some, 0.5 / some.sum(), 0.5 / (~some).sum())[:, None]
    square = x.T @ (weight * x) + 1e-3 * torch.eye(x.shape[1])
    return torch.linalg.solve(square, x.T @ (weight[:, 0] * wanted))


def seek(attention: Any, who: Tensor, whom: Tensor, sure: float, head: int = 0) -> None:
    """Let a head look from tokens along `who` at tokens along `whom`, near or far: it uses only the
    slowest of the rotary frequencies. sure : the logit where both products are 1."""
    start, stop = head * HEAD, (head + 1) * HEAD
    slow = [start + i for i in range(HEAD) if i % (HEAD // 2) >= HEAD * 3 // 8]
    scale = (sure * HEAD**0.5 / len(slow)) ** 0.5
    for part, way in ((attention.q_proj, who), (attention.k_proj, whom)):
        part.weight[start:stop] = 0
        part.weight[slow] = scale * way


def passed(model: Any, embedded: Tensor) -> Iterator[Tensor]:
    """The hidden states behind each of the new layers."""
    language = model.model.language_model
    place = torch.arange(embedded.shape[1])[None]
    rotary = language.rotary_emb(embedded, place)
    n = embedded.shape[1]
    mask = torch.zeros(n, n).masked_fill(~torch.ones(n, n, dtype=torch.bool).tril(), -1e9)
    hidden = embedded
    for layer in language.layers[:NEW]:
        hidden = layer(
            hidden, attention_mask=mask[None, None], position_ids=place, position_embeddings=rotary
        )
        yield hidden


def pairs(rng: np.random.Generator, count: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Rows (n, 2) of `count` pictures in units, half of them of one unit."""
    first = rng.integers(count, size=PAIRS)
    own = first - first % PICTURES + (first + rng.integers(1, PICTURES, PAIRS)) % PICTURES
    same = np.arange(PAIRS) % 2 == 0
    second = np.where(same, own, rng.integers(count, size=PAIRS))
    return np.stack([first, second], 1), same | (first // PICTURES == second // PICTURES)


@torch.inference_mode()
def watch(model: Any, reader: Reader, tokens: Half, each: int) -> dict[str, float]:
    """Share of validation pairs that the reader gets right; the same 600 every time."""
    rng = np.random.default_rng(5)
    photo = rng.integers(len(tokens) // each, size=(600, 2))
    photo[::2, 1] = photo[::2, 0]
    rows = photo * each + rng.integers(each, size=(600, 2))
    same = photo[:, 0] == photo[:, 1]
    says = []
    for at in range(0, 600, 100):
        given = torch.from_numpy(tokens[rows[at : at + 100]].astype(np.float32))
        *_, hidden = passed(model, shown(model, given, SAME))
        says.append((reader(hidden[:, SECOND]) > 0).numpy())
    right = np.concatenate(says) == same
    return {
        name: round(float(right[rows].mean()), 3)
        for name, rows in (("right", slice(None)), ("same", same), ("different", ~same))
    }


@torch.inference_mode()
def projected(model: Any, kept: Half) -> Half:
    """(n, 49, WIDTH) of the tower's tokens."""
    projector = model.model.multi_modal_projector
    parts = [
        projector(torch.from_numpy(kept[i : i + 256].astype(np.float32))).half()
        for i in range(0, len(kept), 256)
    ]
    found: Half = torch.cat(parts).numpy()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_judge"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_judge"))
    parser.add_argument("--steps", type=int, default=STEPS)
    args = parser.parse_args()
    folder = args.out / "built-in"
    torch.manual_seed(0)
    shallow = new_model(len(tokenizer()), layers=LAYERS + 1)
    take_over(shallow, folder / "checkpoint")
    model = deeper(shallow)
    model.set_attn_implementation(attention())
    data, held = Pictures(args.cache, "train"), Pictures(args.cache, "validation")
    each = int((held.labels["photo"] == held.labels["photo"][0]).sum())
    learned = projected(model, np.load(folder / "tokens.npy", mmap_mode="r"))
    with torch.inference_mode():
        starts = range(0, len(held), 32)
        parts = [seen(model, held.pixels(range(i, min(i + 32, len(held))))) for i in starts]
    watched = torch.cat(parts).half().numpy()
    reader = Reader(build(model, directions(learned)))
    new = model.model.language_model.layers[:NEW]
    optimizer = torch.optim.AdamW(
        [*new.parameters(), *reader.parameters()], RATE, weight_decay=0.05, betas=(0.9, 0.98)
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda s: cosine(s, args.steps, 50))
    print(json.dumps({"step": 0, **watch(model, reader, watched, each)}), flush=True)
    started, sums = time.time(), np.zeros(2)
    for step in range(args.steps):
        rng = np.random.default_rng((6, step))
        rows, same = pairs(rng, len(learned))
        tokens = torch.from_numpy(learned[rows].astype(np.float32))
        tokens = tokens + NOISE * tokens.std() * torch.randn_like(tokens)
        _, questions = lessons.tuned(Asker(rng), *(data.facts[row] for row in rows[0]))
        before = shown(model, tokens, questions[0])
        *_, hidden = passed(model, before)
        said = F.binary_cross_entropy_with_logits(
            reader(hidden[:, SECOND]), torch.from_numpy(same.astype(np.float32))
        )
        moved = (hidden - before).square().sum(-1) / before.square().sum(-1)
        moved[:, [SECOND // 2, SECOND]] *= 0.02  # the two marks
        loss = said + QUIET * moved.mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(new.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        sums += [float(said.detach()), float(moved.detach().mean())]
        if (step + 1) % 50 == 0:
            told = {
                "step": step + 1,
                "ms": round((time.time() - started) / (step + 1) * 1e3),
                "said": round(sums[0] / 50, 4),
                "moved": round(sums[1] / 50, 4),
                **watch(model, reader, watched, each),
            }
            print(json.dumps(told), flush=True)
            sums[:] = 0
    draws = [pairs(np.random.default_rng((7, i)), len(learned))[0] for i in range(24)]
    some = torch.from_numpy(learned[np.concatenate(draws)].astype(np.float32))
    tell(model, reader, shown(model, some, SAME))
    torch.save({"model": model.state_dict()}, folder / "compared.pt")


if __name__ == "__main__":
    main()
