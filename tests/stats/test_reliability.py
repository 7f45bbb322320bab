"""Agreement of raters against published worked examples and independent programs' figures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import formula_votes, from_matrix, simulated
from scipy.stats import spearmanr

from snellen.errors import ConstantValues, InputError, TooFewRatings
from snellen.stats.reliability import intraclass_correlation, krippendorff_alpha, rater_srcc
from snellen.stats.votes import collect_votes

_ = np.nan
# Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, example C: observers in columns.
KRIPPENDORFF = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
).T
# Shrout & Fleiss, "Intraclass correlations: uses in assessing rater reliability", 1979, table 2.
SHROUT_FLEISS = np.array(
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float
)


def test_alpha_of_the_published_example() -> None:
    votes = from_matrix(KRIPPENDORFF)
    interval = krippendorff_alpha(votes)
    assert interval.value == pytest.approx(0.849, abs=5e-4)
    assert krippendorff_alpha(votes, "ordinal").value == pytest.approx(0.815, abs=5e-4)
    assert interval.n == 11
    assert interval.low < interval.value < interval.high


def test_alpha_agrees_with_another_program() -> None:
    # The package krippendorff 0.9.0 on the same votes (of its ordinal one, rounded to grades).
    assert krippendorff_alpha(from_matrix(formula_votes())).value == pytest.approx(
        0.6114113332199391, abs=1e-12
    )
    graded = from_matrix(np.round(formula_votes()))
    assert krippendorff_alpha(graded, "ordinal").value == pytest.approx(
        0.6233118686216836, abs=1e-12
    )


def test_alpha_at_its_ends() -> None:
    same = np.repeat(np.array([[1.0], [2.0], [5.0]]), 4, axis=1)
    assert krippendorff_alpha(from_matrix(same)).value == pytest.approx(1)
    chance = np.random.default_rng(0).integers(1, 6, (500, 8)).astype(float)
    found = krippendorff_alpha(from_matrix(chance))
    assert found.low < 0 < found.high
    assert abs(found.value) < 0.02


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.floats(-50, 50))
@settings(max_examples=25, deadline=None)
def test_alpha_ignores_units_and_ordinal_alpha_any_monotone_map(
    seed: int, factor: float, shift: float
) -> None:
    scores, _, _ = simulated(seed, items=8, raters=4)
    straight = krippendorff_alpha(from_matrix(scores), resamples=40)
    mapped = krippendorff_alpha(from_matrix(shift + factor * scores), resamples=40)
    assert mapped.value == pytest.approx(straight.value, abs=1e-9)
    ranks = krippendorff_alpha(from_matrix(scores), "ordinal", resamples=40)
    bent = krippendorff_alpha(from_matrix(np.exp(scores)), "ordinal", resamples=40)
    assert bent.value == pytest.approx(ranks.value, abs=1e-12)


def test_intraclass_of_the_published_example() -> None:
    found = intraclass_correlation(from_matrix(SHROUT_FLEISS))
    assert found.single_absolute == pytest.approx(0.29, abs=5e-3)  # ICC(2,1)
    assert found.average_absolute == pytest.approx(0.62, abs=5e-3)  # ICC(2,4)
    assert found.average_one_way == pytest.approx(0.44, abs=5e-3)  # ICC(1,4)
    assert found.k == pytest.approx(4)


def test_intraclass_finds_the_variances_again_through_gaps() -> None:
    random = np.random.default_rng(6)
    items, raters = random.normal(0, 1.0, (600, 1)), random.normal(0, 0.5, (1, 120))
    scores = items + raters + random.normal(0, 0.8, (600, 120))
    scores[random.random(scores.shape) < 0.8] = np.nan
    found = intraclass_correlation(from_matrix(scores))
    assert found.item == pytest.approx(1.0, rel=0.15)
    assert found.rater == pytest.approx(0.25, rel=0.3)
    assert found.error == pytest.approx(0.64, rel=0.05)
    assert found.single_absolute < found.average_absolute < 1


def test_rater_srcc_is_spearman_with_the_mean_of_the_others() -> None:
    scores = formula_votes()
    votes = from_matrix(scores)
    found = rater_srcc(votes)
    for place, code in enumerate(votes.raters):
        others = np.nanmean(np.delete(scores, code, axis=1), axis=1)
        seen = ~np.isnan(scores[:, code])
        expected = spearmanr(scores[seen, code], others[seen]).statistic
        assert found[place] == pytest.approx(expected)


def test_rater_srcc_is_missing_where_it_does_not_exist() -> None:
    scores = np.array([[1.0, 2, 3, 1], [2, 3, 3, 2], [3, 4, 3, _], [4, 5, 3, _]])
    votes = from_matrix(scores)
    assert np.isnan(rater_srcc(votes)).tolist() == [False, False, True, True]


def test_agreement_needs_something_to_agree_on() -> None:
    apart = collect_votes(["a", "b", "c"], ["x", "y", "z"], [1, 2, 3])
    with pytest.raises(TooFewRatings, match="0 items have two votes"):
        krippendorff_alpha(apart)
    with pytest.raises(TooFewRatings, match="hardly overlap"):
        intraclass_correlation(apart)
    same = from_matrix(np.full((3, 3), 2.0))
    with pytest.raises(ConstantValues, match="every vote is 2"):
        krippendorff_alpha(same)
    with pytest.raises(ConstantValues, match="every vote is 2"):
        intraclass_correlation(same)
    with pytest.raises(TooFewRatings, match="one rater"):
        rater_srcc(from_matrix(np.array([[1.0], [2.0]])))
    with pytest.raises(InputError, match="level is 'ratio'"):
        krippendorff_alpha(from_matrix(SHROUT_FLEISS), "ratio")  # type: ignore[arg-type]


def test_alpha_refuses_too_few_resamples_for_an_interval() -> None:
    with pytest.raises(InputError, match="0 bootstrap resamples"):
        krippendorff_alpha(from_matrix(np.array([[1.0, 2.0], [2.0, 2.0]])), resamples=0)
