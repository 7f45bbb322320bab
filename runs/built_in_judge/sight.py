"""What the projector's tokens must already say, before the language model has read them.

The loss of the answers alone reaches the projector through everything in between, and in a training
of an hour little of it arrives. So the mean of a picture's projected tokens, read by the language
model's own last layer as if it were an answer, must name what the judge is to know: `built-in` the
level, the family and the strength of the fault; `built-in-base` its own level, which leans on
content, and class and colour (ours). It is what the audit calls alignment, taught. And photos must
be told apart by that mean (`Whole`): a language model of five layers asks no more of two pictures
when it is to say whether they show the same object.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runs.built_in_judge import content, lessons
from runs.built_in_judge import wordings as w
from runs.built_in_judge.checkpoint import WIDTH
from runs.built_in_judge.packing import tokens
from runs.built_in_judge.questions import Facts, levels, logistic
from snellen.distortions import FAMILIES
from snellen.scorers.base import SEVERITY_WORDS

_SAID: dict[str, tuple[tuple[str, ...], ...]] = {
    "built-in": (w.LEVELS, ("good", "poor"), FAMILIES, SEVERITY_WORDS),
    "built-in-base": (w.LEVELS, ("good", "poor"), content.COLOURS),
}


class Whole(nn.Module):
    """Tokens (n, 49, `WIDTH`) → an embedding (n, 64) of their mean; only training needs it."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(WIDTH, 64)

    def forward(self, projected: Tensor) -> Tensor:
        embedding: Tensor = self.out(projected.float().mean(1))
        return embedding


def aligned(name: str, model: Any, projected: Tensor, facts: Sequence[Facts]) -> Tensor:
    """The loss of (n, 49, width) projected tokens of n pictures, as `packing.look` gives them.

    name : of the judge.
    """
    said = model.lm_head(model.model.language_model.norm(projected.float().mean(1)))
    wanted = zip(*(_wanted(name, one) for one in facts), strict=True)
    parts = [
        -(torch.tensor(np.float32(group)) * F.log_softmax(said[:, ids], 1)).sum(1).mean()
        for group, ids in zip(wanted, _ids(name), strict=True)
    ]
    return torch.stack(parts).mean()


def _wanted(name: str, facts: Facts) -> list[list[float]]:
    """Probabilities of the words of each group of `_SAID`."""
    if name == "built-in-base":
        colour = content.colour(facts.thumb)
        others = [[float(one == colour) for one in content.COLOURS]]
        facts = lessons.lean(facts)
    else:
        strength = levels(float(facts.severity.max()), SEVERITY_WORDS[::-1])
        others = [facts.families.tolist(), [strength[word] for word in SEVERITY_WORDS]]
    good = logistic((facts.worth - 0.5) / 0.11)
    return [list(levels(facts.worth).values()), [good, 1 - good], *others]


@lru_cache(maxsize=2)
def _ids(name: str) -> tuple[list[int], ...]:
    return tuple([tokens(word)[0] for word in words] for words in _SAID[name])
