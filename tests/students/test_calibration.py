"""Calibration: intervals hold what they promise, figures are of images not seen, clusters count."""

from __future__ import annotations

import numpy as np
import pytest
from test_opinion import world

from snellen.errors import ConstantValues, TooFewRatings
from snellen.students.calibration import (
    cross_check,
    cross_predict,
    fit_calibration,
    interval_of,
    learning_curve,
)


@pytest.mark.parametrize("n", [14, 30, 80])
def test_the_interval_holds_what_it_promises_within_three_points(n: int) -> None:
    shares = []
    for seed in range(60):
        found = fit_calibration(*world(n, seed=seed, noise=0.4))
        scores, features, mos = world(100, seed=1000 + seed, noise=0.4)
        shares.append(np.mean(np.abs(found.opinion(scores, features) - mos) <= found.half))
    assert 0.92 <= np.mean(shares) <= 0.98


def test_under_nineteen_ratings_the_interval_says_that_it_assumes_normal_errors() -> None:
    assert fit_calibration(*world(18)).how == "Student's t"
    assert fit_calibration(*world(19)).how == "cross-conformal"
    errors = np.full(10, 2.0)
    half, _ = interval_of(errors)
    # t of 10 degrees of freedom, 2.228, times √(Σe² / 10)
    assert half == pytest.approx(2.228 * 2, rel=1e-3)


def test_no_image_is_judged_by_a_fit_that_has_seen_it() -> None:
    rng = np.random.default_rng(0)
    features, scores = rng.normal(size=(60, 5)), rng.normal(size=60)
    noise = rng.normal(size=60)  # nothing to learn: only leaking could correlate
    checked = cross_check(scores, features, noise)
    assert checked.srcc.low < 0.1
    assert abs(checked.srcc.value) < 0.35


def test_images_of_one_reference_stay_together() -> None:
    rng = np.random.default_rng(0)
    reference = np.repeat(np.arange(12), 5)
    own = rng.normal(size=12)
    features = np.repeat(rng.normal(size=(12, 8)), 5, axis=0) + rng.normal(0, 0.01, (60, 8))
    mos = own[reference] + rng.normal(0, 0.05, 60)  # known by its reference, and by nothing else
    scores = rng.normal(size=60)
    leaking = np.corrcoef(cross_predict(scores, features, mos), mos)[0, 1]
    honest = np.corrcoef(cross_predict(scores, features, mos, list(reference)), mos)[0, 1]
    assert leaking > 0.8 > 0.5 > honest


def test_figures_are_better_after_than_before_where_there_is_something_to_learn() -> None:
    checked = cross_check(*world(120))
    srcc, plcc, rmse = checked.before
    assert checked.srcc.low > srcc.high
    assert checked.plcc.value > plcc.value
    assert checked.rmse.value < rmse.value
    share, low, high = checked.coverage
    assert low <= share <= high


def test_the_learning_curve_rises_and_says_what_more_would_add() -> None:
    curve = learning_curve(*world(100, noise=0.3))
    assert [point.n for point in curve.points] == [10, 15, 20, 30, 50, 75, 80]
    assert curve.points[-1].srcc[0] > curve.points[0].srcc[0] + 0.05
    assert curve.points[-1].rmse[0] < curve.points[0].rmse[0]
    for point in curve.points:
        assert point.srcc[1] <= point.srcc[0] <= point.srcc[2]
    assert curve.gain is not None
    assert curve.gain[1] <= curve.gain[0] <= curve.gain[2]
    early = learning_curve(*world(40, noise=0.3))
    assert early.gain is not None
    assert early.gain[0] > curve.gain[0]  # the more is known, the less is left to gain


def test_ten_ratings_can_be_learned_from_but_not_drawn_as_a_curve() -> None:
    found = fit_calibration(*world(10))
    assert found.n == 10
    curve = learning_curve(*world(12))
    assert curve.points == []
    assert curve.gain is None
    with pytest.raises(TooFewRatings, match="9 ratings"):
        fit_calibration(*world(9))


def test_ratings_or_scores_that_hardly_differ_are_refused_plainly() -> None:
    scores, features, mos = world(20)
    hardly = np.where(np.arange(20) == 7, 4.0, 3.0)
    with pytest.raises(ConstantValues, match="all but 1 of the 20 ratings are alike"):
        cross_predict(scores, features, hardly)
    with pytest.raises(ConstantValues, match="all but 1 of the 20 scores are alike"):
        cross_predict(hardly, features, mos)
    some = np.where(np.arange(20) % 7 == 0, 4.0, 3.0)  # of ten, a draw may hold none of the three
    for point in learning_curve(scores, features, some).points:
        assert np.isfinite(point.srcc).all()


def test_the_same_ratings_make_the_same_student() -> None:
    one, other = fit_calibration(*world(40)), fit_calibration(*world(40))
    assert one.half == other.half
    assert np.array_equal(one.opinion.weights, other.opinion.weights)
