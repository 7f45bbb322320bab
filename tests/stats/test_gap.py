"""The smallest meaningful gap and equivalent raters: counted by hand, and against the truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen import stats
from snellen.errors import InputError, StatsError, TooFewRatings


def rated(
    n: int, noise: float, votes: int = 20, spread: float = 0.8, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, MOS and std of n images whose scorer errs by `noise` and raters by `spread`."""
    rng = np.random.default_rng(seed)
    quality = rng.uniform(1.5, 4.5, n)
    ballots = quality[:, None] + spread * rng.normal(size=(n, votes))
    return (
        quality + noise * rng.normal(size=n),
        ballots.mean(axis=1),
        ballots.std(axis=1, ddof=1),
    )


def test_decisions_counted_by_hand():
    """MOS 1, 2, 4, 5 on 1–5: all six pairs differ by over .5, so none is a tie to people."""
    found = stats.smallest_gap([10, 30, 20, 60], [1, 2, 4, 5], scale=(1, 5))
    at = found.decisions
    # Score differences: 20, 10, 50, −10, 30, 40. The one false ranking has size 10.
    assert at.threshold[[0, -1]].tolist() == [10.0, 50.0]
    assert at.false_ranking[0] == pytest.approx(1 / 6)
    assert at.correct_ranking[0] == pytest.approx(5 / 6)
    assert at.correct_ranking[-1] == pytest.approx(1 / 6)
    assert at.false_tie[-1] == pytest.approx(5 / 6)
    # From 20 up nothing is false any more; at 10, 1/6 > 16 %.
    assert found.ideal == found.practical == 20.0
    assert found.resolving == 20.0
    assert (found.panel, found.pairs, found.n) == (0, 6, 4)


def test_false_differentiation_counted_by_hand():
    """MOS within .5 of each other: people see one pair only, the scorer sees six."""
    found = stats.smallest_gap([1, 2, 3, 9], [3.0, 3.2, 3.4, 3.6], scale=(1, 5))
    at = found.decisions
    assert at.false_differentiation[0] == pytest.approx(5 / 6)
    assert at.correct_tie[-1] == pytest.approx(5 / 6)
    # Differences 1, 2, 8*, 1, 7, 6 (* seen by people too): only above 7 are under a sixth false.
    assert found.ideal == found.practical == 8.0


def test_the_panel_is_ntias_table():
    """2 false rankings of 28 pairs are 7.1 %: a panel of 3; none at all: 12 or more."""
    mos = np.linspace(1, 5, 8)
    assert stats.smallest_gap(mos, mos, scale=(1, 5)).panel == 12
    swapped = mos[[1, 0, 3, 2, 4, 5, 6, 7]]
    assert stats.smallest_gap(swapped, mos, scale=(1, 5)).panel == 3
    assert stats.smallest_gap(swapped, mos, std=np.ones(8), votes=9).panel is None


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 10_000), st.floats(0.2, 2.0))
def test_the_five_shares_sum_to_one_and_move_one_way(seed, noise):
    score, mos, std = rated(30, noise, seed=seed)
    try:
        at = stats.smallest_gap(score, mos, std=std, votes=20).decisions
    except StatsError:  # by chance, scores that run the other way
        return
    total = at.correct + at.false_tie + at.false_differentiation + at.false_ranking
    assert total == pytest.approx(np.ones(101))
    for falling in (at.correct_ranking, at.false_ranking, at.false_differentiation):
        assert (np.diff(falling) <= 1e-12).all()
        assert falling.min() >= 0.0
    for rising in (at.correct_tie, at.false_tie):
        assert (np.diff(rising) >= -1e-12).all()


def test_noisier_scorers_need_larger_gaps():
    gaps = [
        stats.smallest_gap(score, mos, std=std, votes=20)
        for score, mos, std in (rated(200, noise) for noise in (0.1, 0.4, 0.9))
    ]
    for figure in ("practical", "resolving"):
        values = [getattr(gap, figure) for gap in gaps]
        assert values == sorted(values)
        assert values[0] < values[2]


