"""Screening: raters built to be flagged are, the merely strict are not."""

from __future__ import annotations

import numpy as np
import pytest
from panels import formula_votes, from_matrix, rated, simulated

from snellen.errors import InputError, TooFewRatings
from snellen.stats.screening import screen_bt500, screen_p913
from snellen.stats.votes import collect_votes


def test_bt500_counts_by_hand() -> None:
    # Mean 3, Σd² = 18 and Σd⁴ = 162 of 11 votes: S = √1.8, β2 = 11 · 162 / 18² = 5.5, not normal:
    # the limit is √20 S = 6.0 and nothing lies beyond it.
    peaked = np.array([[0.0, 6, 3, 3, 3, 3, 3, 3, 3, 3, 3]])
    assert screen_bt500(from_matrix(peaked)).above.sum() == 0
    skirt = np.array([[-1.0, 7] + [1.0, 5] * 4 + [2.0, 4] * 4 + [3.0] * 4])
    # Mean 3, n = 22, Σd² = 72, Σd⁴ = 648: β2 = 2.75, the limit 2 √(72 / 21) = 3.70 under 4.
    found = screen_bt500(from_matrix(skirt))
    assert found.above.tolist() == [0, 1] + [0] * 20
    assert found.below.tolist() == [1] + [0] * 21


def test_bt500_rejects_the_erratic_and_keeps_the_strict() -> None:
    scores, _, _ = simulated(5, items=200, raters=12, spread=(0.4, 0.5))
    random = np.random.default_rng(1)
    scores[:, 3] += random.choice([-2.5, 2.5], 200)  # far out on either side
    scores[:, 7] -= 2.0  # far out on one side: a bias
    found = screen_bt500(from_matrix(scores))
    assert np.flatnonzero(found.rejected).tolist() == [3]
    assert found.one_sidedness[7] > 0.9
    assert "lie far out" in found.reasons[3]
    assert [code for code, reason in enumerate(found.reasons) if reason] == [3]


def test_bt500_does_not_flag_unanimous_items() -> None:
    found = screen_bt500(from_matrix(np.full((5, 4), 3.0)))
    assert found.share.tolist() == [0, 0, 0, 0]
    assert not found.rejected.any()


def test_bt500_shares_are_of_the_votes_given() -> None:
    scores = formula_votes()
    found = screen_bt500(from_matrix(scores))
    given = (~np.isnan(scores)).sum(axis=0)
    assert found.share * given == pytest.approx(found.above + found.below)


def test_p913_correlation_is_pearsons_with_the_panel() -> None:
    scores = formula_votes()
    found = screen_p913(from_matrix(scores), r1_limit=-1)
    mos = np.nanmean(scores, axis=1)
    for code in range(scores.shape[1]):
        seen = ~np.isnan(scores[:, code])
        expected = np.corrcoef(mos[seen], scores[seen, code])[0, 1]
        # The rows of `votes.raters` are in order of appearance.
        place = from_matrix(scores).raters.index(code)
        assert found.r1[place] == pytest.approx(expected)
    assert not found.rejected.any()


def test_p913_takes_out_one_at_a_time_and_looks_again() -> None:
    scores, quality, _ = simulated(8, items=60, raters=8, spread=(0.2, 0.3))
    random = np.random.default_rng(2)
    scores[:, 0] = random.uniform(1, 5, 60)
    scores[:, 1] = 6 - quality  # scale upside down: drags the panel's mean with it
    found = screen_p913(from_matrix(scores))
    assert found.order == (1, 0)
    assert found.rejected.tolist() == [True, True] + [False] * 6
    alone = screen_p913(from_matrix(scores[:, 1:]))
    assert found.r1[2:] == pytest.approx(alone.r1[1:])


def test_p913_conditions_can_save_a_noisy_rater() -> None:
    random = np.random.default_rng(4)
    condition = np.repeat(np.arange(6), 30)
    truth = 1.0 + 0.7 * condition
    scores = truth[:, None] + random.normal(0, 0.3, (180, 6))
    scores[:, 0] += random.normal(0, 2.5, 180)  # noisy on each item, right on average
    votes = from_matrix(scores)
    assert screen_p913(votes).rejected.tolist() == [True] + [False] * 5
    saved = screen_p913(votes, condition)
    assert not saved.rejected.any()
    assert saved.r2 is not None
    assert saved.r2[0] > 0.8 > 0.75 > saved.r1[0]


def test_p913_flags_the_same_score_for_everything_and_leaves_newcomers_alone() -> None:
    scores, _, _ = simulated(9, items=30, raters=6, spread=(0.2, 0.3))
    scores[:, 2] = 3.0
    scores[2:, 4] = np.nan
    votes = from_matrix(scores)
    found = screen_p913(votes)
    reasons = dict(zip(votes.raters, found.reasons, strict=True))
    assert reasons[2] == "the same score for everything"
    assert reasons[4] == "fewer than 3 votes: not judged"
    assert [votes.raters[code] for code in np.flatnonzero(found.rejected)] == [2]


def test_real_panel() -> None:
    rows = rated("avt-ai/ratings.csv")
    columns = ([r["rater"] for r in rows], [r["image"] for r in rows])
    votes = collect_votes(*columns, [float(r["score"]) for r in rows])
    bt500, p913 = screen_bt500(votes), screen_p913(votes, r1_limit=0.3)
    assert [votes.raters[code] for code in np.flatnonzero(bt500.rejected)] == ["50"]
    assert [votes.raters[code] for code in p913.order] == ["50", "48"]


def test_screening_needs_three_raters_and_fitting_conditions() -> None:
    votes = from_matrix(np.array([[1.0, 2.0], [3.0, 4.0]]))
    for screen in (screen_bt500, screen_p913):
        with pytest.raises(TooFewRatings, match="there are 2"):
            screen(votes)
    with pytest.raises(InputError, match="1 conditions for 2 items"):
        screen_p913(from_matrix(np.ones((2, 3))), ["x"])
