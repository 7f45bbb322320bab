"""Krasula's analysis: hand-computed cases, brute force, and honest error rates."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen import stats
from snellen.errors import StatsError, TooFewRatings
from snellen.stats.arrays import align
from snellen.stats.differences import draw_pairs, judged_by_votes
from snellen.stats.krasula import components, delong_covariance


def rated(
    n: int, noises: list[float], votes: int = 15, seed: int = 0
) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Scores of several scorers, MOS and std of n images with `votes` noisy votes each."""
    rng = np.random.default_rng(seed)
    quality = rng.uniform(1, 5, n)
    ballots = quality[:, None] + 0.8 * rng.normal(size=(n, votes))
    scores = [quality + s * rng.normal(size=n) for s in noises]
    return scores, ballots.mean(axis=1), ballots.std(axis=1, ddof=1)


def test_hand_computed_case():
    """Four images, 16 votes of std 1: a MOS difference of 1.645·√(2/16) = .582 is significant."""
    mos = [1.0, 1.5, 3.0, 3.4]
    score = [10.0, 14.0, 13.0, 20.0]
    # Similar: (1, 2) |Δ| 4 and (3, 4) |Δ| 7.
    # Different: (1, 3) +3, (1, 4) +10, (2, 3) −1, (2, 4) +6, towards the better image.
    found = stats.krasula(score, mos, np.ones(4), 16)
    assert (found.different, found.similar) == (4, 2)
    # |Δ| 3, 10, 1, 6 against 4, 7: won 0, 2, 0, 1 of 2 each.
    assert found.different_similar[0].value == pytest.approx(3 / 8)
    # 3, 10, −1, 6 against −3, −10, 1, −6: won 4, 4, 3, 4 of 4 each.
    assert found.better_worse[0].value == pytest.approx(15 / 16)
    assert found.correct[0].value == pytest.approx(3 / 4)
    # 95th percentile of 4 and 7.
    assert found.threshold[0] == pytest.approx(4 + 0.95 * 3)


def test_equal_scores_are_no_correct_classification():
    found = stats.krasula([1, 2, 2, 3], [1.0, 1.1, 5.0, 5.1], np.ones(4), 16)
    # Different: (1, 3), (1, 4), (2, 4) right, (2, 3) tied.
    assert found.correct[0].value == pytest.approx(3 / 4)


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=9),
    st.lists(st.integers(0, 6), min_size=1, max_size=9),
)
def test_areas_are_shares_of_won_duels(positive, negative):
    duels = list(itertools.product(positive, negative))
    won = sum((p > n) + 0.5 * (p == n) for p, n in duels) / len(duels)
    area, above, beyond = components(np.array([positive], float), np.array([negative], float))
    assert area[0] == pytest.approx(won)
    assert beyond.mean() == pytest.approx(won)
    assert ((above >= 0) & (above <= 1)).all()


def test_delong_worked_by_hand():
    # Positives 3, 1; negatives 0, 2, 2. V10 = 1, 1/3; V01 = 1, 1/2, 1/2; area 2/3.
    # Variances (n − 1): 2/9 and 1/12; S = (2/9)/2 + (1/12)/3 = 5/36.
    area, above, beyond = components(np.array([[3.0, 1.0]]), np.array([[0.0, 2.0, 2.0]]))
    assert area[0] == pytest.approx(2 / 3)
    assert delong_covariance(above, beyond)[0, 0] == pytest.approx(5 / 36)


def test_verdicts_are_the_z_test_of_j149():
    scores, mos, std = rated(40, [0.5])
    data = align(scores, mos)
    pairs = judged_by_votes(data, std, 15, level=0.95, most=10_000, seed=0)
    assert pairs.first.size == 40 * 39 // 2
    error = (std**2 / 15)[data.position]
    for first, second, verdict in zip(pairs.first, pairs.second, pairs.verdict, strict=True):
        z = (data.mos[first] - data.mos[second]) / np.sqrt(error[first] + error[second])
        assert verdict == (np.sign(z) if abs(z) >= 1.6448536 else 0)


def test_unanimous_votes_count_every_difference():
    found = stats.krasula([1, 2, 3, 4.0], [1, 2, 2, 1], np.zeros(4), 5)
    assert (found.different, found.similar) == (4, 2)
    assert found.correct[0].value == 0.5


