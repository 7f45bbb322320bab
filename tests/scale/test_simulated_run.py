"""The simulation behind docs/plan.md: it keeps the rules of the real thing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runs.fifty_million import Plan, scenarios, simulate

SMALL = Plan(images=400_000, seconds=0.5, workers=16, part=128, per_machine=4)


def test_the_same_seed_is_the_same_run() -> None:
    plan = replace(SMALL, deaths=0.2, losses=0.1)
    assert simulate(plan, 3) == simulate(plan, 3)
    assert simulate(plan, 3) != simulate(plan, 4)


def test_without_failures_it_takes_what_the_formula_says() -> None:
    came = simulate(replace(SMALL, uneven=0.0))
    assert (came.lost, came.rounds, came.wasted) == (0, 1, 0)
    assert came.hours == pytest.approx(SMALL.hours(), rel=0.02)


@pytest.mark.parametrize("failing", [{"deaths": 0.5}, {"losses": 0.4}])
def test_failures_cost_about_what_the_formula_says(failing: dict[str, float]) -> None:
    plan = replace(SMALL, **failing)
    hours = sum(simulate(plan, seed).hours for seed in range(5)) / 5
    assert hours > plan.hours()
    assert hours == pytest.approx(plan.hours() / (1 - plan.overhead()), rel=0.06)


def test_larger_parts_lose_more_work() -> None:
    small = simulate(replace(SMALL, losses=0.5, part=32))
    large = simulate(replace(SMALL, losses=0.5, part=1024))
    assert small.wasted < large.wasted


def test_a_killed_command_costs_what_was_in_flight_and_the_taking_up() -> None:
    plan = replace(SMALL, kills=(1.0,), uneven=0.0)
    came = simulate(plan)
    assert came.lost == plan.workers
    assert came.rounds == 2
    assert came.hours == pytest.approx(plan.hours() + plan.taken_up / 3600, rel=0.03)


def test_every_scenario_ends() -> None:
    for plan in scenarios(SMALL).values():
        assert simulate(plan).hours >= SMALL.hours() * 0.95
