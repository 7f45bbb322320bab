"""Conformal intervals hold what they promise, for any shape of error."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import InputError, NotFinite, TooFewRatings
from snellen.stats.conformal import conformal_quantile, covered, fewest_for


@pytest.mark.parametrize(("coverage", "fewest"), [(0.95, 19), (0.9, 9), (0.5, 1), (0.99, 99)])
def test_the_fewest_errors_are_those_of_the_rank(coverage: float, fewest: int) -> None:
    assert fewest_for(coverage) == fewest
    assert conformal_quantile(np.arange(fewest), coverage) == fewest - 1
    if fewest > 1:
        with pytest.raises(TooFewRatings, match=f"needs {fewest}"):
            conformal_quantile(np.arange(fewest - 1), coverage)


def test_the_rank_counts_the_value_to_come() -> None:
    errors = np.arange(1, 40)  # 39 errors: rank ⌈40 · 0.95⌉ = 38
    assert conformal_quantile(errors, 0.95) == 38
    assert conformal_quantile(-errors[::-1], 0.95) == 38
    assert conformal_quantile([*errors, float("nan")], 0.95) == 38


def test_between_two_ranks_it_is_read_off_the_line() -> None:
    errors = np.arange(36) ** 2  # 37 · 0.95 = 35.15: between the 35th, 34², and the 36th, 35²
    assert conformal_quantile(errors, 0.95) == pytest.approx(34**2 + 0.15 * (35**2 - 34**2))


@pytest.mark.parametrize("n", [20, 24, 36, 50, 119])
@pytest.mark.parametrize("draw", ["normal", "exponential", "uniform"])
def test_few_errors_do_not_cover_more_than_asked(draw: str, n: int) -> None:
    values = np.abs(getattr(np.random.default_rng(n), draw)(size=(4000, n + 50)))
    half = np.array([conformal_quantile(row[:n], 0.95) for row in values])
    share = (values[:, n:] <= half[:, None]).mean()
    # No density here rises, so at least 0.95; rounding the rank up would make 0.973 of 36
    assert 0.9475 <= share <= 0.965


@pytest.mark.parametrize("draw", ["normal", "exponential", "standard_cauchy"])
def test_coverage_of_a_new_value_is_nominal_for_any_distribution(draw: str) -> None:
    rng = np.random.default_rng(7)
    values = getattr(rng, draw)(size=(4000, 40))
    half = np.array([conformal_quantile(row[:-1], 0.9) for row in values])
    # Exactly ⌈40 · 0.9⌉ / 40 = 0.9; three standard errors of 4,000 draws are 0.014.
    assert np.mean(np.abs(values[:, -1]) <= half) == pytest.approx(0.9, abs=0.0145)


@given(st.lists(st.floats(0, 1e6), min_size=19, max_size=60), st.floats(0.5, 0.95))
def test_more_coverage_never_narrows(errors: list[float], coverage: float) -> None:
    assert conformal_quantile(errors, coverage) <= conformal_quantile(errors, 0.95)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(InputError, match="confidence"):
        fewest_for(1.0)
    with pytest.raises(NotFinite):
        conformal_quantile([float("inf")] * 30, 0.9)
    with pytest.raises(TooFewRatings):
        covered([0.0], [1.0], [float("nan")])


def test_the_share_covered_has_wilsons_interval() -> None:
    share, low, high = covered(np.zeros(10), np.ones(10), [0.5] * 8 + [2.0, -1.0])
    assert share == 0.8
    # Wilson 1927 for 8 of 10
    assert (low, high) == (pytest.approx(0.490, abs=1e-3), pytest.approx(0.943, abs=1e-3))
    assert covered([0.0], [1.0], [1.0])[0] == 1.0
