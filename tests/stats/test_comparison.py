"""Tests between scorers: published examples, hand-worked cases, error rates by simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from snellen import stats
from snellen.errors import (
    ConstantValues,
    InputError,
    NotFinite,
    StatsError,
    TooFewRatings,
    UnknownName,
)

correlation = st.floats(-0.95, 0.95)


def scorers(n: int, noises: list[float], seed: int = 0) -> tuple[list[np.ndarray], np.ndarray]:
    rng = np.random.default_rng(seed)
    mos = rng.normal(size=n)
    return [mos + s * rng.normal(size=n) for s in noises], mos


def test_williams_on_steigers_own_example():
    """r = .5 and .4, .1 between them, n = 103: t = .89, p < .37 in R's psych::r.test."""
    found = stats.williams(0.5, 0.4, 0.1, 103)
    assert f"{found.statistic:.2f}" == "0.89"
    assert f"{found.p:.2f}" == "0.37"
    assert found.df == 100


def test_williams_worked_by_hand():
    # r = .8, .6, .5; n = 23. |R| = 1 − .64 − .36 − .25 + 2·.8·.6·.5 = .23; r̄ = .7
    # t = .2·√(22·1.5 / (2·22/20·.23 + .49·.125)) = .2·√(33 / .56725) = 1.525456
    found = stats.williams(0.8, 0.6, 0.5, 23)
    assert found.statistic == pytest.approx(1.525456, abs=1e-6)
    assert found.df == 20
    assert found.p == pytest.approx(0.14280, abs=1e-4)


def test_steiger_worked_by_hand():
    # r = .8, .6, .5; n = 23; r̄² = .49: ψ = .5·.02 − .245·(.02 − .25) = .06635,
    # s = .06635/.51² = .255094; z = 1.098612 − .693147 = .405465
    # Z = .405465·√20/√(2 − 2·.255094) = 1.485608
    found = stats.steiger(0.8, 0.6, 0.5, 23)
    assert found.statistic == pytest.approx(1.485608, abs=1e-5)
    assert found.p == pytest.approx(math.erfc(1.485608 / math.sqrt(2)), abs=1e-5)


def test_rank_correlations_are_given_their_larger_error():
    plain, ranks = (stats.steiger(0.8, 0.6, 0.5, 23, ranks=r) for r in (False, True))
    assert ranks.statistic == pytest.approx(plain.statistic / math.sqrt(1 + 0.49 / 2))


@settings(derandomize=True, deadline=None)
@given(correlation, correlation, correlation, st.integers(4, 5000))
def test_swapping_the_scorers_changes_the_sign_alone(r_a, r_b, r_ab, n):
    assume(1 - r_a**2 - r_b**2 - r_ab**2 + 2 * r_a * r_b * r_ab > 0)
    for test in (stats.williams, stats.steiger):
        there, back = test(r_a, r_b, r_ab, n), test(r_b, r_a, r_ab, n)
        assert back.statistic == pytest.approx(-there.statistic, nan_ok=True)
        assert back.p == pytest.approx(there.p, nan_ok=True)


def test_edges_of_the_formulas():
    assert stats.williams(0.7, 0.7, 1.0, 50).p == 1.0
    assert stats.steiger(0.7, 0.7, 1.0, 50).p == 1.0
    assert math.isnan(stats.williams(0.5, -0.5, -1.0, 50).p)
    assert stats.steiger(1.0, 0.7, 0.7, 50).p == 0.0
    with pytest.raises(TooFewRatings, match="3 images, and 4"):
        stats.williams(0.5, 0.4, 0.1, 3)
    with pytest.raises(StatsError, match=r"0\.9 and 0\.8 with the MOS cannot correlate 0\.1"):
        stats.williams(0.9, 0.8, 0.1, 30)
    with pytest.raises(StatsError, match=r"correlation of 1\.2"):
        stats.steiger(1.2, 0.4, 0.1, 30)


