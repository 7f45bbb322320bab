"""Paired comparisons: published example, independent optimisers, symmetries, coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from panels import rated
from scipy.optimize import minimize
from scipy.stats import norm, spearmanr

from snellen.errors import ConstantValues, Disconnected, InputError, StatsError, TooFewRatings
from snellen.stats.laplacian import Laplacian
from snellen.stats.pairs import Comparisons, collect_counts, collect_pairs
from snellen.stats.scaling import PairScale, bradley_terry, thurstone

# Wins of row over column in the American League's eastern division, 1987: Agresti, "Categorical
# Data Analysis", 2nd ed., § 10.6.1.
BASEBALL = np.array(
    [
        [0, 7, 9, 7, 7, 9, 11], [6, 0, 7, 5, 11, 9, 9], [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10], [6, 2, 6, 7, 0, 7, 12], [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ]
)  # fmt: skip
LN3 = np.log(3)


def from_wins(wins: np.ndarray, ties: np.ndarray | None = None) -> Comparisons:
    """Comparisons from (items, items) wins of row over column and symmetric ties."""
    one, other = np.triu_indices(len(wins), 1)
    tied = None if ties is None else ties[one, other]
    return collect_counts(one, other, wins[one, other], wins[other, one], tied)


def some_wins(seed: int, items: int = 6) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    wins = random.integers(1, 9, (items, items))
    ties = np.triu(random.integers(0, 4, (items, items)), 1)
    return wins, ties + ties.T


def test_bradley_terry_of_the_published_example() -> None:
    scale = bradley_terry(from_wins(BASEBALL))
    logits = scale.jod * LN3
    # Published to three decimals with Baltimore at 0; choix 0.4.1's ilsr_pairwise gives the digits.
    assert logits - logits[-1] == pytest.approx(
        [1.58135588, 1.43640843, 1.29448512, 1.24761785, 1.10769771, 0.68385277, 0], abs=1e-8
    )
    assert scale.jod.sum() == pytest.approx(0, abs=1e-12)
    assert scale.comparisons == BASEBALL.sum()
    # The model's standard errors against Baltimore, published as 0.343 to 0.332.
    _gap, low, high = scale.difference(0, 6)
    assert (high - low) / 2 / norm.ppf(0.975) * LN3 == pytest.approx(0.343, abs=5e-4)


def test_one_pair_by_hand() -> None:
    # 3 of 4 preferred the first: that is what 1 JOD means, in either model.
    pairs = collect_counts(["x"], ["y"], [30], [10])
    for scale in (bradley_terry(pairs), thurstone(pairs)):
        assert scale.jod == pytest.approx([0.5, -0.5])
        assert scale.preference(0, 1) == pytest.approx(0.75)
        assert scale.preference([1, 0], [0, 0]) == pytest.approx([0.25, 0.5])
        assert scale.agreement == 0.75
    # Observed information of a logit: 1 / (n p q); of the difference in JOD it is / ln 3.
    _gap, low, high = bradley_terry(pairs).difference(0, 1)
    assert (high - low) / 2 == pytest.approx(norm.ppf(0.975) / np.sqrt(40 * 0.1875) / LN3)


def log_likelihood(scores: np.ndarray, wins: np.ndarray, ties: np.ndarray, model: str) -> float:
    """Written out pair by pair, independent of the package; the last score is log ν."""
    total = 0.0
    for i in range(len(wins)):
        for j in range(i + 1, len(wins)):
            gap = scores[i] - scores[j]
            w, lost, t = wins[i, j], wins[j, i], ties[i, j]
            if model == "davidson":
                parts = np.array([np.exp(gap / 2), np.exp(-gap / 2), np.exp(scores[-1])])
                total += np.array([w, lost, t]) @ np.log(parts / parts.sum())
            else:
                p = 1 / (1 + np.exp(-gap)) if model == "half" else norm.cdf(gap)
                total += (w + t / 2) * np.log(p) + (lost + t / 2) * np.log(1 - p)
    return total


@pytest.mark.parametrize("model", ["half", "davidson", "thurstone"])
@pytest.mark.parametrize("prior", [None, 0.8])
def test_models_agree_with_a_general_optimiser(model: str, prior: float | None) -> None:
    wins, ties = some_wins(4)
    scale = fit(from_wins(wins, ties), model, prior)
    unit = norm.ppf(0.75) if model == "thurstone" else LN3
    ridge = 0 if prior is None else 0.5 / (prior * unit) ** 2

    def loss(x: np.ndarray) -> float:
        centre = x[:6] - x[:6].mean()
        return ridge * float(centre @ centre) - log_likelihood(x, wins, ties, model)

    start = np.zeros(7 if model == "davidson" else 6)
    found = minimize(loss, start, method="BFGS", options={"gtol": 1e-9}).x
    assert scale.jod == pytest.approx((found[:6] - found[:6].mean()) / unit, abs=1e-5)
    assert scale.log_likelihood == pytest.approx(log_likelihood(found, wins, ties, model), abs=1e-6)
    if model == "davidson":
        assert scale.tie_factor == pytest.approx(np.exp(found[-1]), rel=1e-4)
    # Standard errors: the numerical second derivative of the same function, about the mean.
    curvature = second_derivative(loss, found)
    curvature[:6, :6] += 1  # fixes the mean, which the likelihood leaves open
    covariance = np.linalg.inv(curvature)[:6, :6]
    centring = np.eye(6) - 1 / 6
    expected = np.sqrt(np.diag(centring @ covariance @ centring)) / unit
    assert scale.std == pytest.approx(expected, rel=1e-3)


def fit(pairs: Comparisons, model: str, prior: float | None = None) -> PairScale:
    if model == "thurstone":
        return thurstone(pairs, prior)
    return bradley_terry(pairs, "davidson" if model == "davidson" else "half", prior)


def second_derivative(function, x: np.ndarray, step: float = 1e-4) -> np.ndarray:  # type: ignore[no-untyped-def]
    steps = np.eye(len(x)) * step
    return np.array(
        [
            [
                function(x + a + b)
                - function(x + a - b)
                - function(x - a + b)
                + function(x - a - b)
                for b in steps
            ]
            for a in steps
        ]
    ) / (4 * step**2)


@given(st.integers(0, 2**32 - 1), st.sampled_from(["half", "davidson", "thurstone"]))
@settings(max_examples=30, deadline=None)
def test_symmetries(seed: int, model: str) -> None:
    wins, ties = some_wins(seed)
    scale = fit(from_wins(wins, ties), model)
    turned = fit(from_wins(wins.T, ties), model)
    assert turned.jod == pytest.approx(-scale.jod, abs=1e-7)
    order = np.random.default_rng(seed).permutation(6)
    moved = fit(from_wins(wins[order][:, order], ties[order][:, order]), model)
    assert moved.jod == pytest.approx(scale.jod[order], abs=1e-7)
    four_times = fit(from_wins(4 * wins, 4 * ties), model)
    assert four_times.jod == pytest.approx(scale.jod, abs=1e-7)
    assert four_times.std == pytest.approx(scale.std / 2, rel=1e-6)


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_rows_and_counts_say_the_same(seed: int) -> None:
    random = np.random.default_rng(seed)
    one = random.integers(5, size=60)
    other = (one + 1 + random.integers(4, size=60)) % 5
    answer = random.integers(3, size=60)
    rows = collect_pairs(one, other, answer)
    words = np.array(["tie", "first", "second"])[answer]
    swapped = collect_pairs(other, one, np.array(["tie", "second", "first"])[answer])
    counts = collect_counts(one, other, answer == 1, answer == 2, answer == 0)
    for found in (collect_pairs(one, other, words.tolist()), swapped, counts):
        for name in ("first", "second", "wins_first", "wins_second", "ties"):
            assert getattr(found, name).tolist() == getattr(rows, name).tolist()


def test_real_comparisons_rank_as_their_publishers_did() -> None:
    rows, published = rated("pcuid/pairs.csv"), rated("pcuid/mos.csv")
    pairs = collect_pairs(
        *([row[name] for row in rows] for name in ("first", "second", "preferred"))
    )
    assert (len(pairs), len(pairs.items), pairs.ties.sum()) == (10_878, 148, 266)
    mos = {row["image"]: float(row["mos"]) for row in published}
    for model in ("half", "davidson", "thurstone"):
        scale = fit(pairs, model)
        order = [mos[str(item)] for item in pairs.items]
        assert spearmanr(scale.jod, order).statistic > 0.997
        assert scale.agreement > 0.91


@pytest.mark.parametrize("model", ["half", "thurstone"])
def test_intervals_cover_as_often_as_they_say(model: str) -> None:
    random = np.random.default_rng(12)
    truth = random.normal(0, 0.8, 12)
    one, other = np.triu_indices(12, 1)
    gap = truth[one] - truth[other]
    unit = norm.ppf(0.75)
    share = norm.cdf(gap * unit) if model == "thurstone" else 1 / (1 + np.exp(-gap * LN3))
    hits = []
    for wins in random.binomial(8, share, (150, len(share))):
        scale = fit(collect_counts(one, other, wins, 8 - wins), model)
        hits.append((scale.low <= truth - truth.mean()) & (truth - truth.mean() <= scale.high))
    assert np.mean(hits) == pytest.approx(0.95, abs=0.02)


def test_groups_never_compared_are_refused_or_held_by_a_prior() -> None:
    pairs = collect_counts(["a", "c", "e"], ["b", "d", "f"], [2, 3, 1], [1, 1, 1])
    with pytest.raises(Disconnected, match=r"3 groups never compared .*: 'a', 'b'; 'c', 'd'"):
        bradley_terry(pairs)
    held = bradley_terry(pairs, prior=2)
    a, b, d = (pairs.items.index(name) for name in "abd")
    assert held.jod[a] + held.jod[b] == pytest.approx(0, abs=1e-9)
    assert held.jod[a] > held.jod[b]
    # Nothing ties the groups together: across them the prior's own width is left.
    _gap, low, high = held.difference(a, d)
    assert high - low > 2 * norm.ppf(0.975) * 2


def test_an_unbeaten_item_is_refused_or_held_by_a_prior() -> None:
    pairs = collect_pairs(["a", "a", "b", "c"], ["b", "c", "c", "b"], ["first"] * 4)
    with pytest.raises(Disconnected, match="'a' never lost to the other 2 items"):
        thurstone(pairs)
    tighter, wider = bradley_terry(pairs, prior=1), bradley_terry(pairs, prior=4)
    assert 0 < tighter.jod[0] < wider.jod[0]
    assert wider.jod[1] == pytest.approx(wider.jod[2])
    winless = collect_pairs(["a", "b", "a", "b"], ["b", "a", "c", "c"], ["first"] * 4)
    with pytest.raises(Disconnected, match="'c' never won against the other 2"):
        thurstone(winless)


def test_a_tie_joins_what_wins_alone_do_not() -> None:
    pairs = collect_pairs(["a", "a"], ["b", "b"], ["first", "tie"])
    assert bradley_terry(pairs).preference(0, 1) == pytest.approx(0.75)


def test_davidson_with_equal_items_gives_the_share_of_ties() -> None:
    pairs = collect_counts(["a"], ["b"], [30], [30], [20])
    scale = bradley_terry(pairs, "davidson")
    assert scale.jod == pytest.approx([0, 0], abs=1e-9)
    # P(tie) = ν / (2 + ν) = 1/4.
    assert scale.tie_factor == pytest.approx(2 / 3)
    with pytest.raises(ConstantValues, match="every answer is a tie"):
        bradley_terry(collect_counts(["a"], ["b"], [0], [0], [5]), "davidson")


def big(items: int, answers: int) -> tuple[Comparisons, np.ndarray]:
    random = np.random.default_rng(0)
    truth = random.normal(0, 0.5, items)
    one = random.integers(items, size=answers)
    other = (one + 1 + random.integers(items - 1, size=answers)) % items
    first = random.random(answers) < 1 / (1 + np.exp((truth[other] - truth[one]) * LN3))
    return collect_pairs(one, other, np.where(first, 1, 2)), truth - truth.mean()


def test_sparse_and_dense_solutions_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs, _ = big(300, 6000)
    for model in ("half", "davidson"):
        dense = fit(pairs, model, prior=2)
        with monkeypatch.context() as patch:
            patch.setattr("snellen.stats.laplacian._DENSE", 10)
            sparse = fit(pairs, model, prior=2)
            patch.setattr("snellen.stats.scaling._EXACT", 10)
            estimated = fit(pairs, model, prior=2)
        assert sparse.jod == pytest.approx(dense.jod, abs=1e-9)
        assert estimated.covariance is None
        assert np.abs(estimated.std / dense.std - 1).mean() < 0.03
        assert dense.std == pytest.approx(np.sqrt(np.diag(dense.covariance)))
        assert dense.covariance.sum(axis=0) == pytest.approx(np.zeros(300), abs=1e-9)


def test_more_items_than_fit_a_matrix() -> None:
    pairs, truth = big(4000, 80_000)
    scale = bradley_terry(pairs, prior=3)
    place = np.array(pairs.items)
    assert np.mean(np.abs(scale.jod - truth[place]) < norm.ppf(0.975) * scale.std) == pytest.approx(
        0.95, abs=0.02
    )
    with pytest.raises(StatsError, match="no covariance of 4000 items"):
        scale.difference(0, 1)
    bare = bradley_terry(pairs, prior=3, intervals=False)
    assert np.isnan(bare.low).all()
    assert bare.jod == pytest.approx(scale.jod)


@pytest.mark.parametrize("ridge", [0.0, 0.01])
def test_a_long_chain_is_solved_too(ridge: float) -> None:
    chain = np.arange(5000)
    graph = Laplacian(chain[:-1], chain[1:], len(chain), ridge)
    graph.weigh(np.ones(4999))
    right = np.zeros((5000, 1))
    right[0], right[-1] = 1, -1
    found = graph.solve(right)
    if not ridge:
        assert np.diff(found[:, 0]) == pytest.approx(-np.ones(4999))
    image = (2 + ridge) * found
    image[[0, -1]] -= found[[0, -1]]
    image[1:] -= found[:-1]
    image[:-1] -= found[1:]
    assert image == pytest.approx(right, abs=1e-7)


def test_weights_that_determine_nothing_are_refused() -> None:
    chain = np.arange(400)
    for size in (4, 400):
        graph = Laplacian(chain[: size - 1], chain[1:size], size)
        weight = np.ones(size - 1)
        weight[0] = 0
        graph.weigh(weight)
        right = np.zeros((size, 1))
        right[0], right[-1] = 1, -1
        with pytest.raises(StatsError, match="do not determine"):
            graph.solve(right)


def test_names_missing_answers_and_selfs() -> None:
    pairs = collect_pairs(
        ["x", "x", "y", "z", "z"],
        ["y", "y", "x", "z", "w"],
        ["x", " Second ", "equal", "first", None],
    )
    assert pairs.items == ("x", "y")
    assert (pairs.missing, pairs.selfs) == (1, 1)
    assert [pairs.wins_first[0], pairs.wins_second[0], pairs.ties[0]] == [1, 1, 1]
    weighted = collect_pairs(["x", "x"], ["y", "y"], ["first", "second"], weight=[2.5, 1])
    assert [weighted.wins_first[0], weighted.wins_second[0]] == [2.5, 1]


def test_bad_input_is_named() -> None:
    with pytest.raises(InputError, match="'maybe' in row 2 is no answer about 'a' and 'c'"):
        collect_pairs(["a", "a"], ["b", "c"], ["first", "maybe"])
    with pytest.raises(InputError, match="'0' in row 1"):
        collect_pairs(["a"], ["b"], ["0"])
    with pytest.raises(InputError, match="codes from 1 to 3"):
        collect_pairs(["a", "a"], ["b", "b"], np.array([1, 3]))
    with pytest.raises(InputError, match="2 weights for 1 answers"):
        collect_pairs(["a"], ["b"], ["tie"], weight=[1, 2])
    with pytest.raises(InputError, match="not of one table"):
        collect_counts(["a"], ["b", "c"], [1], [2])
    with pytest.raises(StatsError, match="row 2 are negative"):
        collect_counts(["a", "a"], ["b", "c"], [1, -1], [1, 1])
    with pytest.raises(TooFewRatings, match="none of 1 rows"):
        collect_pairs(["a"], ["a"], ["first"])
    pairs = collect_counts(["a"], ["b"], [1], [1])
    with pytest.raises(InputError, match="prior of -1 JOD"):
        bradley_terry(pairs, prior=-1)
    with pytest.raises(InputError, match="ties is 'rao'"):
        bradley_terry(pairs, ties="rao")  # type: ignore[arg-type]
