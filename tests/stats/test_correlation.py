"""SRCC, KRCC, PLCC: against scipy, on real logits, on bad input, and as properties."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import stats as oracle

from snellen import stats
from snellen.errors import (
    ConstantValues,
    InputError,
    NotFinite,
    StatsError,
    TooFewRatings,
    UnknownName,
)

LOGITS = (
    Path(__file__).parents[2] / "../shared/data/logits/qwen-vl_live-challenge.jsonl"
).resolve()

# Whole numbers give ties; a short list of them gives many.
paired = st.integers(5, 40).flatmap(
    lambda n: st.tuples(
        st.lists(st.integers(0, 12), min_size=n, max_size=n),
        st.lists(st.integers(0, 12), min_size=n, max_size=n),
    )
)


def varied(pair: tuple[list[int], list[int]]) -> bool:
    return len(set(pair[0])) > 1 and len(set(pair[1])) > 1


def sample(n: int, noise: float = 1.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    mos = rng.normal(size=n)
    return mos + noise * rng.normal(size=n), mos


@settings(derandomize=True, deadline=None)
@given(paired)
def test_values_are_scipys_with_ties(pair):
    assume(varied(pair))
    scores, mos = pair
    assert stats.srcc(scores, mos).value == pytest.approx(
        oracle.spearmanr(scores, mos).statistic, abs=1e-12
    )
    assert stats.plcc(scores, mos).value == pytest.approx(
        oracle.pearsonr(scores, mos).statistic, abs=1e-12
    )
    assert stats.krcc(scores, mos).value == pytest.approx(
        oracle.kendalltau(scores, mos).statistic, abs=1e-12
    )


@settings(derandomize=True, deadline=None)
@given(paired, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(pair, random):
    assume(varied(pair))
    order = list(range(len(pair[0])))
    random.shuffle(order)
    scores, mos = (np.array(side, float) for side in pair)
    labels = np.arange(scores.size) // 2
    assume(labels.max() >= 2)
    for statistic in (stats.srcc, stats.plcc):
        try:
            straight = statistic(scores, mos, clusters=labels, resamples=50)
        except TooFewRatings:
            with pytest.raises(TooFewRatings):
                statistic(scores[order], mos[order], clusters=labels[order], resamples=50)
            continue
        shuffled = statistic(scores[order], mos[order], clusters=labels[order], resamples=50)
        assert shuffled.value == pytest.approx(straight.value, abs=1e-12)
        assert (shuffled.low, shuffled.high) == pytest.approx(
            (straight.low, straight.high), abs=1e-9
        )


@settings(derandomize=True, deadline=None)
@given(paired)
def test_ranks_ignore_a_monotone_change_of_scale(pair):
    assume(varied(pair))
    scores, mos = (np.array(side, float) for side in pair)
    bent = np.exp(scores / 3.0) - 7.0
    for statistic in (stats.srcc, stats.krcc):
        plain, other = statistic(scores, mos), statistic(bent, mos)
        assert (other.value, other.low, other.high) == (plain.value, plain.low, plain.high)


@settings(derandomize=True, deadline=None)
@given(paired)
def test_swapping_sides_changes_nothing_and_negating_changes_the_sign(pair):
    assume(varied(pair))
    scores, mos = pair
    for statistic in (stats.srcc, stats.krcc, stats.plcc):
        there = statistic(scores, mos)
        assert statistic(mos, scores).value == pytest.approx(there.value, abs=1e-12)
        back = statistic(np.negative(scores), mos)
        assert back.value == pytest.approx(-there.value, abs=1e-12)
        assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-9)


def test_qwen_vl_on_live_challenge_as_published():
    if not LOGITS.exists():
        pytest.skip("the Qwen-VL logits of Q-Bench are not in ../shared/data")
    rows = [json.loads(line) for line in LOGITS.read_text().splitlines()]
    good, poor, mos = (
        np.array([row[key] for row in rows]) for key in ("logit_good", "logit_poor", "mos")
    )
    score = 1.0 / (1.0 + np.exp((poor - good) / 100.0))
    assert f"{stats.srcc(score, mos).value:.3f}" == "0.504"
    assert f"{stats.plcc(score, mos).value:.3f}" == "0.532"


def test_intervals_by_formula_worked_by_hand():
    # r = 0.5, n = 103: atanh r = 0.549306, half-width 1.959964/√100 = 0.1959964.
    low, high = stats.intervals.pearson_interval(0.5, 103)
    assert (low, high) == pytest.approx((np.tanh(0.3533097), np.tanh(0.7453025)), abs=1e-6)
    # Spearman: half-width times √(1 + 0.25/2) = 1.060660 → 0.2078856.
    low, high = stats.intervals.spearman_interval(0.5, 103)
    assert (low, high) == pytest.approx((np.tanh(0.3414205), np.tanh(0.7571917)), abs=1e-6)
    # Kendall: half-width 1.959964·√(0.437/99) = 0.1302182.
    low, high = stats.intervals.kendall_interval(0.5, 103)
    assert (low, high) == pytest.approx((np.tanh(0.4190879), np.tanh(0.6795243)), abs=1e-6)


def test_three_images_leave_the_interval_open():
    found = stats.srcc([1, 3, 2], [1, 2, 3])
    assert (found.low, found.high, found.n) == (-1.0, 1.0, 3)


@pytest.mark.parametrize("statistic", [stats.srcc, stats.krcc])
def test_perfect_order_is_not_perfect_certainty(statistic):
    up = statistic(np.arange(10), np.arange(10) ** 2)
    assert up.value == up.high == 1.0
    assert 0.5 < up.low < 1.0
    down = statistic(-np.arange(10), np.arange(10))
    assert (down.low, down.high) == (-1.0, pytest.approx(-up.low))


def test_missing_are_left_out_and_counted():
    scores, mos = sample(30)
    full = stats.srcc(scores[:25], mos[:25])
    holed = scores.copy()
    holed[25:28] = np.nan
    opinions = [None if i >= 28 else float(m) for i, m in enumerate(mos)]
    found = stats.srcc(holed, opinions)
    assert (found.n, found.missing) == (25, 5)
    assert found.value == pytest.approx(full.value)
    assert "25, 5 missing" in str(found)


def test_masked_entries_are_missing():
    scores, mos = sample(20)
    masked = np.ma.masked_greater(scores, 1.0)
    found = stats.srcc(masked, mos)
    assert found.missing == masked.mask.sum() > 0
    assert found.value == pytest.approx(stats.srcc(scores[scores <= 1], mos[scores <= 1]).value)


@pytest.mark.parametrize("size", [1e-300, 1e-9, 1e9, 1e300])
def test_no_size_of_score_overflows(size):
    scores, mos = sample(30)
    plain, large = stats.plcc(scores, mos), stats.plcc(size * scores, mos)
    assert large.value == pytest.approx(plain.value)
    mapped = stats.plcc(size * scores, mos, mapping="logistic4")
    assert mapped.value == pytest.approx(
        stats.plcc(scores, mos, mapping="logistic4").value, abs=1e-4
    )


def test_reversed_scores_are_flagged_only_when_that_is_sure():
    scores, mos = sample(200)
    assert stats.srcc(-scores, mos).reversed
    assert not stats.srcc(scores, mos).reversed
    unsure = stats.srcc([4, 1, 3, 2], [1, 2, 3, 4])
    assert unsure.value < 0
    assert not unsure.reversed


@pytest.mark.parametrize("interval", ["jackknife", "percentile", "bca"])
def test_resampling_and_formula_agree_on_many_normal_images(interval):
    scores, mos = sample(400)
    for statistic in (stats.srcc, stats.plcc, stats.krcc):
        formula = statistic(scores, mos)
        drawn = statistic(scores, mos, interval=interval, resamples=400)
        assert (drawn.low, drawn.high) == pytest.approx((formula.low, formula.high), abs=0.02)
        words = "jackknife of" if interval == "jackknife" else "400 resamples of"
        assert f"{words} 400 images" in drawn.method


def test_clusters_widen_the_interval_of_images_that_go_together():
    rng = np.random.default_rng(1)
    scene = np.repeat(np.arange(30), 10)
    mos = rng.normal(size=30)[scene] + 0.1 * rng.normal(size=300)
    scores = mos + rng.normal(size=30)[scene] + 0.1 * rng.normal(size=300)
    alone = stats.srcc(scores, mos)
    together = stats.srcc(scores, mos, clusters=[f"scene {s}" for s in scene])
    assert together.value == alone.value
    assert together.high - together.low > 2.0 * (alone.high - alone.low)
    assert "30 clusters" in together.method


def test_the_same_seed_gives_the_same_interval_and_another_seed_another():
    scores, mos = sample(60)
    first, again, other = (
        stats.srcc(scores, mos, interval="bca", resamples=200, seed=s) for s in (3, 3, 4)
    )
    assert first == again
    assert first.low != other.low


def test_clusters_in_perfect_order_are_not_perfect_certainty():
    found = stats.srcc(np.arange(30), np.arange(30), clusters=np.arange(30) // 5)
    assert found.value == found.high == 1.0
    assert found.low == stats.srcc(np.arange(6), np.arange(6)).low < 0.95


def test_confidence_widens():
    scores, mos = sample(60)
    narrow, wide = (stats.srcc(scores, mos, confidence=c) for c in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.high < wide.high


@pytest.mark.parametrize(
    ("scores", "mos", "error", "says"),
    [
        ([1, 2], [1, 2], TooFewRatings, "2 images have both a score and a MOS"),
        ([1, 2, np.nan, np.nan], [1, 2, 3, 4], TooFewRatings, "4 given"),
        ([5, 5, 5, 5], [1, 2, 3, 4], ConstantValues, "all 4 scores are 5"),
        ([1, 2, 3, 4], [2, 2, 2, 2], ConstantValues, "MOS values are 2"),
        ([1, 2, np.inf, -np.inf], [1, 2, 3, 4], NotFinite, "2 of 4 scores are infinite"),
        ([1, 2, 3], [1, 2, np.inf], NotFinite, "first at position 2"),
        ([1, 2, 3, 4], [1, 2, 3], StatsError, "4 scores and 3 MOS"),
        (["a", "b", "c"], [1, 2, 3], StatsError, "not all numbers"),
        ([[1, 2, 3]], [1, 2, 3], StatsError, r"shape \(1, 3\)"),
    ],
)
def test_bad_input_is_refused_by_name(scores, mos, error, says):
    for statistic in (stats.srcc, stats.krcc, stats.plcc):
        with pytest.raises(error, match=says) as caught:
            statistic(scores, mos)
        assert "\n" not in str(caught.value)
        assert caught.value.fix


def test_bad_options_are_refused_by_name():
    scores, mos = sample(20)
    with pytest.raises(UnknownName, match="'bca'"):
        stats.srcc(scores, mos, interval="bcaa")
    with pytest.raises(InputError, match="confidence of 95"):
        stats.srcc(scores, mos, confidence=95)
    with pytest.raises(StatsError, match="takes images as independent"):
        stats.srcc(scores, mos, clusters=np.arange(20) // 2, interval="analytic")
    with pytest.raises(InputError, match="39 bootstrap resamples"):
        stats.srcc(scores, mos, interval="bca", resamples=39)
    with pytest.raises(StatsError, match="19 cluster labels were given for 20"):
        stats.srcc(scores, mos, clusters=np.arange(19))
    with pytest.raises(StatsError, match=r"2 of 20 images have no cluster label.*position 4"):
        stats.srcc(scores, mos, clusters=[None if i in (4, 9) else f"r{i}" for i in range(20)])
    with pytest.raises(TooFewRatings, match="2 clusters, and 3 are needed"):
        stats.srcc(scores, mos, clusters=np.arange(20) // 10)


def test_a_bootstrap_whose_resamples_are_mostly_constant_is_refused():
    # One image differs in score, another in MOS: 6 resamples of 10 lack one of the two.
    scores, mos = np.ones(10), np.ones(10)
    scores[3], mos[7] = 2.0, 2.0
    with pytest.raises(TooFewRatings, match="of 2000 resamples are constant"):
        stats.srcc(scores, mos, interval="percentile")


@pytest.mark.slow
@pytest.mark.parametrize("rho", [0.0, 0.5, 0.9])
def test_formula_intervals_cover_as_often_as_they_say(rho):
    """Normal data: coverage within 2 points of 95 % (1,500 experiments: standard error 0.6)."""
    rng = np.random.default_rng(7)
    truth = {
        stats.plcc: rho,
        stats.srcc: 6.0 / np.pi * np.arcsin(rho / 2.0),
        stats.krcc: 2.0 / np.pi * np.arcsin(rho),
    }
    inside = dict.fromkeys(truth, 0)
    for _ in range(1500):
        x, e = rng.normal(size=(2, 80))
        y = rho * x + np.sqrt(1.0 - rho**2) * e
        for statistic, value in truth.items():
            found = statistic(x, y)
            inside[statistic] += found.low <= value <= found.high
    for statistic, hits in inside.items():
        assert abs(hits / 1500 - 0.95) < 0.02, (statistic.__name__, rho, hits / 1500)


@pytest.mark.slow
@pytest.mark.parametrize("scenes", [24, 60])
def test_clustered_intervals_cover_as_often_as_they_say(scenes):
    """Scenes that share an effect on both sides, as few as a usual test set has references.

    The default within 2 points of 95 %, and the 0.8 of one standard error of 800 experiments; the
    formulas, which take images as independent, far below.
    """
    rng = np.random.default_rng(11)
    per = 240 // scenes

    def draw(count: int) -> tuple[np.ndarray, np.ndarray]:
        effect = rng.normal(size=(count, 1))
        mos = effect + 0.5 * rng.normal(size=(count, per))
        noise = rng.normal(size=(count, 1)) + 0.3 * rng.normal(size=mos.shape)
        return (mos + noise).ravel(), mos.ravel()

    labels = np.repeat(np.arange(scenes), per)
    statistics = (stats.srcc, stats.plcc)
    truth = [statistic(*draw(200_000 // per * 4)).value for statistic in statistics]
    inside, formula = np.zeros(2), np.zeros(2)
    for _ in range(800):
        scores, mos = draw(scenes)
        for i, statistic in enumerate(statistics):
            found = statistic(scores, mos, clusters=labels)
            inside[i] += found.low <= truth[i] <= found.high
            found = statistic(scores, mos)
            formula[i] += found.low <= truth[i] <= found.high
    assert (np.abs(inside / 800 - 0.95) < 0.028).all(), inside / 800
    assert (formula / 800 < 0.85).all(), formula / 800
