"""People's opinion in closed form: what it learns, what it falls back to, what it refuses."""

from __future__ import annotations

import io

import numpy as np
import pytest

from snellen.errors import ConstantValues, InputError, TooFewRatings
from snellen.students.opinion import MOST, Opinion, fit_opinion, kernel, typical_width


def world(n: int, seed: int = 0, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, features and opinions that depend on both, the second through a bend."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(n, 6))
    scores = rng.normal(50, 10, n)
    mos = 3 + 0.05 * (scores - 50) + 0.6 * np.tanh(features[:, 0]) + rng.normal(0, noise, n)
    return scores, features, mos


def error(opinion: Opinion, n: int = 400) -> float:
    scores, features, mos = world(n, seed=99, noise=0.0)
    return float(np.sqrt(np.mean((opinion(scores, features) - mos) ** 2)))


def test_more_ratings_come_nearer_and_both_score_and_features_are_used() -> None:
    errors = [error(fit_opinion(*world(n))) for n in (12, 40, 150, 600)]
    assert errors == sorted(errors, reverse=True)
    scores, _, mos = world(600)
    line = np.polyfit(scores, mos, 1)
    truth = world(400, seed=99, noise=0.0)
    straight = float(np.sqrt(np.mean((np.polyval(line, truth[0]) - truth[2]) ** 2)))
    assert errors[-1] < 0.4 * straight


def test_far_from_every_rated_picture_it_is_the_distilled_score_on_a_line() -> None:
    opinion = fit_opinion(*world(100))
    far = np.full((3, 6), 1e3)
    scores = np.array([30.0, 50.0, 70.0])
    assert opinion(scores, far) == pytest.approx(opinion.intercept + opinion.slope * scores)
    assert opinion.slope > 0


def test_features_that_say_nothing_are_passed_over() -> None:
    rng = np.random.default_rng(1)
    scores, _, _ = world(200)
    mos = 3 + 0.05 * (scores - 50) + rng.normal(0, 0.3, 200)
    idle = fit_opinion(scores, rng.normal(size=(200, 6)), mos)
    told = fit_opinion(*world(200))
    assert idle.share < 0.3 < told.share


def test_the_unit_of_scores_and_ratings_changes_nothing_else() -> None:
    scores, features, mos = world(60)
    plain = fit_opinion(scores, features, mos)
    other = fit_opinion(scores / 1000 + 5, features, 20 * mos - 7)
    new = world(20, seed=5)
    expected = 20 * plain(new[0], new[1]) - 7
    assert other(new[0] / 1000 + 5, new[1]) == pytest.approx(expected, rel=1e-6)


def test_the_order_of_the_ratings_changes_nothing() -> None:
    scores, features, mos = world(50)
    turned = fit_opinion(scores[::-1], features[::-1], mos[::-1])
    new = world(20, seed=5)
    same = fit_opinion(scores, features, mos)(new[0], new[1])
    assert turned(new[0], new[1]) == pytest.approx(same, abs=1e-9)


def test_ten_noisy_ratings_still_rank_with_the_score() -> None:
    ranks = []
    for seed in range(20):
        opinion = fit_opinion(*world(10, seed=seed, noise=1.0))
        ranks.append(opinion.slope > 0)
    assert all(ranks)  # the prior's pull: ten ratings do not turn a score over by chance


def test_what_cannot_be_learned_from_is_refused() -> None:
    scores, features, mos = world(30)
    with pytest.raises(TooFewRatings, match="9 ratings are too few"):
        fit_opinion(scores[:9], features[:9], mos[:9])
    with pytest.raises(ConstantValues, match="all 30 ratings are 3"):
        fit_opinion(scores, features, np.full(30, 3.0))
    with pytest.raises(ConstantValues, match="scores"):
        fit_opinion(np.full(30, 3.0), features, mos)
    with pytest.raises(InputError, match="do not match"):
        fit_opinion(scores[:20], features, mos)
    with pytest.raises(InputError, match=f"more than the {MOST:}"):
        fit_opinion(
            *(np.zeros((MOST + 1, 2)) if i == 1 else np.arange(MOST + 1.0) for i in range(3))
        )


def test_it_survives_a_file() -> None:
    opinion = fit_opinion(*world(40))
    file = io.BytesIO()
    np.savez(file, **opinion.arrays())
    file.seek(0)
    with np.load(file) as arrays:
        back = Opinion.from_arrays(arrays)
    new = world(10, seed=3)
    assert back(new[0], new[1]) == pytest.approx(opinion(new[0], new[1]), abs=1e-5)


def test_likeness_is_one_to_itself_and_the_width_is_typical() -> None:
    features = np.random.default_rng(0).normal(size=(30, 4))
    width = typical_width(features)
    like = kernel(features, features, width)
    assert np.diag(like) == pytest.approx(np.ones(30))
    assert np.median(like[np.triu_indices(30, 1)]) == pytest.approx(np.exp(-0.5))
    assert typical_width(np.zeros((5, 4))) == 1.0
