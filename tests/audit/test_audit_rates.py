"""Shares and ratios with intervals by reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.audit.rates import Resampling, mean, share, signed

BITS = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=1, max_size=60)


def test_share_of_independent_pictures_is_wilsons() -> None:
    from scipy.special import stdtrit

    hits = [True] * 30 + [False] * 10
    found = share(hits, [str(number) for number in range(40)])
    # One picture a reference: the effective size is n − 1 over p(1 − p), Wilson's by hand.
    size, p, z2 = 39.0, 0.75, float(stdtrit(39, 0.975)) ** 2
    centre = (p + z2 / (2 * size)) / (1 + z2 / size)
    half = math.sqrt(z2 * (p * (1 - p) + z2 / (4 * size)) / size) / (1 + z2 / size)
    assert found.value == 0.75
    assert (found.low, found.high) == pytest.approx((centre - half, centre + half), abs=1e-12)


def test_pictures_of_one_reference_are_no_more_evidence_than_one() -> None:
    apart = share([True, False] * 20, [str(number) for number in range(40)])
    together = share([True] * 20 + [False] * 20, [str(number // 5) for number in range(40)])
    assert together.value == apart.value == 0.5
    assert together.high - together.low > 2 * (apart.high - apart.low)


def test_a_perfect_share_keeps_a_width() -> None:
    found = share([True] * 50, [str(number % 10) for number in range(50)])
    assert found.value == found.high == 1.0
    assert 0.5 < found.low < 0.8  # what ten photos can say, not what fifty could


def test_one_reference_says_nothing_and_no_picture_less() -> None:
    assert (share([True] * 9, ["a"] * 9).low, share([True] * 9, ["a"] * 9).high) == (0.0, 1.0)
    assert math.isnan(share([], []).value)
    assert math.isnan(mean([], []).value)
    assert math.isnan(mean([math.nan], ["a"]).value)


@given(BITS)
def test_a_share_lies_in_its_interval(pairs: list[tuple[bool, int]]) -> None:
    found = share([hit for hit, _ in pairs], [str(ref) for _, ref in pairs])
    assert 0 <= found.low <= found.value + 1e-12
    assert found.value <= found.high + 1e-12 <= 1 + 1e-9


def test_mean_counts_each_reference_once() -> None:
    found = mean([1.0, 1.0, 1.0, 4.0, math.nan], ["a", "a", "a", "b", "b"])
    assert found.value == 2.5
    assert found.n == 4
    assert mean([3.0, 3.0], ["a", "a"]).n == 2
    assert math.isnan(mean([3.0, 3.0], ["a", "a"]).low)


def test_signed_stays_inside_and_keeps_a_width() -> None:
    found = signed([1.0, 1.0, 1.0, math.nan, 1.0], list("abcde"))
    assert (found.value, found.high, found.n) == (1.0, 1.0, 4)
    assert -1 <= found.low < 1
    assert signed([-1.0, 1.0], ["a", "b"]).value == 0.0


def test_resampled_ratio_is_the_ratio_itself_first() -> None:
    rng = np.random.default_rng(0)
    part, whole = rng.random(30), rng.random(30)
    resampling = Resampling([str(number // 3) for number in range(30)])
    values = resampling.ratio(part, whole)
    assert values[0] == pytest.approx(part.sum() / whole.sum())
    assert np.std(values[1:]) > 0
    assert np.isnan(resampling.ratio(part, np.zeros(30))).all()


def test_resampled_interval_of_a_mean_is_students() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=40)
    names = [str(number) for number in range(40)]
    resampling = Resampling(names)
    by_draws = resampling.rate(resampling.ratio(values, np.ones(40)), 40)
    by_formula = mean(values, names)
    assert by_draws.value == pytest.approx(by_formula.value)
    assert by_draws.high - by_draws.low == pytest.approx(by_formula.high - by_formula.low, rel=0.08)


def test_resampling_is_the_same_every_time() -> None:
    names = list("aabbccdd")
    first, second = (Resampling(names).ratio(range(8), [1] * 8) for _ in range(2))
    assert (first == second).all()


def test_plain_has_no_nan() -> None:
    assert mean([], []).plain() == {"value": None, "low": None, "high": None, "n": 0}
