"""Train chosen parts of a judge to name distortions. torch is imported here, and here only used.

A plain loop: AdamW, warm-up and cosine decay, cross-entropy on the words of the right answer alone.
What is shown at a step is a function of seed and step, so a run that was killed goes on as if it
had not been: `state.pt` holds weights of the trained parts, the optimiser and the step.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from snellen.audit.material import Pixels
from snellen.audit.parts import PARTS, Part, anatomy
from snellen.audit.showing import Showing
from snellen.errors import JudgeError, MissingExtra

_WARM_UP = 0.05  # share of the steps
_SAVE_EVERY = 50  # steps


@dataclass(frozen=True)
class Recipe:
    """How parts are trained.

    parts : which. lora : rank of low-rank updates in their linear layers; 0 trains the weights.
    steps : of the optimiser. batch : pictures a step.
    rate  : peak learning rate; None for the usual one of the model's size (`usual_rate`).
    seed  : of the order of examples and of new weights.
    """

    parts: tuple[Part, ...]
    lora: int = 0
    steps: int = 400
    batch: int = 16
    rate: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Example:
    """A picture to learn from, and what is to be said of it."""

    name: str
    label: str


def train(
    model: Any,
    processor: Any,
    examples: Sequence[Example],
    picture: Callable[[str], Pixels],
    recipe: Recipe,
    state: Path,
    *,
    prefill: bool = True,
    step: Callable[[int, float], None] = lambda number, loss: None,
) -> Any:
    """The model with chosen parts trained; the others keep their weights.

    picture : name of an example → pixels. state : file to go on from.
    step    : called with (number, loss).
    Raises `MissingExtra` for low-rank updates without peft, `JudgeError` for parts that are not
    there or a loss that is no number.
    """
    torch.manual_seed(recipe.seed)
    body = anatomy(model)
    learning = _prepared(model, recipe)  # `model` itself, or what peft put around it
    rate = recipe.rate or usual_rate(sum(one.numel() for one in model.parameters()), recipe.lora)
    trained = [one for one in learning.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=rate, weight_decay=0.01, betas=(0.9, 0.98))
    begin = _resume(state, learning, optimiser)
    learning.train()
    for part in PARTS:  # the projector may lie in the encoder, so it comes after it
        getattr(body, part).train(part in recipe.parts)
    showing = Showing(model, processor, body, recipe.parts, picture, prefill=prefill)
    for number in range(begin, recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = rate * schedule(number, recipe.steps)
        told = []
        for place in drawn(recipe, len(examples), number):
            rng = np.random.default_rng([recipe.seed, number, place])
            told.append(showing.tell(examples[place].name, examples[place].label, rng))
        with _precision(model.device):
            inputs, wanted = showing.batch(told)
            length = wanted.shape[1]
            out = model(**inputs, use_cache=False, logits_to_keep=length + 1)
            said = out.logits[:, -length - 1 : -1].float()
            loss: Any = torch.nn.functional.cross_entropy(said.flatten(0, 1), wanted.flatten())
        if not torch.isfinite(loss):
            raise JudgeError(
                f"the loss became {loss.item()} at step {number}", "Lower the learning rate."
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        if (number + 1) % _SAVE_EVERY == 0:
            _save(state, learning, optimiser, number + 1)
        step(number + 1, float(loss.detach()))
    _save(state, learning, optimiser, recipe.steps)
    merged = learning.merge_and_unload() if recipe.lora else learning
    return merged.eval()


def usual_rate(parameters: int, lora: int = 0) -> float:
    """A peak learning rate for a model of so many parameters (ours).

    1.5e-3 at four million, as such a model is trained with, falling with the square root of the
    size: 3.6e-5 at seven billion, near the 2e-5 of LLaVA's tuning. Low-rank updates take ten times
    as much, as they do there.
    """
    return 1.5e-3 * min(math.sqrt(4e6 / parameters), 1.0) * (10 if lora else 1)


def schedule(number: int, steps: int) -> float:
    """Share of the peak rate at a step: linear warm-up, then half a cosine to 0."""
    warm = max(round(_WARM_UP * steps), 1)
    if number < warm:
        return (number + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (number - warm) / max(steps - warm, 1)))


def drawn(recipe: Recipe, count: int, number: int) -> list[int]:
    """Examples of a step: each epoch is a permutation of its own, cut into batches."""
    size = min(recipe.batch, count)
    per_epoch = count // size
    epoch, place = divmod(number, per_epoch)
    order = np.random.default_rng([recipe.seed, epoch]).permutation(count)
    return [int(one) for one in order[place * size : (place + 1) * size]]


def _prepared(model: Any, recipe: Recipe) -> Any:
    """Gradients only where the recipe says; with low-rank updates, wrapped by peft."""
    body = anatomy(model)
    model.requires_grad_(False)
    names = {name for part in recipe.parts for name, _ in body.parameters(part)}
    if not recipe.lora:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(name in names)
        return model
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise MissingExtra("peft", "tune", "train low-rank updates (--lora)") from None
    linear = [
        name
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and f"{name}.weight" in names
    ]
    config = LoraConfig(
        r=recipe.lora, lora_alpha=2 * recipe.lora, target_modules=linear, lora_dropout=0.0
    )
    return get_peft_model(model, config)


def _precision(device: Any) -> Any:
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", torch.bfloat16)
    return nullcontext()


def _save(path: Path, model: Any, optimiser: Any, number: int) -> None:
    """In one step: the old state stays until the new one is whole."""
    weights = {name: one for name, one in model.named_parameters() if one.requires_grad}
    temporary = path.with_suffix(".tmp")
    torch.save({"step": number, "weights": weights, "optimiser": optimiser.state_dict()}, temporary)
    os.replace(temporary, path)


def _resume(path: Path, model: Any, optimiser: Any) -> int:
    """Take up the state at `path`; the number of steps done."""
    if not path.exists():
        return 0
    state = torch.load(path, map_location=model.device, weights_only=True)
    known = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in state["weights"].items():
            known[name].copy_(value)
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])
