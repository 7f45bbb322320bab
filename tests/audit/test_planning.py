"""How many steps fit into the minutes given: arithmetic, told in words."""

from __future__ import annotations

import pytest

from snellen.audit.planning import FEWEST, Cost, plan


def test_every_combination_gets_as_many_steps_as_fit() -> None:
    costs = [Cost(step=1.0, once=0.0), Cost(step=0.5, once=20.0)]
    found = plan(costs, audit=30.0, left=680.0)
    assert found.steps == 400  # 680 − 2 · 30 − 20 seconds, 1.5 a step of both
    assert found.seconds == pytest.approx(680.0)
    assert found.told(12, 2) == (
        "planned: 400 steps for each of 2 combinations of parts, about 11 of 12 minutes"
    )


@pytest.mark.parametrize("left", [60.0, 0.0, -500.0])
def test_too_short_a_time_is_told_and_not_a_training_of_nothing(left: float) -> None:
    found = plan([Cost(step=10.0, once=0.0)], audit=50.0, left=left)
    assert found.steps == FEWEST
    assert found.seconds == 50.0 + 10.0 * FEWEST > left
    assert "the fewest that make sense: about 4 minutes, more than the 1 given" in found.told(1, 1)


def test_more_time_never_means_fewer_steps() -> None:
    costs = [Cost(0.7, 3.0)] * 7
    steps = [plan(costs, 12.0, left).steps for left in range(0, 3000, 50)]
    assert steps == sorted(steps)
    assert steps[-1] > steps[0]
