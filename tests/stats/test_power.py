"""Power: the formula inverted, a brute-force check, and pilots that show nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen import stats
from snellen.errors import InputError, StatsError, TooFewRatings, UnknownName


def pilot(n: int, noises: tuple[float, float], seed: int = 0):
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=n)
    a, b = (quality + s * rng.normal(size=n) for s in noises)
    return a, b, quality + 0.3 * rng.normal(size=n)


def test_images_needed_worked_by_hand():
    # r = .8, .7, .6 between: r̄² = .5625, ψ = .6·(−.125) − .28125·(−.125 − .36) = .06140625,
    # s = ψ/.4375² = .320816, v = 2 − 2s = 1.358367; gap 1.098612 − .867301 = .231311
    # n = 3 + 1.358367·(2.801585/.231311)² = 202.26 → 203
    assert stats.images_needed(0.8, 0.7, 0.6, statistic="plcc") == 203
    # Ranks: v·(1 + .5625/2) → 3 + 199.26·1.28125 = 258.3 → 259
    assert stats.images_needed(0.8, 0.7, 0.6) == 259


def test_equal_scorers_are_never_told_apart():
    assert stats.images_needed(0.8, 0.8, 0.6) is None


@settings(derandomize=True, deadline=None)
@given(
    st.floats(0.1, 0.95),
    st.floats(0.01, 0.3),
    st.floats(0.0, 1.0),
    st.sampled_from([0.5, 0.8, 0.95]),
)
def test_a_detectable_difference_takes_the_images_it_was_asked_with(r, fall, alike, power):
    # Anything between the least that two scorers as good as r can correlate and almost 1.
    least = max(2 * r**2 - 1, r * (r - fall) - np.sqrt((1 - r**2) * (1 - (r - fall) ** 2)))
    most = r * (r - fall) + np.sqrt((1 - r**2) * (1 - (r - fall) ** 2))
    r_ab = least + (0.01 + 0.98 * alike) * (most - least)
    n = stats.images_needed(r, r - fall, r_ab, power=power)
    found = stats.detectable_difference(r, r_ab, n, power=power)
    assert found <= fall + 1e-9
    if n > 4:
        fewer = stats.detectable_difference(r, r_ab, n - 1, power=power)
        assert np.isnan(fewer) or fewer >= fall - 1e-9


def test_no_fall_shows_on_hardly_any_images():
    assert math.isnan(stats.detectable_difference(0.1, 0.0, 4, power=0.99))


def test_more_alike_scorers_and_larger_differences_need_fewer_images():
    needed = [stats.images_needed(0.8, 0.75, r_ab) for r_ab in (0.6, 0.75, 0.9)]
    assert needed == sorted(needed, reverse=True)
    needed = [stats.images_needed(0.8, low, 0.7) for low in (0.78, 0.75, 0.6)]
    assert needed == sorted(needed, reverse=True)
    needed = [stats.images_needed(0.8, 0.75, 0.7, power=p) for p in (0.5, 0.8, 0.95)]
    assert needed == sorted(needed)


@pytest.mark.parametrize("statistic", ["srcc", "plcc"])
def test_formula_bootstrap_and_experiments_agree_on_normal_data(statistic):
    found = stats.power_from_pilot(*pilot(800, (0.5, 0.6)), statistic=statistic)
    assert found.bootstrap == pytest.approx(found.images, rel=0.25)
    assert found.found == pytest.approx(0.8, abs=0.08)
    assert found.difference > 0
    assert found.n == 800


def test_the_order_of_rows_changes_nothing():
    a, b, mos = pilot(100, (0.5, 0.8))
    order = np.random.default_rng(1).permutation(100)
    assert stats.power_from_pilot(a, b, mos) == stats.power_from_pilot(
        a[order], b[order], mos[order]
    )


def test_clusters_ask_for_more_images_and_are_not_simulated():
    rng = np.random.default_rng(2)
    scene = np.repeat(np.arange(40), 8)
    mos = rng.normal(size=320)
    a, b = mos + 0.5 * rng.normal(size=320), mos + 0.7 * rng.normal(size=40)[scene]
    alone = stats.power_from_pilot(a, b, mos)
    together = stats.power_from_pilot(a, b, mos, clusters=scene)
    assert together.images == alone.images
    assert together.bootstrap > 1.5 * alone.bootstrap
    assert math.isnan(together.found)


def test_a_pilot_without_a_difference_says_so():
    a, _, mos = pilot(60, (0.5, 0.5))
    found = stats.power_from_pilot(a, np.exp(a), mos)
    assert (found.images, found.bootstrap) == (None, None)
    assert math.isnan(found.found)


def test_a_perfect_scorer_and_a_near_copy_are_no_trouble():
    a, b, mos = pilot(60, (0.5, 0.9))
    perfect = stats.power_from_pilot(mos, b, mos)
    assert perfect.images is None
    assert perfect.bootstrap == 4
    few = stats.power_from_pilot([1, 2, 3, 4], [1, 3, 2, 4], [1, 2, 3, 4])
    assert (few.images, few.bootstrap) == (None, None)
    copy = a.copy()
    copy[[0, 1]] = copy[[1, 0]]
    near = stats.power_from_pilot(a, copy, mos)
    assert near.images > 4
    assert 0.0 <= near.found <= 1.0 or math.isnan(near.found)


def test_missing_are_left_out_and_counted():
    a, b, mos = pilot(60, (0.5, 0.9))
    a[3], mos[8] = np.nan, np.nan
    found = stats.power_from_pilot(a, b, mos)
    assert (found.n, found.missing) == (58, 2)


def test_bad_requests_are_refused_by_name():
    with pytest.raises(StatsError, match=r"correlation of 1\.0"):
        stats.images_needed(1.0, 0.5, 0.5)
    with pytest.raises(StatsError, match=r"correlate 0\.9 and 0\.8 with the MOS cannot"):
        stats.images_needed(0.9, 0.8, 0.1)
    with pytest.raises(InputError, match=r"power of 80 at alpha 0\.05"):
        stats.images_needed(0.8, 0.5, 0.5, power=80)
    with pytest.raises(UnknownName, match="unknown statistic 'rmse'"):
        stats.images_needed(0.8, 0.5, 0.5, statistic="rmse")
    with pytest.raises(InputError, match="3 images"):
        stats.detectable_difference(0.8, 0.5, 3)
    with pytest.raises(TooFewRatings, match="4 are needed"):
        stats.power_from_pilot([1, 2, 3], [3, 1, 2], [1, 2, 3])


@pytest.mark.slow
@pytest.mark.parametrize("ranks", [True, False])
def test_the_promised_power_is_the_power_met(ranks):
    """Fresh normal data of the size the formula asks for: 80 ± 5 % of 1,000 experiments find it."""
    truth = np.array([[1.0, 0.7, 0.8], [0.7, 1.0, 0.7], [0.8, 0.7, 1.0]])  # a, b, MOS
    values = 6 / np.pi * np.arcsin(truth / 2) if ranks else truth
    statistic = "srcc" if ranks else "plcc"
    n = stats.images_needed(values[0, 2], values[1, 2], values[0, 1], statistic=statistic)
    rng = np.random.default_rng(8)
    factor = np.linalg.cholesky(truth)
    hits = 0
    for _ in range(1000):
        drawn = factor @ rng.normal(size=(3, n))
        if ranks:
            drawn = drawn.argsort(axis=1).argsort(axis=1)
        r = np.corrcoef(drawn)
        hits += stats.steiger(r[0, 2], r[1, 2], r[0, 1], n, ranks=ranks).p < 0.05
    assert hits / 1000 == pytest.approx(0.8, abs=0.05)