def test_at_the_gap_the_errors_are_what_was_promised():
    score, mos, std = rated(200, 0.4)
    found = stats.smallest_gap(score, mos, std=std, votes=20)
    first, second = np.triu_indices(200, 1)
    z = (mos[first] - mos[second]) / np.sqrt((std[first] ** 2 + std[second] ** 2) / 20)
    people = np.where(np.abs(z) >= 1.6448536, np.sign(z), 0)
    difference = score[first] - score[second]
    scorer = np.where(np.abs(difference) >= found.ideal, np.sign(difference), 0)
    ranking = np.mean((scorer != 0) & (people == -scorer))
    differentiation = np.mean((scorer != 0) & (people == 0))
    assert ranking < 0.01
    assert differentiation < 0.10
    # And no smaller observed difference would do.
    smaller = np.abs(difference)[np.abs(difference) < found.ideal].max()
    scorer = np.where(np.abs(difference) >= smaller, np.sign(difference), 0)
    assert (
        np.mean((scorer != 0) & (people == -scorer)) >= 0.01
        or np.mean((scorer != 0) & (people == 0)) >= 0.10
    )


def test_the_gap_is_in_units_of_the_score():
    score, mos, std = rated(100, 0.4)
    plain = stats.smallest_gap(score, mos, std=std, votes=20)
    scaled = stats.smallest_gap(10 + 25 * score, mos, std=std, votes=20)
    assert scaled.ideal == pytest.approx(25 * plain.ideal)
    assert scaled.resolving == pytest.approx(25 * plain.resolving)


def test_a_gap_that_no_threshold_reaches_is_missing_not_invented():
    # Scores know nothing: not even the widest difference is 95 % sure.
    rng = np.random.default_rng(0)
    score, mos = rng.normal(size=(2, 60))
    found = stats.smallest_gap(score, mos, scale=(-3, 3))
    assert math.isnan(found.resolving)


def test_missing_are_left_out_and_counted():
    score, mos, std = rated(50, 0.4)
    score[0], std[1] = np.nan, np.nan
    found = stats.smallest_gap(score, mos, std=std, votes=20)
    assert (found.n, found.missing, found.pairs) == (48, 2, 48 * 47 // 2)


def test_bad_requests_are_refused_by_name():
    score, mos, std = rated(50, 0.4)
    with pytest.raises(InputError, match="neither the votes' spread nor the MOS scale"):
        stats.smallest_gap(score, mos, std=std)
    with pytest.raises(InputError, match=r"scale is given as \(5, 1\)"):
        stats.smallest_gap(score, mos, scale=(5, 1))
    with pytest.raises(StatsError, match="scores fall as the MOS rises"):
        stats.smallest_gap(-score, mos, std=std, votes=20)
    with pytest.raises(TooFewRatings, match="2 images"):
        stats.smallest_gap([1, 2], [1, 2], scale=(1, 5))


def test_equivalent_raters_are_the_ratio_of_the_errors():
    """Raters err by .8 a vote; a scorer that errs by .4 after its map is worth (.8/.4)² = 4."""
    rng = np.random.default_rng(2)
    quality = rng.normal(3.0, 1.0, 4000)
    ballots = quality[:, None] + 0.8 * rng.normal(size=(4000, 10))
    # Drawn so that the best map of the score leaves an error of exactly .4.
    score = 0.84 * (quality - 3.0) + 0.4 * math.sqrt(0.84) * rng.normal(size=4000)
    found = stats.equivalent_raters(
        score, ballots.mean(1), ballots.std(1, ddof=1), 10, mapping="linear"
    )
    assert found.value == pytest.approx(4.0, abs=0.3)
    assert found.low < 4.0 < found.high
    assert (found.mapping, found.fit) == ("linear", "cross-fitted")


def test_a_scorer_as_good_as_the_truth_is_worth_any_number():
    rng = np.random.default_rng(3)
    quality = rng.normal(3.0, 1.0, 300)
    mos = quality + 0.4 * rng.normal(size=300)
    # Claimed noisier than they are: all of the scorer's error is the votes'.
    found = stats.equivalent_raters(quality, mos, np.full(300, 3.0), 10, mapping="linear")
    assert found.value == math.inf
    assert found.high == math.inf
    with pytest.raises(StatsError, match="unanimous"):
        stats.equivalent_raters(quality, mos, np.zeros(300), 10)
