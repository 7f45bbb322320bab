"""The subject models against ITU's reference program, simulation and their own symmetries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import formula_votes, from_matrix, rated, simulated

from snellen.errors import ConstantValues, InputError, StatsError, TooFewRatings
from snellen.stats.ambiguity import fit_ambiguity
from snellen.stats.subjects import SubjectModel, fit_subjects
from snellen.stats.votes import Votes, collect_votes, mean_opinion_scores


def by_code(votes: Votes, values: np.ndarray) -> list[float]:
    """Values of raters in the order of their numbers, not of their appearance."""
    return [float(values[votes.raters.index(code)]) for code in sorted(votes.raters)]  # type: ignore[type-var]


def test_agrees_with_the_reference_program() -> None:
    # sureal 0.9.0 on the same votes: its Subject_MLE_Projection (information) and …2 (residual).
    votes = from_matrix(formula_votes())
    found = fit_subjects(votes, variance="p910")
    assert found.quality[:4] == pytest.approx([1.033602, 1.371882, 1.523163, 1.812742], abs=1e-6)
    assert found.quality.sum() == pytest.approx(119.18259, abs=1e-5)
    assert found.std[:4] == pytest.approx([0.25408, 0.248997, 0.235355, 0.24675], abs=1e-6)
    assert by_code(votes, found.bias)[:4] == pytest.approx(
        [0.797565, -0.670288, 0.557337, -0.587746], abs=1e-6
    )
    spread = by_code(votes, found.inconsistency)
    assert spread[:4] == pytest.approx([0.624657, 0.709319, 0.766081, 0.835356], abs=1e-6)
    low, high = by_code(votes, found.inconsistency_low), by_code(votes, found.inconsistency_high)
    assert (spread[0] - low[0], high[0] - spread[0]) == pytest.approx(
        (0.116679, 0.186748), abs=1e-6
    )
    assert found.log_likelihood == pytest.approx(-413.9108237161999, rel=1e-9)
    residual = fit_subjects(votes, variance="p910", interval="residual")
    assert residual.std[:4] == pytest.approx([0.125763, 0.203721, 0.26908, 0.316592], abs=1e-6)
    assert residual.std.sum() == pytest.approx(9.492166, abs=1e-5)


def test_agrees_with_the_reference_program_on_real_votes() -> None:
    rows = rated("avt-ai/ratings.csv")
    columns = ([r["rater"] for r in rows], [r["image"] for r in rows])
    votes = collect_votes(*columns, [float(r["score"]) for r in rows])
    found = fit_subjects(votes.keep_raters(votes.per_rater() >= 74), variance="p910")
    assert found.quality.sum() == pytest.approx(209.39289317551447, abs=1e-7)
    assert found.std.sum() == pytest.approx(12.447205387112954, abs=1e-7)
    assert found.inconsistency.sum() == pytest.approx(21.864845751349222, abs=1e-7)
    assert found.bias[:3] == pytest.approx([-0.218572, -0.178572, 0.314761], abs=1e-6)


def test_a_fitted_rater_is_refused_where_the_reference_program_follows_him() -> None:
    # sureal gives these items the fourth rater's votes as quality, with a standard error of 0.
    scores = np.array(
        [
            [5, 4, 5, 3, 5, 4], [4, 4, 3, 2, 5, 2], [2, 3, 1, 1, 4, 5], [1, 2, 1, 1, 2, 3],
            [3, 3, 4, 2, 4, 1], [5, 5, 4, 3, 5, 3], [2, 1, 2, 1, 3, 4], [3, 4, 3, 2, np.nan, 2],
        ]
    )  # fmt: skip
    votes = from_matrix(scores)
    with pytest.raises(StatsError, match="such as 3 with 8 votes"):
        fit_subjects(votes, variance="p910")
    mended = fit_subjects(votes)
    assert mended.std.min() > 0.1
    assert mended.inconsistency.min() > 0.1
    assert mended.inconsistency[5] == mended.inconsistency.max()


def test_careless_raters_weigh_little_and_strict_ones_shift_nothing() -> None:
    scores, quality, bias = simulated(11, items=80, raters=10, spread=(0.2, 0.3))
    random = np.random.default_rng(0)
    scores[:, 0] = random.uniform(1, 5, 80)
    votes = from_matrix(scores)
    found, plain = fit_subjects(votes), mean_opinion_scores(votes).mos
    truth = quality - quality.mean()
    assert np.std(found.quality - found.quality.mean() - truth) < 0.5 * np.std(
        plain - plain.mean() - truth
    )
    assert found.inconsistency[0] > 3 * found.inconsistency[1:].max()
    assert found.bias[1:] - found.bias[1:].mean() == pytest.approx(
        bias[1:] - bias[1:].mean(), abs=0.15
    )


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.floats(-50, 50))
@settings(max_examples=15, deadline=None)
def test_order_and_units_do_not_matter(seed: int, factor: float, shift: float) -> None:
    scores, _, _ = simulated(seed, items=30, raters=6)
    items, raters = (np.random.default_rng(seed).permutation(n) for n in scores.shape)
    one = fit_subjects(from_matrix(scores))
    two = fit_subjects(from_matrix(shift + factor * scores[items][:, raters]))
    assert two.quality == pytest.approx(shift + factor * one.quality[items], abs=1e-5)
    assert two.bias == pytest.approx(factor * one.bias[raters], abs=1e-5)
    assert two.inconsistency == pytest.approx(factor * one.inconsistency[raters], rel=1e-4)


def covered(model: SubjectModel, truth: np.ndarray) -> float:
    return float(np.mean((model.low <= truth) & (truth <= model.high)))


def runs_away(votes: Votes) -> bool:
    try:
        fit_subjects(votes, variance="p910")
    except StatsError:
        return True
    return False


@pytest.mark.parametrize("raters", [5, 15])
def test_quality_intervals_cover_as_often_as_they_say(raters: int) -> None:
    rates = []
    for seed in range(40):
        scores, quality, bias = simulated(seed, items=100, raters=raters)
        rates.append(covered(fit_subjects(from_matrix(scores)), quality + bias.mean()))
    assert np.mean(rates) == pytest.approx(0.95, abs=0.02)


def test_p910_itself_runs_away_in_small_panels_and_is_too_sure_in_larger_ones() -> None:
    """What the standard's variance does, so that nobody makes it the default unawares."""
    small = [from_matrix(simulated(seed, items=100, raters=5)[0]) for seed in range(10)]
    assert sum(runs_away(votes) for votes in small) >= 5
    rates = []
    for seed in range(30):
        scores, quality, bias = simulated(seed, items=100, raters=25)
        found = fit_subjects(from_matrix(scores), variance="p910")
        rates.append(covered(found, quality + bias.mean()))
    assert np.mean(rates) < 0.94


