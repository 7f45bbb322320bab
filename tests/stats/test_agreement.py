"""The whole of one scorer: the parts are those of the single functions, and labelled."""

from __future__ import annotations

import numpy as np
import pytest

from snellen import stats
from snellen.errors import ConstantValues
from snellen.stats.agreement import MAPS


def rated(n: int = 120, seed: int = 0):
    rng = np.random.default_rng(seed)
    quality = rng.uniform(1, 5, n)
    scores = np.exp(quality) + 5 * rng.normal(size=n)
    return scores, quality + 0.2 * rng.normal(size=n), rng.uniform(0.5, 1.0, n)


@pytest.mark.parametrize("clustered", [False, True])
def test_every_figure_is_that_of_its_own_function(clustered):
    scores, mos, std = rated()
    clusters = np.arange(120) // 4 if clustered else None
    how = {"clusters": clusters, "resamples": 200, "seed": 3}
    found = stats.agreement(scores, mos, std=std, votes=12, **how)
    assert found.srcc == stats.srcc(scores, mos, **how)
    assert found.krcc == stats.krcc(scores, mos, **how)
    assert found.plcc == stats.plcc(scores, mos, **how)
    for kind in MAPS:
        for side, cross in ((found.in_sample, False), (found.cross_fitted, True)):
            plcc = stats.plcc(scores, mos, mapping=kind, cross_fit=cross, **how)
            assert side[kind].plcc == plcc
            assert side[kind].rmse == stats.rmse(scores, mos, mapping=kind, cross_fit=cross, **how)
        predicted = stats.cross_fit(scores, mos, kind, clusters=clusters, seed=3)
        ratio = stats.outlier_ratio(predicted, mos, std, 12, **how)
        assert found.cross_fitted[kind].outlier_ratio.value == ratio.value
        assert found.cross_fitted[kind].outlier_ratio.fit == "cross-fitted"
        assert found.in_sample[kind].outlier_ratio.fit == "in-sample"
    assert not found.skipped


def test_without_votes_there_is_no_outlier_ratio():
    scores, mos, _ = rated()
    found = stats.agreement(scores, mos, resamples=100)
    assert all(after.outlier_ratio is None for after in found.cross_fitted.values())


def test_maps_that_cannot_be_fitted_are_skipped_with_the_reason():
    found = stats.agreement([1, 2, 3, 4, 6, 5], [1, 3, 2, 5, 4, 6], resamples=50)
    assert set(found.skipped) == {"logistic4", "logistic5"}
    assert "needs 6" in found.skipped["logistic5"]
    assert set(found.cross_fitted) == {"isotonic"}


def test_the_missing_are_counted_once_for_all():
    scores, mos, std = rated()
    scores[:7] = np.nan
    std[7:9] = np.nan
    found = stats.agreement(scores, mos, std=std, votes=12, resamples=50)
    assert (found.n, found.missing) == (113, 7)
    ratio = found.cross_fitted["isotonic"].outlier_ratio
    assert (ratio.n, ratio.missing) == (111, 2)


def test_constant_scores_are_refused_and_reversed_ones_flagged():
    scores, mos, _ = rated()
    with pytest.raises(ConstantValues):
        stats.agreement(np.ones(120), mos)
    assert stats.agreement(-scores, mos, resamples=50).srcc.reversed
