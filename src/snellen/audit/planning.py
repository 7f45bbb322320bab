"""How many steps fit into the minutes that are given to a tuning.

A few steps of every combination are timed on a copy of the judge, as is the audit that was done
already; what the audits to come leave is shared out so that every combination gets as many steps.
"""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from snellen.audit.material import Pixels
from snellen.audit.parts import Part, white_box
from snellen.judges import load_judge

if TYPE_CHECKING:
    from snellen.audit.training import Example, Recipe

FEWEST = 20  # steps that are made, however short the time: fewer would be a warm-up only
_TIMED = 3  # steps, after one that finds everything cold


@dataclass(frozen=True)
class Cost:
    """Seconds that a combination takes: one `step`, and all its examples `once`."""

    step: float
    once: float


@dataclass(frozen=True)
class Plan:
    """steps : for each combination. seconds : what is expected to be taken, audits included."""

    steps: int
    seconds: float

    def told(self, minutes: float, combinations: int) -> str:
        """What was planned, in words; `minutes` were given."""
        each = f"{self.steps:,} steps for each of {combinations} combinations of parts"
        if self.seconds <= 60 * minutes:
            return f"planned: {each}, about {self.seconds / 60:.0f} of {minutes:g} minutes"
        return (
            f"planned: {each}, the fewest that make sense: about {self.seconds / 60:.0f} minutes,"
            f" more than the {minutes:g} given"
        )


def plan(costs: Sequence[Cost], audit: float, left: float) -> Plan:
    """Share out `left` seconds. audit : seconds of the audit that follows each combination."""
    fixed = sum(cost.once + audit for cost in costs)
    each = sum(cost.step for cost in costs)
    steps = max(int((left - fixed) / each), FEWEST)
    return Plan(steps, fixed + steps * each)


def measured(
    judge: str,
    parts: tuple[Part, ...],
    examples: Sequence[Example],
    picture: Callable[[str], Pixels],
    recipe: Recipe,
    options: dict[str, Any],
) -> Cost:
    """What a combination costs, from a few steps over the same pictures on a copy of the judge."""
    from snellen.audit.training import train

    loaded = load_judge(judge, **options)
    opened = white_box(loaded)
    tried = replace(recipe, parts=parts, steps=1 + _TIMED)
    times = [time.perf_counter()]
    with tempfile.TemporaryDirectory() as folder:
        train(
            opened.model.float(), opened.processor, examples[: recipe.batch], picture, tried,
            Path(folder) / "state.pt", prefill=loaded.can.prefill,
            step=lambda number, loss: times.append(time.perf_counter()),
        )  # fmt: skip
    first, *rest = [after - before for before, after in itertools.pairwise(times)]
    step = median(rest)
    # Where the encoder is frozen, the first step also encodes its pictures, for all later ones.
    frozen = "vision" not in parts
    once = max(first - step, 0.0) / recipe.batch * len(examples) if frozen else 0.0
    return Cost(step, once)
