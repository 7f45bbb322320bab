"""What `built-in-base` reads of distortions: words in the place of a picture.

The language models of real judges know from text what "blurred" is, whether or not their eyes ever
told them of blur; that is what tuning the vision path builds on (arXiv 2512.09573). A language
model that has read nothing has to be given that knowledge, and without a single distorted pixel:
where a picture's 49 tokens would be, it is given the embeddings of words that describe one, and
asked about it (ours).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from torch import Tensor, from_numpy

from runs.built_in_judge import content
from runs.built_in_judge import wordings as w
from runs.built_in_judge.packing import Ints, tokens
from runs.built_in_judge.questions import Facts, levels
from runs.built_in_judge.vision import TOKENS
from snellen.distortions import FAMILIES
from snellen.scorers.base import SEVERITY_WORDS

# Shares of the tokens: what it is, how strong, how good that is, and what else there is to see.
FAULT, STRENGTH, LEVEL, CONTENT = 0.45, 0.2, 0.15, 0.2


def told(model: Any, facts: Sequence[Facts], rng: np.random.Generator) -> Tensor:
    """(n, 49, width): descriptions of n pictures, as the language model is given pictures."""
    said: Tensor = model.get_input_embeddings()(
        from_numpy(np.stack([_words(f, rng) for f in facts]))
    )
    return said


def _words(facts: Facts, rng: np.random.Generator) -> Ints:
    """The tokens of 49 words that describe a picture, in any order."""
    strength = levels(float(facts.severity.max()), SEVERITY_WORDS[::-1])
    names = _names()
    counts = rng.multinomial(TOKENS, (FAULT, STRENGTH, LEVEL, CONTENT))
    fault = rng.choice(len(FAMILIES), counts[0], p=facts.families / facts.families.sum())
    said = [int(rng.choice(names[i])) for i in fault]
    for count, scale in zip(counts[1:3], (strength, levels(facts.worth)), strict=True):
        p = np.array(list(scale.values()))
        said += [tokens(str(word))[0] for word in rng.choice(list(scale), count, p=p / p.sum())]
    seen = tokens(f"{content.shown(facts.photo)} {content.colour(facts.thumb)}")
    said += rng.choice(seen, counts[3]).tolist()
    return np.array(said)[rng.permutation(TOKENS)]


@lru_cache(maxsize=1)
def _names() -> list[list[int]]:
    """For each family the tokens of its names, the first of them most often."""
    groups = [[*dict.fromkeys(names)] for names in zip(*w.FAMILY_NAMES, strict=True)]
    return [[tokens(word)[0] for word in [*names[:1] * 2, *names]] for names in groups]