def test_bias_and_inconsistency_intervals_cover() -> None:
    bias_hits, spread_hits = [], []
    for seed in range(40):
        random = np.random.default_rng(seed)
        spread, bias = random.uniform(0.3, 1.0, 15), random.normal(0, 0.4, 15)
        noise = random.normal(size=(100, 15)) * spread
        found = fit_subjects(from_matrix(random.uniform(1, 5, (100, 1)) + bias + noise))
        truth = bias - bias.mean()
        bias_hits.append((found.bias_low <= truth) & (truth <= found.bias_high))
        spread_hits.append(
            (found.inconsistency_low <= spread) & (spread <= found.inconsistency_high)
        )
    assert np.mean(bias_hits) == pytest.approx(0.95, abs=0.02)
    assert np.mean(spread_hits) == pytest.approx(0.95, abs=0.03)


def test_what_cannot_be_modelled_is_named() -> None:
    with pytest.raises(TooFewRatings, match="2 raters on 3 items"):
        fit_subjects(from_matrix(np.arange(6.0).reshape(3, 2)))
    with pytest.raises(ConstantValues, match="every vote is 4"):
        fit_subjects(from_matrix(np.full((3, 3), 4.0)))
    with pytest.raises(InputError, match="prior_votes is -1"):
        fit_subjects(from_matrix(formula_votes()), prior_votes=-1)
    with pytest.raises(InputError, match="variance is 'ml'"):
        fit_subjects(from_matrix(formula_votes()), variance="ml")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="interval is 'sos'"):
        fit_subjects(from_matrix(formula_votes()), interval="sos")  # type: ignore[arg-type]


def test_ambiguity_agrees_with_the_reference_program() -> None:
    # sureal 0.9.0's MLE, its free constant set so that the least ambiguous content has 0.
    found = fit_ambiguity(from_matrix(formula_votes()), np.arange(40) % 4)
    assert found.log_likelihood == pytest.approx(-366.0963657429982, abs=1e-4)
    assert found.ambiguity == pytest.approx([0, 0.51793, 0.6783, 0.99569], abs=1e-3)
    assert found.quality[:4] == pytest.approx([0.95533, 1.38263, 1.53325, 1.82323], abs=1e-3)
    plain = fit_subjects(from_matrix(formula_votes()), variance="p910")
    assert found.bic < plain.bic


def test_ambiguity_is_found_again_and_not_invented() -> None:
    random = np.random.default_rng(2)
    content = np.arange(160) % 4
    added = np.array([0.0, 0.4, 0.7, 1.0])
    spread = random.uniform(0.4, 0.8, 20)
    deviation = np.sqrt(spread**2 + added[content][:, None] ** 2)
    scores = random.uniform(1, 5, (160, 1)) + random.normal(size=(160, 20)) * deviation
    found = fit_ambiguity(from_matrix(scores), [f"scene {c}" for c in content])
    assert found.contents == ("scene 0", "scene 1", "scene 2", "scene 3")
    assert found.ambiguity == pytest.approx(added, abs=0.2)
    assert (found.ambiguity_low[1:] < added[1:]).all()
    # Maximum likelihood takes variances too small by the qualities' share of the votes, 1 in 20.
    assert (found.ambiguity_high[1:] > added[1:] * np.sqrt(0.95)).all()
    even = random.uniform(1, 5, (160, 1)) + random.normal(size=(160, 20)) * spread
    votes = from_matrix(even)
    assert fit_ambiguity(votes, content).bic > fit_subjects(votes, variance="p910").bic


def test_ambiguity_needs_contents() -> None:
    votes = from_matrix(formula_votes())
    with pytest.raises(TooFewRatings, match="one content"):
        fit_ambiguity(votes, ["same"] * 40)
    with pytest.raises(InputError, match="3 contents for 40 items"):
        fit_ambiguity(votes, [1, 2, 3])
