"""Prompts, and which of them begin alike.

Questions about the same images, in the same places, share everything up to where their words part:
that beginning, the trunk, goes through the model once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from snellen.judges.transformers_options import Tokens


@dataclass(frozen=True, eq=False)
class Prompt:
    """What the processor made of one question: model inputs of batch size 1.

    inputs : name → tensor; `input_ids` is (1, tokens).
    images : of each image in order, the digest of exactly what the vision encoder is given.
    tokens : of each image, its places in the prompt.
    last   : place of the last image token; −1 where there is none.
    """

    inputs: Mapping[str, Any]
    images: tuple[str, ...]
    tokens: tuple[int, ...]
    last: int

    @cached_property
    def ids(self) -> Tokens:
        return tuple(self.inputs["input_ids"][0].tolist())


@dataclass(frozen=True)
class Trunk:
    """A beginning that `members` (places in the list of prompts) share: their first `length`
    tokens. A prompt alone is its own trunk, to its end."""

    members: tuple[int, ...]
    length: int


def trunks(prompts: Sequence[Prompt], *, share: bool) -> list[Trunk]:
    """Every prompt in one trunk, the longest trunks first.

    share : False keeps each prompt apart.
    All images lie in the trunk, and of each prompt at least one token is left over, as the model
    must be asked something.
    """
    alike: dict[object, list[int]] = {}
    for place, prompt in enumerate(prompts):
        shared = share and prompt.last >= 0
        key = (prompt.images, prompt.ids[: prompt.last + 1]) if shared else place
        alike.setdefault(key, []).append(place)
    found = [_trunk(prompts, members) for members in alike.values()]
    flat = [trunk for several in found for trunk in several]
    return sorted(flat, key=lambda trunk: -trunk.length)


def _trunk(prompts: Sequence[Prompt], members: Sequence[int]) -> list[Trunk]:
    all_ids = [prompts[place].ids for place in members]
    alone = [Trunk((place,), len(ids)) for place, ids in zip(members, all_ids, strict=True)]
    if len(members) == 1:
        return alone
    length = 0
    for tokens in zip(*all_ids, strict=False):
        if len(set(tokens)) > 1:
            break
        length += 1
    length = min(length, *(len(ids) - 1 for ids in all_ids))
    # A prompt that ends in its last image leaves no token to go on with.
    return [Trunk(tuple(members), length)] if length > prompts[members[0]].last else alone
