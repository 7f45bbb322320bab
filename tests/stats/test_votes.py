"""Votes to MOS: hand-computed cases, real votes, properties, coverage of the intervals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import from_matrix, rated, simulated

from snellen.errors import ConstantValues, InputError, NotFinite, StatsError, TooFewRatings
from snellen.stats.votes import collect_votes, fit_sos, mean_opinion_scores


def test_mos_by_hand() -> None:
    votes = collect_votes(["a", "b", "c", "a"], ["x", "x", "x", "y"], [1, 2, 6, 5])
    found = mean_opinion_scores(votes)
    assert votes.items == ("x", "y")
    assert found.mos.tolist() == [3.0, 5.0]
    assert found.n.tolist() == [3, 1]
    assert found.std[0] == pytest.approx(np.sqrt(7))
    # t of 2 degrees of freedom at 97.5 % is 4.302653
    assert found.high[0] - 3 == pytest.approx(4.302653 * np.sqrt(7 / 3), rel=1e-6)
    assert np.isnan([found.std[1], found.low[1], found.high[1]]).all()


def test_pooled_interval_knows_single_votes_too() -> None:
    votes = collect_votes(["a", "b", "a", "b", "a"], ["x", "x", "y", "y", "z"], [1, 3, 4, 4, 2])
    found = mean_opinion_scores(votes, interval="pooled")
    # Squares within items are 2 and 0 over 2 degrees of freedom: the spread is 1.
    assert found.high - found.mos == pytest.approx(4.302653 / np.sqrt([2, 2, 1]), rel=1e-6)


def test_real_votes_give_the_published_mos() -> None:
    rows, published = rated("avt-ai/ratings.csv"), rated("avt-ai/mos.csv")
    votes = collect_votes(
        [row["rater"] for row in rows],
        [row["image"] for row in rows],
        [float(row["score"]) for row in rows],
    )
    assert len(votes) == 1891
    assert votes.repeats == 2
    # The publication counts the raters who finished, and repeated votes twice.
    finished = votes.keep_raters(votes.per_rater() >= 74)
    found = mean_opinion_scores(finished)
    mos = dict(zip(finished.items, found.mos, strict=True))
    std = dict(zip(finished.items, found.std, strict=True))
    for row in published:
        assert mos[row["image"]] == pytest.approx(float(row["mos"]), abs=5e-5)
        assert std[row["image"]] == pytest.approx(float(row["std"]), abs=5e-5)


def test_missing_votes_are_counted_and_leave_no_empty_names() -> None:
    votes = collect_votes(["a", "b", "c"], ["x", "x", "y"], [1.0, 2.0, np.nan])
    assert votes.missing == 1
    assert votes.raters == ("a", "b")
    assert votes.items == ("x",)


def test_repeats_count_or_are_averaged() -> None:
    columns = (["a", "b", "a"], ["x", "x", "x"], [1.0, 5.0, 3.0])
    kept, averaged = collect_votes(*columns), collect_votes(*columns, repeats="mean")
    assert (kept.repeats, averaged.repeats) == (1, 1)
    assert mean_opinion_scores(kept).mos == pytest.approx([3.0])
    assert mean_opinion_scores(averaged).mos == pytest.approx([3.5])
    assert averaged.rater.tolist() == [0, 1]


def test_keep_raters_drops_items_nobody_else_saw() -> None:
    votes = collect_votes(["a", "b", "b"], ["x", "x", "y"], [1, 2, 3])
    assert votes.keep_raters([True, False]).items == ("x",)
    with pytest.raises(TooFewRatings, match="no vote is left"):
        votes.keep_raters([False, False])


@pytest.mark.parametrize(
    ("score", "error", "words"),
    [
        ([1.0, np.inf], NotFinite, "row 2"),
        ([np.nan, np.nan], TooFewRatings, "none of 2"),
        ([1.0], InputError, "2 raters"),
        ([[1.0, 2.0]], InputError, "shape"),
    ],
)
def test_bad_columns_are_named(score: object, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        collect_votes(["a", "b"], ["x", "y"], score)  # type: ignore[arg-type]


def test_bad_options_are_named() -> None:
    votes = collect_votes(["a"], ["x"], [1])
    with pytest.raises(InputError, match="confidence of 95"):
        mean_opinion_scores(votes, confidence=95)
    with pytest.raises(InputError, match="interval is 'z'"):
        mean_opinion_scores(votes, interval="z")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="repeats is 'drop'"):
        collect_votes(["a"], ["x"], [1], repeats="drop")  # type: ignore[arg-type]


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.floats(-50, 50))
@settings(max_examples=30, deadline=None)
def test_order_and_units_of_votes_do_not_matter(seed: int, factor: float, shift: float) -> None:
    scores, _, _ = simulated(seed, items=6, raters=5)
    votes = from_matrix(scores)
    shuffle = np.random.default_rng(seed).permutation(len(votes))
    other = collect_votes(
        votes.rater[shuffle], votes.item[shuffle], shift + factor * votes.score[shuffle]
    )
    one, two = mean_opinion_scores(votes), mean_opinion_scores(other)
    assert two.mos == pytest.approx(shift + factor * one.mos, rel=1e-9, abs=1e-9)
    assert two.high - two.low == pytest.approx(factor * (one.high - one.low), rel=1e-6)


@pytest.mark.parametrize("n", [2, 3, 5, 20])
@pytest.mark.parametrize("interval", ["t", "pooled"])
def test_intervals_cover_the_mean_as_often_as_they_say(n: int, interval: str) -> None:
    random = np.random.default_rng(n)
    truth = random.uniform(1, 5, 10_000)
    votes = from_matrix(truth[:, None] + random.normal(0, 0.8, (len(truth), n)))
    found = mean_opinion_scores(votes, interval=interval)  # type: ignore[arg-type]
    covered = np.mean((found.low <= truth) & (truth <= found.high))
    assert covered == pytest.approx(0.95, abs=0.01)


def test_sos_parameter_by_hand() -> None:
    # On 1–5 the room is 3, 4 and 3 at MOS 2, 3 and 4: variances at half of it give a = 0.5.
    fit = fit_sos([2, 3, 4, 2.5], np.sqrt([1.5, 2.0, 1.5, np.nan]))
    assert fit.a == pytest.approx(0.5)
    assert (fit.low, fit.high) == (pytest.approx(0.5), pytest.approx(0.5))
    assert fit.rmse == pytest.approx(0, abs=1e-12)
    assert (fit.n, fit.n_missing) == (3, 1)
    assert fit.sos([1, 3, 5]) == pytest.approx([0, np.sqrt(2), 0])


def test_sos_parameter_is_found_again_on_any_scale() -> None:
    random = np.random.default_rng(3)
    share = random.uniform(0.1, 0.9, 400)
    # Beta votes of mean p and precision c have the variance p(1 − p) / (c + 1): a = 1 / (c + 1).
    votes = random.beta(share * 7, (1 - share) * 7, size=(25, 400)).T
    fit = fit_sos(100 * votes.mean(axis=1), 100 * votes.std(axis=1, ddof=1), (0, 100))
    assert fit.low < 1 / 8 < fit.high
    assert fit.high - fit.low < 0.02


def test_sos_refuses_what_has_no_answer() -> None:
    with pytest.raises(TooFewRatings, match="2 items"):
        fit_sos([2, 3, 4], [0.5, 0.5, np.nan])
    with pytest.raises(StatsError, match="do not lie on the scale 1 to 5"):
        fit_sos([20, 30, 40], [1, 1, 1])
    with pytest.raises(ConstantValues, match="every MOS lies on an end"):
        fit_sos([1, 5, 5], [0, 0, 0])
    with pytest.raises(InputError, match="no inside"):
        fit_sos([1, 2, 3], [1, 1, 1], scale=(5, 1))