def test_holm_worked_by_hand():
    # .01·4, .02·3, .03·2 (raised to .06), .5·1; NaN is no test.
    found = stats.holm([0.03, 0.01, math.nan, 0.5, 0.02])
    assert found == pytest.approx([0.06, 0.04, math.nan, 0.5, 0.06], nan_ok=True)
    assert stats.holm([0.9, 0.8]).tolist() == [1.0, 1.0]
    assert stats.holm([]).size == 0
    with pytest.raises(StatsError, match="outside 0 to 1"):
        stats.holm([0.5, -1.0])


@settings(derandomize=True, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_helps_and_keeps_the_order(p):
    adjusted = stats.holm(p)
    assert (adjusted >= np.array(p)).all()
    assert (adjusted <= np.minimum(1.0, np.array(p) * len(p)) + 1e-12).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


@pytest.mark.parametrize("statistic", ["srcc", "plcc"])
def test_clear_winners_are_found_and_equals_are_not(statistic):
    rows, mos = scorers(800, [0.3, 0.3, 0.8, 2.0], seed=2)
    found = stats.compare(rows, mos, names=["a", "b", "c", "d"], statistic=statistic)
    assert set(found.best) == {"a", "b"}
    assert found.ranking[2:] == ("c", "d")
    assert found.groups == (found.ranking[:2], ("c",), ("d",))
    assert found.better[0, 2]
    assert not found.better[2, 0]
    assert [c.value for c in found.correlations] == pytest.approx(
        [getattr(stats, statistic)(row, mos).value for row in rows]
    )
    for test in (found.p_bootstrap, found.p_williams, found.p_steiger, found.p_holm):
        assert (test == test.T).all()
        assert (np.diag(test) == 1.0).all()
        assert test[0, 3] < 1e-6
        assert test[0, 1] > 0.01
    assert (found.difference == -found.difference.T).all()
    assert (found.low == -found.high.T).all()
    assert ((found.low <= found.difference) & (found.difference <= found.high)).all()


def test_the_three_tests_agree_on_normal_data():
    rows, mos = scorers(600, [0.5, 0.56, 0.6], seed=3)
    for statistic in ("srcc", "plcc"):
        found = stats.compare(rows, mos, statistic=statistic)
        upper = np.triu_indices(3, 1)
        assert found.p_williams[upper] == pytest.approx(found.p_steiger[upper], abs=0.01)
        assert found.p_bootstrap[upper] == pytest.approx(found.p_steiger[upper], abs=0.08)


def test_groups_may_overlap():
    """Neighbours alike, ends not: from tests alone, with differences set by hand."""
    rows, mos = scorers(200, [0.5, 0.6, 0.7], seed=1)
    found = stats.compare(rows, mos, names=["a", "b", "c"])
    p = np.array([[1.0, 0.3, 0.01], [0.3, 1.0, 0.2], [0.01, 0.2, 1.0]])
    values = np.array([c.value for c in found.correlations])
    assert (np.diff(values) < 0).all()
    altered = type(found)(**{**vars(found), "p_holm": p})
    assert altered.groups == (("a", "b"), ("b", "c"))
    assert altered.best == ("a", "b")


def test_a_scorer_compared_with_itself_and_a_monotone_copy_is_equal():
    rows, mos = scorers(100, [0.5])
    found = stats.compare([rows[0], rows[0], np.exp(rows[0])], mos)
    assert (found.p_bootstrap == 1.0).all()
    assert (found.p_holm == 1.0).all()
    assert (found.low == 0.0).all()
    assert len(found.groups) == 1


def test_a_handful_of_images_is_never_sure():
    """Perfect against reversed order on 5 images: the bootstrap does not vary, yet p is 2⁻⁴."""
    found = stats.compare([[1, 2, 3, 4, 5], [5, 4, 3, 2, 1]], [1, 2, 3, 4, 5])
    assert found.p_bootstrap[0, 1] == 2.0**-4
    assert not found.better.any()


def test_rounding_is_no_difference():
    rows, mos = scorers(100, [0.5])
    found = stats.compare([rows[0], 1e4 + 3.7 * rows[0]], mos, statistic="plcc")
    for p in (found.p_bootstrap, found.p_williams, found.p_steiger):
        assert (p == 1.0).all()


def test_order_of_images_and_scorers_does_not_matter():
    rows, mos = scorers(120, [0.4, 0.6, 0.9])
    order = np.random.default_rng(0).permutation(120)
    straight = stats.compare(rows, mos, names=["a", "b", "c"])
    shuffled = stats.compare([row[order] for row in rows], mos[order], names=["a", "b", "c"])
    assert shuffled.p_bootstrap == pytest.approx(straight.p_bootstrap, abs=1e-9)
    turned = stats.compare(rows[::-1], mos, names=["c", "b", "a"])
    assert turned.p_bootstrap[::-1, ::-1] == pytest.approx(straight.p_bootstrap, abs=1e-9)
    assert turned.best == straight.best


def test_images_that_one_scorer_lacks_are_left_out_for_all():
    rows, mos = scorers(100, [0.4, 0.6])
    rows[0][:3] = np.nan
    rows[1][2:10] = np.nan
    found = stats.compare(rows, mos)
    assert (found.n, found.missing, found.missing_scores) == (90, 10, (3, 8))
    assert found.correlations[0].value == stats.srcc(rows[0][10:], mos[10:]).value


def test_clusters_make_the_tests_cautious_and_silence_the_formulas():
    rng = np.random.default_rng(4)
    scene = np.repeat(np.arange(40), 10)
    mos = rng.normal(size=400)
    # The second scorer's extra error is one error per scene, not one per image.
    rows = [mos + 0.5 * rng.normal(size=400), mos + 0.7 * rng.normal(size=40)[scene]]
    alone, together = stats.compare(rows, mos), stats.compare(rows, mos, clusters=scene)
    assert together.p_bootstrap[0, 1] > alone.p_bootstrap[0, 1]
    assert np.isnan(together.p_williams[0, 1])
    assert np.isnan(together.p_steiger[0, 1])
    with pytest.raises(StatsError, match="williams test takes images as independent"):
        stats.compare(rows, mos, clusters=scene, test="williams")


def test_a_reversed_scorer_is_flagged():
    rows, mos = scorers(100, [0.4, 0.6])
    found = stats.compare([rows[0], -rows[1]], mos)
    assert [c.reversed for c in found.correlations] == [False, True]


@pytest.mark.parametrize(
    ("scores", "options", "error", "says"),
    [
        ([[1, 2, 3, 4, 5]], {}, InputError, "1 scorers were given"),
        ([[1, 2, 3], [3, 1, 2]], {}, TooFewRatings, "4 are needed"),
        ([[1, 2, 3, 4, 5], [2, 2, 2, 2, 2]], {}, ConstantValues, "scores of b are 2"),
        ([[1, 2, 3, 4, 5], [2, 2, 2, 2, np.inf]], {}, NotFinite, "scores of b are infinite"),
        ([[1, 2, 3, 4, 5], [2, 2, 2]], {}, StatsError, "3 scores of b and 5 MOS"),
        ([[1, 2, 3, 4, 5]] * 2, {"names": ["x", "x"]}, InputError, "1 different names"),
        ([[1, 2, 3, 4, 5]] * 2, {"statistic": "scc"}, UnknownName, "'srcc'"),
        ([[1, 2, 3, 4, 5]] * 2, {"test": "wiliams"}, UnknownName, "'williams'"),
    ],
)
def test_bad_input_is_refused_by_name(scores, options, error, says):
    with pytest.raises(error, match=says) as caught:
        stats.compare(scores, [1, 2, 3, 4, 5][: len(scores[0])], **options)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("statistic", ["srcc", "plcc"])
def test_equals_are_told_apart_as_seldom_as_promised(statistic):
    """Equals, r ≈ .89, n = 150: each test at 5 % errs in 5 ± 2 % of 800 experiments."""
    rng = np.random.default_rng(12)
    wrong = np.zeros(3)
    for _ in range(800):
        mos = rng.normal(size=150)
        shared = 0.3 * rng.normal(size=150)
        rows = [mos + shared + 0.4 * rng.normal(size=150) for _ in range(2)]
        found = stats.compare(rows, mos, statistic=statistic, resamples=300)
        tests = found.p_bootstrap, found.p_williams, found.p_steiger
        wrong += [p[0, 1] < 0.05 for p in tests]
    assert (np.abs(wrong / 800 - 0.05) < 0.02).all(), wrong / 800
