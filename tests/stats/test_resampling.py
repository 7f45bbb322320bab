"""The fast bootstrap is the ordinary bootstrap."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats as oracle

from snellen.stats import intervals, resampling
from snellen.stats.arrays import align

columns = st.integers(4, 30).flatmap(
    lambda n: st.tuples(
        *[st.lists(st.integers(-4, 9), min_size=n, max_size=n) for _ in range(3)],
        st.lists(st.integers(0, 3), min_size=n, max_size=n),
    )
)
ORACLES = {
    resampling.spearman: oracle.spearmanr,
    resampling.pearson: oracle.pearsonr,
    resampling.kendall: oracle.kendalltau,
}


@settings(derandomize=True, deadline=None)
@given(columns)
def test_correlation_from_counts_is_that_of_the_repeated_images(drawn):
    a, b, mos, counts = (np.array(column, float) for column in drawn)
    assume(min(len(set(x)) for x in (a, b, mos)) > 1)
    assume(counts.any())
    data = align([a, b], mos)
    times = counts.astype(np.int32)[data.position]
    repeated = np.repeat(np.arange(data.n), times)
    for make, scipys in ORACLES.items():
        found = make(data)(times[None])[0]
        for value, row in zip(found, data.scores, strict=True):
            x, y = row[repeated], data.mos[repeated]
            if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
                assert np.isnan(value)
            else:
                assert value == pytest.approx(scipys(x, y).statistic, abs=1e-9)


def test_scores_far_from_zero_keep_their_digits():
    rng = np.random.default_rng(0)
    mos = rng.normal(size=50)
    scores = 1e9 + mos + 0.5 * rng.normal(size=50)
    data = align([scores], mos)
    ones = np.ones((1, 50), np.int32)
    expected = oracle.pearsonr(data.scores[0] - 1e9, data.mos).statistic
    assert resampling.pearson(data)(ones)[0, 0] == pytest.approx(expected, abs=1e-7)


def test_clusters_are_drawn_whole_and_as_often_as_chance_has_it():
    clusters = np.repeat(np.arange(5), [1, 2, 3, 4, 5])
    draws = np.concatenate(list(resampling.cluster_draws(clusters, resamples=4000, seed=0)))
    for code in range(5):
        of_cluster = draws[:, clusters == code]
        assert (of_cluster == of_cluster[:, :1]).all()
    heads = draws[:, [0, 1, 3, 6, 10]]
    assert (heads.sum(axis=1) == 5).all()
    # Each cluster is drawn Binomial(5, 1/5) times: mean 1, variance 0.8.
    assert heads.mean(axis=0) == pytest.approx(np.ones(5), abs=0.05)
    assert heads.var(axis=0) == pytest.approx(np.full(5, 0.8), abs=0.07)


def test_the_number_of_resamples_at_once_changes_no_draw(monkeypatch):
    clusters = np.arange(50)
    whole = np.concatenate(list(resampling.cluster_draws(clusters, resamples=40, seed=5)))
    monkeypatch.setattr(resampling, "_BLOCK", 350)
    pieces = list(resampling.cluster_draws(clusters, resamples=40, seed=5))
    assert len(pieces) > 3
    assert (np.concatenate(pieces) == whole).all()


def test_jackknife_leaves_out_one_cluster_at_a_time():
    rng = np.random.default_rng(2)
    mos = rng.normal(size=24)
    labels = np.arange(24) // 3
    data = align([mos + rng.normal(size=24)], mos, labels)
    found = resampling.jackknife(resampling.pearson(data), data.clusters)
    for code in range(8):
        rest = data.clusters != code
        expected = oracle.pearsonr(data.scores[0][rest], data.mos[rest]).statistic
        assert found[code, 0] == pytest.approx(expected, abs=1e-12)


def test_bca_is_scipys():
    rng = np.random.default_rng(3)
    mos = rng.exponential(size=60)
    scores = mos + 0.6 * rng.exponential(size=60)
    data = align([scores], mos)
    statistic = resampling.pearson(data)
    value = oracle.pearsonr(scores, mos).statistic
    low, high = intervals.bca_interval(
        resampling.bootstrap(statistic, data.clusters, resamples=20_000)[:, 0],
        value,
        resampling.jackknife(statistic, data.clusters)[:, 0],
    )
    theirs = oracle.bootstrap(
        (scores, mos),
        lambda x, y: oracle.pearsonr(x, y).statistic,
        paired=True,
        vectorized=False,
        n_resamples=2500,
        method="BCa",
        rng=np.random.default_rng(4),
    ).confidence_interval
    assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=0.012)
    # Skewed data: the correction is not nothing.
    plain = intervals.percentile_interval(
        resampling.bootstrap(statistic, data.clusters, resamples=20_000)[:, 0], 60
    )
    assert abs(plain[0] - low) > 0.005


def test_leaving_out_blocks_gives_the_acceleration_of_single_images():
    rng = np.random.default_rng(6)
    mos = rng.exponential(size=4000)
    data = align([mos + rng.exponential(size=4000)], mos)
    statistic = resampling.pearson(data)

    def acceleration(left_out: np.ndarray) -> float:
        influence = left_out.mean() - left_out
        return float((influence**3).sum() / (6.0 * (influence**2).sum() ** 1.5))

    singles = resampling.jackknife(statistic, data.clusters, most=4000)[:, 0]
    blocks = resampling.jackknife(statistic, data.clusters)[:, 0]
    assert (singles.size, blocks.size) == (4000, 1000)
    assert acceleration(blocks) == pytest.approx(acceleration(singles), abs=0.01)


def test_jackknife_interval_of_the_mean_of_z_worked_by_hand():
    # Two units left out in turn give z of .9 and 1.1: error √(1/2·(.01 + .01)) = .1, t₁ = 12.7062.
    low, high = intervals.jackknife_interval(
        np.tanh(1.0), np.tanh(np.array([0.9, 1.1])), units=2, most=0.99
    )
    assert (low, high) == pytest.approx((np.tanh(1 - 1.27062), np.tanh(1 + 1.27062)), abs=1e-6)


def test_percentiles_are_widened_for_few_units_alone():
    replicates = np.linspace(0.0, 1.0, 100_001)
    assert intervals.percentile_interval(replicates, 10**6) == pytest.approx(
        (0.025, 0.975), abs=1e-4
    )
    # 10 units: t₉ = 2.262157, times √(10/9) 2.384521: tails of Φ(−2.384521) = .008551.
    assert intervals.percentile_interval(replicates, 10) == pytest.approx(
        (0.008551, 1 - 0.008551), abs=2e-5
    )
