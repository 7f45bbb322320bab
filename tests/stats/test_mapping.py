"""Maps to the MOS scale: they recover what made the data, and cross-fitting does not flatter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import curve_fit

from snellen import stats
from snellen.errors import ConstantValues, InputError, TooFewRatings, UnknownName

KINDS = ("linear", "logistic4", "logistic5", "isotonic")


def s_shaped(n: int = 300, noise: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.uniform(-3, 5, n)
    return x, 4.5 + (1.2 - 4.5) / (1 + np.exp((x - 1.0) / 0.7)) + noise * rng.normal(size=n)


def test_logistic4_recovers_the_curve_in_the_vqegs_parameters():
    x, y = s_shaped()
    found = stats.fit_mapping(x, y, "logistic4")
    top, bottom, centre, width = found.parameters
    assert (top, bottom, centre, abs(width)) == pytest.approx((4.5, 1.2, 1.0, 0.7), rel=1e-4)
    assert found.monotone
    assert found.rmse < 1e-4
    published = (top - bottom) / (1 + np.exp(-(x - centre) / abs(width))) + bottom
    assert found(x) == pytest.approx(published)


def test_logistic5_recovers_the_curve_in_the_published_parameters():
    rng = np.random.default_rng(1)
    x = rng.uniform(-4, 4, 300)
    b = (3.0, 1.5, 0.4, 0.25, 2.0)
    y = b[0] * (0.5 - 1 / (1 + np.exp(b[1] * (x - b[2])))) + b[3] * x + b[4]
    found = stats.fit_mapping(x, y, "logistic5")
    p = found.parameters
    assert found(x) == pytest.approx(y, abs=1e-4)
    published = p[0] * (0.5 - 1 / (1 + np.exp(p[1] * (x - p[2])))) + p[3] * x + p[4]
    assert found(x) == pytest.approx(published)
    assert p == pytest.approx(b, rel=1e-2)


def test_logistic4_is_no_worse_than_scipys_fit_from_the_usual_start():
    for seed in range(5):
        x, y = s_shaped(120, noise=0.6, seed=seed)

        def curve(x, b1, b2, b3, b4):
            return (b1 - b2) / (1 + np.exp(-(x - b3) / abs(b4))) + b2

        theirs, _ = curve_fit(curve, x, y, [y.max(), y.min(), x.mean(), x.std() / 4], maxfev=20000)
        error = np.sqrt(np.mean((curve(x, *theirs) - y) ** 2))
        assert stats.fit_mapping(x, y, "logistic4").rmse <= error + 1e-6


@settings(derandomize=True, deadline=None)
@given(st.floats(1e-6, 1e6), st.floats(-1e6, 1e6), st.sampled_from(KINDS))
def test_the_scale_of_the_scores_does_not_matter(stretch, shift, kind):
    x, y = s_shaped(80, noise=0.3)
    other = shift + stretch * x
    # The shift must leave digits for the scores themselves.
    if np.ptp(other) < 1e-6 * np.abs(other).max():
        return
    plain, moved = (stats.fit_mapping(s, y, kind) for s in (x, other))
    assert moved.rmse == pytest.approx(plain.rmse, rel=1e-3)


def test_isotonic_pools_violators_as_worked_by_hand():
    # 3 and 2 violate: pooled to 2.5. Equal scores are pooled first: (5 + 7)/2 = 6.
    found = stats.fit_mapping([1, 2, 3, 4, 4], [1, 3, 2, 5, 7], "isotonic")
    assert found([1, 2, 3, 4]) == pytest.approx([1, 2.5, 2.5, 6])
    assert found([0, 2.4, 3.5, 99]) == pytest.approx([1, 2.5, 4.25, 6])
    assert found.monotone


def test_maps_follow_a_scorer_that_falls_as_quality_rises():
    x, y = s_shaped(200, noise=0.2)
    for kind in KINDS:
        up, down = stats.fit_mapping(x, y, kind), stats.fit_mapping(-x, y, kind)
        assert down.rmse == pytest.approx(up.rmse, rel=1e-3)
        assert down(-x) == pytest.approx(up(x), abs=0.02)


def test_a_direction_may_be_imposed_on_an_isotonic_map():
    x, y = s_shaped(50)
    flat = stats.fit_mapping(x, y, "isotonic", direction="decreasing")
    assert np.ptp(flat(x)) < 1e-9


def test_a_map_that_is_not_monotone_says_so():
    x = np.linspace(-3, 3, 200)
    bump = 2.0 / (1 + np.exp(-6 * x)) - 0.6 * x
    assert not stats.fit_mapping(x, bump, "logistic5").monotone
    assert stats.fit_mapping(x, bump, "isotonic").monotone


def test_two_values_of_score_are_enough_for_every_map():
    x = np.repeat([0.0, 1.0], 10)
    y = np.arange(20.0)
    for kind in KINDS:
        found = stats.fit_mapping(x, y, kind)
        assert found([0.0, 1.0]) == pytest.approx([4.5, 14.5], abs=1e-3)


def test_missing_scores_stay_missing():
    x, y = s_shaped(40)
    holed = x.copy()
    holed[[3, 8]] = np.nan
    predicted = stats.cross_fit(holed, y)
    assert np.flatnonzero(np.isnan(predicted)).tolist() == [3, 8]
    assert np.isnan(stats.fit_mapping(x, y)([np.nan])).all()


def test_no_image_is_mapped_by_a_fit_that_saw_its_cluster():
    # The cluster "odd" is far off everybody else's line: its own fit would follow it there.
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 60)
    y = x.copy()
    labels = np.array([f"ref {i // 4}" for i in range(60)])
    labels[:4] = "odd"
    y[:4] += 100.0
    predicted = stats.cross_fit(x, y, "linear", clusters=labels, folds=15)
    assert predicted[:4] == pytest.approx(x[:4], abs=1e-9)


def test_cross_fitting_does_not_depend_on_the_order_of_rows():
    x, y = s_shaped(60, noise=0.5)
    order = np.random.default_rng(1).permutation(60)
    for kind in KINDS:
        straight = stats.cross_fit(x, y, kind)
        assert stats.cross_fit(x[order], y[order], kind) == pytest.approx(straight[order], abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_with_no_relation_in_sample_flatters_and_cross_fitted_does_not(kind):
    """100 images, scores that know nothing: the mean PLCC of 20 experiments."""
    rng = np.random.default_rng(5)
    flattered, honest = [], []
    for _ in range(20):
        x, y = rng.normal(size=(2, 100))
        flattered.append(stats.plcc(x, y, mapping=kind, cross_fit=False).value)
        honest.append(stats.plcc(x, y, mapping=kind).value)
    assert np.mean(flattered) > 0.05
    assert abs(np.mean(honest)) < 0.1


def test_isotonic_inflation_is_as_large_as_known():
    """METHODS: n = 100, no relation, increasing map: in-sample PLCC about 0.19."""
    rng = np.random.default_rng(6)
    found = []
    for _ in range(200):
        x, y = rng.normal(size=(2, 100))
        fit = stats.fit_mapping(x, y, "isotonic", direction="increasing")(x)
        found.append(np.corrcoef(fit, y)[0, 1] if np.ptp(fit) > 0 else 0.0)
    assert np.mean(found) == pytest.approx(0.19, abs=0.02)


def test_where_there_is_a_relation_both_tell_it_and_are_labelled():
    x, y = s_shaped(400, noise=0.5)
    raw = stats.plcc(x, y)
    inside = stats.plcc(x, y, mapping="logistic4", cross_fit=False)
    across = stats.plcc(x, y, mapping="logistic4")
    assert (raw.mapping, raw.fit) == ("none", "raw")
    assert (inside.mapping, inside.fit) == ("logistic4", "in-sample")
    assert (across.mapping, across.fit) == ("logistic4", "cross-fitted")
    assert raw.value < across.value <= inside.value
    assert across.value == pytest.approx(inside.value, abs=0.01)
    assert "(logistic4, cross-fitted)" in str(across)


def test_bad_requests_are_refused_by_name():
    x, y = s_shaped(20)
    with pytest.raises(UnknownName, match="'logistic4'"):
        stats.fit_mapping(x, y, "logistic")
    with pytest.raises(UnknownName, match="'isotonic'"):
        stats.plcc(x, y, mapping="isotone")
    with pytest.raises(TooFewRatings, match="logistic5 map was to be fitted on 5 images"):
        stats.fit_mapping(x[:5], y[:5], "logistic5")
    with pytest.raises(TooFewRatings, match="needs 5"):
        stats.cross_fit(x[:5], y[:5], "logistic4", folds=5)
    with pytest.raises(InputError, match="1 folds"):
        stats.cross_fit(x, y, folds=1)
    with pytest.raises(TooFewRatings, match="4 independent images or clusters"):
        stats.cross_fit(x, y, clusters=np.arange(20) % 4, folds=5)
    with pytest.raises(ConstantValues, match="after the isotonic map"):
        # One image far above the rest, scored lowest: no rising curve beats a level line.
        stats.plcc(range(10), [100, *range(1, 10)], mapping="isotonic", cross_fit=False)
    with pytest.raises(ConstantValues, match="in every fold"):
        stats.plcc(range(12), [1] * 11 + [2], mapping="logistic4")