def test_better_scorers_win_every_figure():
    scores, mos, std = rated(150, [0.2, 0.6, 1.5])
    found = stats.krasula(scores, mos, std, 15, names=["good", "fair", "poor"])
    for figure in (found.different_similar, found.better_worse, found.correct):
        values = [f.value for f in figure]
        assert values == sorted(values, reverse=True)
        assert all(f.low < f.value < f.high for f in figure)
    for p in (found.p_different_similar, found.p_better_worse, found.p_correct):
        assert (p == p.T).all()
        assert p[0, 2] < 1e-4
    assert (np.diff(found.threshold) > 0).all()


def test_scale_and_order_do_not_matter_and_negation_turns_better_into_worse():
    scores, mos, std = rated(60, [0.5])
    plain = stats.krasula(scores[0], mos, std, 15)
    moved = stats.krasula(100 + 7 * scores[0], mos, std, 15)
    order = np.random.default_rng(1).permutation(60)
    shuffled = stats.krasula(scores[0][order], mos[order], std[order], 15)
    turned = stats.krasula(-scores[0], mos, std, 15)
    for other in (moved, shuffled):
        assert other.better_worse[0].value == pytest.approx(plain.better_worse[0].value)
        assert other.different_similar[0].low == pytest.approx(plain.different_similar[0].low)
    assert turned.better_worse[0].value == pytest.approx(1 - plain.better_worse[0].value)
    assert turned.different_similar[0].value == pytest.approx(plain.different_similar[0].value)


def test_a_monotone_copy_of_a_scorer_is_its_equal_in_direction():
    scores, mos, std = rated(60, [0.5])
    found = stats.krasula([scores[0], np.exp(scores[0])], mos, std, 15)
    assert found.p_correct[0, 1] == 1.0
    assert found.p_different_similar[0, 1] < 1.0


@pytest.mark.parametrize("n", [5, 40, 501])
def test_drawn_pairs_are_different_pairs_of_the_upper_triangle(n):
    possible = n * (n - 1) // 2
    first, second, count = draw_pairs(n, min(possible - 1, 5000), seed=0)
    assert count == possible
    assert first.size == min(possible - 1, 5000)
    assert (first < second).all()
    assert first.min() >= 0
    assert second.max() < n
    assert np.unique(first * n + second).size == first.size


def test_many_images_are_judged_on_a_sample_of_pairs():
    scores, mos, std = rated(400, [0.5])
    whole = stats.krasula(scores, mos, std, 15)
    part = stats.krasula(scores, mos, std, 15, most_pairs=20_000)
    assert not whole.sampled
    assert part.sampled
    assert part.different + part.similar == 20_000
    assert part.better_worse[0].value == pytest.approx(whole.better_worse[0].value, abs=0.01)


def test_missing_are_left_out_and_counted():
    scores, mos, std = rated(50, [0.5])
    scores[0][:2] = np.nan
    std[2:5] = np.nan
    found = stats.krasula(scores, mos, std, 15)
    assert (found.n, found.missing) == (45, 5)


def test_what_cannot_be_separated_is_refused_by_name():
    with pytest.raises(StatsError, match="people tell apart 0 of 3 pairs"):
        stats.krasula([1, 2, 3], [1, 1.01, 1.02], np.ones(3), 5)
    with pytest.raises(StatsError, match="people tell apart 3 of 3 pairs"):
        stats.krasula([1, 2, 3], [1, 2, 3.0], np.full(3, 0.01), 5)
    with pytest.raises(TooFewRatings, match="under 2 votes"):
        stats.krasula([1, 2, 3], [1, 2, 3.0], np.ones(3), 1)
    with pytest.raises(StatsError, match="1 scorers were given with 2 names"):
        stats.krasula([1, 2, 3], [1, 2, 3.0], np.ones(3), 5, names=["a", "b"])


@pytest.mark.slow
def test_intervals_cover_and_equals_pass_where_independent_pairs_would_not():
    """60 images, 400 experiments: ours errs about as often as promised, DeLong's far more often."""
    rng = np.random.default_rng(3)
    truth = (
        stats.krasula(*[x if i else x[0] for i, x in enumerate(rated(3000, [0.7], seed=99))], 15)
        .better_worse[0]
        .value
    )
    inside = wrong = delong = 0
    for _ in range(400):
        scores, mos, std = rated(60, [0.7, 0.7], seed=int(rng.integers(1 << 30)))
        found = stats.krasula(scores, mos, std, 15)
        inside += found.better_worse[0].low <= truth <= found.better_worse[0].high
        wrong += found.p_different_similar[0, 1] < 0.05
        delong += found.p_delong[0][0, 1] < 0.05
    assert 0.90 < inside / 400 < 0.98, inside / 400
    assert 0.02 < wrong / 400 < 0.08, wrong / 400
    assert delong / 400 > 0.15, delong / 400
