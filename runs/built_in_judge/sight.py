"""What the projector's tokens must already say, before the language model has read them.

The loss of the answers alone reaches the projector through everything in between, and in a training
of an hour little of it arrives. So the mean of a picture's projected tokens, read by the language
model's own last layer as if it were an answer, must name the level, the family and the strength of
the fault (ours). It is what the audit calls alignment, taught.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from runs.built_in_judge import wordings as w
from runs.built_in_judge.packing import tokens
from runs.built_in_judge.questions import Facts, levels, logistic
from snellen.distortions import FAMILIES
from snellen.scorers.base import SEVERITY_WORDS

_WORDS: tuple[tuple[str, ...], ...] = (w.LEVELS, FAMILIES, SEVERITY_WORDS, ("good", "poor"))


def aligned(model: Any, projected: Tensor, facts: Sequence[Facts]) -> Tensor:
    """The loss of (n, 49, width) projected tokens of n pictures, as `packing.look` gives them."""
    said = model.lm_head(model.model.language_model.norm(projected.float().mean(1)))
    wanted = zip(*map(_wanted, facts), strict=True)
    parts = [
        -(torch.tensor(np.float32(group)) * F.log_softmax(said[:, ids], 1)).sum(1).mean()
        for group, ids in zip(wanted, _ids(), strict=True)
    ]
    return torch.stack(parts).mean()


def _wanted(facts: Facts) -> list[list[float]]:
    """Probabilities of the words of each group of `_WORDS`."""
    strength = levels(float(facts.severity.max()), SEVERITY_WORDS[::-1])
    good = logistic((facts.worth - 0.5) / 0.11)
    return [
        list(levels(facts.worth).values()),
        facts.families.tolist(),
        [strength[word] for word in SEVERITY_WORDS],
        [good, 1 - good],
    ]


@lru_cache(maxsize=1)
def _ids() -> tuple[list[int], ...]:
    return tuple([tokens(word)[0] for word in words] for words in _WORDS)
