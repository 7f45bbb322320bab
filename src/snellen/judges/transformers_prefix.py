"""Read the probability of token sequences after a prompt; prompts that begin alike begin once.

Prompts are run one at a time, without padding: a question's answer cannot depend on its
neighbours, whatever the family does with masks and positions. The work that is shared is the part
that costs: images and all text up to where the prompts part are encoded once, and the cache of keys
and values is copied for each.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from snellen.judges.transformers_options import Tokens, longest


@dataclass(frozen=True, eq=False)
class Prompt:
    """What the processor made of one question: model inputs of batch size 1.

    inputs : name → tensor; `input_ids` is (1, tokens).
    images : hashes of the images, in order.
    last   : place of the last image token; −1 where there is none.
    """

    inputs: Mapping[str, Any]
    images: tuple[str, ...]
    last: int

    @property
    def ids(self) -> Tokens:
        return tuple(self.inputs["input_ids"][0].tolist())


def shared_length(prompts: Sequence[Prompt]) -> int:
    """How many first tokens all prompts have in common, all images among them; 0 for nothing to
    share. One token of each is left over, as the model must be asked something."""
    first = prompts[0]
    if len(prompts) < 2 or first.last < 0 or any(one.images != first.images for one in prompts):
        return 0
    length = 0
    for places in zip(*(prompt.ids for prompt in prompts), strict=False):
        if len(set(places)) > 1:
            break
        length += 1
    length = min(length, *(len(prompt.ids) - 1 for prompt in prompts))
    return length if length > first.last else 0


@torch.inference_mode()
def read(
    model: Any, prompts: Sequence[Prompt], sequences: Sequence[Sequence[Tokens]]
) -> list[dict[Tokens, float]]:
    """For each prompt: sequence (and each beginning of it) → its log-probability after the prompt.

    prompts   : those that share their images should come together; see `shared_length`.
    sequences : for each prompt.
    """
    length = shared_length(prompts)
    if not length:
        return [
            _one(model, prompt, ways, None, 0)
            for prompt, ways in zip(prompts, sequences, strict=True)
        ]
    _forget_positions(model)
    begun = model(**_cut(prompts[0], length), use_cache=True, logits_to_keep=1).past_key_values
    return [
        _one(model, prompt, ways, copy.deepcopy(begun), length)
        for prompt, ways in zip(prompts, sequences, strict=True)
    ]


def _one(
    model: Any, prompt: Prompt, sequences: Sequence[Tokens], cache: Any, start: int
) -> dict[Tokens, float]:
    """Sequences after one prompt, whose first `start` tokens are in `cache`."""
    if cache is None:
        _forget_positions(model)
        out = model(**prompt.inputs, use_cache=True, logits_to_keep=1)
    else:
        rest = prompt.inputs["input_ids"][:, start:]
        out = model(input_ids=rest, past_key_values=cache, use_cache=True, logits_to_keep=1)
    first = _logprobs(out.logits)[-1]
    found: dict[Tokens, float] = {}
    for way in longest(sequences):
        total = float(first[way[0]])
        found[way[:1]] = total
        if len(way) == 1:
            continue
        said = torch.tensor([way[:-1]], device=model.device)
        more = model(
            input_ids=said, past_key_values=copy.deepcopy(out.past_key_values), use_cache=True
        )
        rows = _logprobs(more.logits)
        for place, token in enumerate(way[1:]):
            total += float(rows[place, token])
            found[way[: place + 2]] = total
    return found


def _logprobs(logits: Any) -> Any:
    """(tokens, vocabulary) in double precision, so that reading adds no error of its own."""
    return torch.log_softmax(logits[0].double(), dim=-1)


def _cut(prompt: Prompt, length: int) -> dict[str, Any]:
    """The inputs with everything that goes by token cut after `length` of them."""
    shape = prompt.inputs["input_ids"].shape
    return {
        name: value[:, :length] if getattr(value, "shape", None) == shape else value
        for name, value in prompt.inputs.items()
    }


def _forget_positions(model: Any) -> None:
    """Qwen's models keep the last prompt's offset of positions; a prompt without images would go on
    with it."""
    if hasattr(model.model, "rope_deltas"):
        model.model.rope_deltas = None
