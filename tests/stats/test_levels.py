"""Soft five-level distributions: sums, means, the paper's own formula where it holds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import norm

from snellen.errors import InputError, StatsError
from snellen.stats.levels import expected_score, soft_levels

CENTRES = np.arange(1, 6)


@given(st.floats(1, 5), st.floats(0, 2), st.sampled_from(["cdf", "pdf"]))
def test_probabilities_sum_to_one_and_keep_the_mean(mos: float, std: float, density: str) -> None:
    levels = soft_levels([mos], [std], density=density)  # type: ignore[arg-type]
    assert (levels >= 0).all()
    assert levels.sum() == pytest.approx(1, abs=1e-12)
    assert expected_score(levels) == pytest.approx([mos], abs=1e-7)


@pytest.mark.parametrize(("mos", "std"), [(2.7, 0.9), (3.4, 1.0), (3.05, 0.8)])
@pytest.mark.parametrize("density", ["cdf", "pdf"])
def test_the_papers_adjustment_where_no_level_turns_negative(
    mos: float, std: float, density: str
) -> None:
    if density == "cdf":
        raw = norm.cdf(CENTRES + 0.5, mos, std) - norm.cdf(CENTRES - 0.5, mos, std)
    else:
        raw = norm.pdf(CENTRES, mos, std)
    # Σ(α p + β) = 1 and Σ c (α p + β) = MOS, solved as a pair of equations.
    alpha, beta = np.linalg.solve([[raw.sum(), 5], [raw @ CENTRES, 15]], [1, mos])
    expected = alpha * raw + beta
    assert (expected >= 0).all()
    found = soft_levels([mos], [std], density=density)  # type: ignore[arg-type]
    assert found[0] == pytest.approx(expected, abs=1e-9)


def test_cutting_negative_levels_would_lose_the_mean() -> None:
    mos, std = 4.6, 0.7
    raw = norm.cdf(CENTRES + 0.5, mos, std) - norm.cdf(CENTRES - 0.5, mos, std)
    alpha, beta = np.linalg.solve([[raw.sum(), 5], [raw @ CENTRES, 15]], [1, mos])
    cut = np.maximum(alpha * raw + beta, 0)
    assert cut @ CENTRES > mos + 0.05
    found = soft_levels([mos], [std])[0]
    assert found @ CENTRES == pytest.approx(mos)
    # Of all that keep the mean it is the nearest to the normal one: log-ratios lie on a line.
    assert np.diff(np.log(found / raw), 2) == pytest.approx([0, 0, 0], abs=1e-6)


@given(st.floats(1, 5), st.floats(0, 2))
@example(2.5, 1.0)  # the linear form leaves one level exactly nothing
def test_turning_the_scale_turns_the_levels(mos: float, std: float) -> None:
    straight, turned = soft_levels([mos], [std]), soft_levels([6 - mos], [std])
    assert turned[0, ::-1] == pytest.approx(straight[0], abs=1e-6)


def test_the_middle_is_no_exception() -> None:
    # At MOS 3 the paper's α is 0 / 0; its program then gives every level 0.2.
    around = soft_levels([2.9999, 3, 3.0001], [0.7] * 3)
    assert around[1] == pytest.approx((around[0] + around[2]) / 2, abs=1e-6)
    assert around[1].argmax() == 2


def test_small_spreads_share_the_two_nearest_levels() -> None:
    found = soft_levels([3.25, 1.0, 4.5], [0.0, 0.1, np.nan])
    assert found.tolist() == [[0, 0, 0.75, 0.25, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0.5, 0.5]]


def test_other_scales_and_missing_rows() -> None:
    here = soft_levels([2.5, np.nan], [0.8, 0.5])
    there = soft_levels([37.5, np.nan], [20.0, 12.5], scale=(0, 100))
    assert there[0] == pytest.approx(here[0])
    assert np.isnan(there[1]).all()
    assert expected_score(there[:1], (0, 100)) == pytest.approx([37.5])


def test_bad_input_is_named() -> None:
    with pytest.raises(StatsError, match="row 2 is off the scale 1 to 5"):
        soft_levels([3, 50], [1, 1])
    with pytest.raises(StatsError, match="std in row 1 is negative"):
        soft_levels([3], [-1])
    with pytest.raises(InputError, match="shapes"):
        soft_levels([3, 4], [1])
    with pytest.raises(InputError, match="density is 'beta'"):
        soft_levels([3], [1], density="beta")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no inside"):
        soft_levels([3], [1], scale=(5, 1))
    with pytest.raises(InputError, match="Give \\(n, 5\\)"):
        expected_score([0.2] * 5)
