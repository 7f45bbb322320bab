"""RMSE and outlier ratio: hand-worked, labelled, and refusing what they cannot judge."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as oracle

from snellen import stats
from snellen.errors import StatsError, TooFewRatings
from snellen.stats.prediction import mos_half_width


def test_rmse_worked_by_hand():
    found = stats.rmse([1, 2, 3, 5], [1, 3, 3, 3], mapping=None)
    assert found.value == pytest.approx(math.sqrt((0 + 1 + 0 + 4) / 4))
    assert (found.mapping, found.fit, found.n) == ("none", "raw", 4)


def test_rmse_after_a_linear_map_is_the_residual_error():
    rng = np.random.default_rng(0)
    mos = rng.normal(size=200)
    scores = 40 + 7 * (mos + 0.5 * rng.normal(size=200))
    r = oracle.pearsonr(scores, mos).statistic
    inside = stats.rmse(scores, mos, mapping="linear", cross_fit=False)
    assert inside.value == pytest.approx(mos.std() * math.sqrt(1 - r**2))
    across = stats.rmse(scores, mos, mapping="linear")
    assert across.value > inside.value
    assert (inside.fit, across.fit) == ("in-sample", "cross-fitted")
    assert across.low < across.value < across.high


def test_width_of_a_mos_is_students_t_under_30_votes_and_normal_from_there():
    half = mos_half_width([1.0, 1.0, 1.0], [4, 29, 30], 3)
    assert half[0] == pytest.approx(oracle.t.ppf(0.975, 3) / 2.0)
    assert half[1] == pytest.approx(oracle.t.ppf(0.975, 28) / math.sqrt(29))
    assert half[2] == pytest.approx(1.96 / math.sqrt(30))


def test_outlier_ratio_worked_by_hand():
    # 16 votes: t = 2.13145, half-widths .5329·std; errors .5, .6, 1.0, .1
    mos = np.array([1.0, 2.0, 3.0, 4.0])
    predicted = mos + np.array([0.5, 0.6, -1.0, 0.1])
    found = stats.outlier_ratio(predicted, mos, [1, 1, 1, 0], 16)
    assert found.value == pytest.approx(3 / 4)
    assert found.low <= 0.75 <= found.high


def test_images_without_votes_are_left_out_and_counted():
    mos = np.arange(6.0)
    std = [1, 1, 1, np.nan, 1, 1]
    votes = [9, 9, None, 9, 9, 9]
    found = stats.outlier_ratio(mos + np.array([0, 0, 9, 9, 9, 0]), mos, std, votes)
    assert (found.n, found.missing) == (4, 2)
    assert found.value == pytest.approx(1 / 4)


def test_the_interval_of_the_ratio_covers_like_a_proportion():
    rng = np.random.default_rng(1)
    mos = rng.uniform(1, 5, 1000)
    out = rng.random(1000) < 0.3
    found = stats.outlier_ratio(mos + np.where(out, 2.0, 0.0), mos, np.ones(1000), 30)
    half = 1.96 * math.sqrt(out.mean() * (1 - out.mean()) / 1000)
    assert (found.low, found.high) == pytest.approx(
        (out.mean() - half, out.mean() + half), abs=0.005
    )


def test_bad_votes_are_refused_by_name():
    mos = np.arange(4.0)
    with pytest.raises(TooFewRatings, match="1 images have under 2 votes, the first at position 2"):
        stats.outlier_ratio(mos, mos, np.ones(4), [5, 5, 1, 5])
    with pytest.raises(StatsError, match="deviation at position 1 is -1"):
        stats.outlier_ratio(mos, mos, [1, -1, 1, 1], 5)
    with pytest.raises(StatsError, match="4 MOS values, 3 standard deviations"):
        stats.outlier_ratio(mos, mos, np.ones(3), 5)
