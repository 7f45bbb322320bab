"""The people's half against the programs others use, side by side on fresh votes and comparisons.

`make test-oracles` installs sureal (ITU's reference program for P.910 and P.913) and choix in an
environment of their own and runs these; the golden figures of the other tests came from them.
"""

from __future__ import annotations

import contextlib
import io
from types import SimpleNamespace

import numpy as np
import pytest

from snellen.stats import bradley_terry, collect_pairs, collect_votes, fit_subjects

pytestmark = pytest.mark.oracle


@pytest.mark.parametrize("seed", range(4))
def test_subjects_agree_with_sureal(seed: int) -> None:
    # Imported inside, so that the suite without these programs still collects this file.
    from sureal.dataset_reader import RawDatasetReader
    from sureal.subjective_model import SubjectMLEModelProjectionSolver

    rng = np.random.default_rng(seed)
    items, raters = 30, 18
    quality = rng.uniform(1.5, 4.5, items)
    noise = rng.normal(0, rng.uniform(0.4, 0.9, raters), (items, raters))
    scores = np.clip(np.round(quality[:, None] + rng.normal(0, 0.4, raters) + noise), 1, 5)

    dataset = SimpleNamespace(
        dataset_name="made",
        ref_videos=[{"content_id": i, "content_name": str(i), "path": ""} for i in range(items)],
        dis_videos=[
            {"content_id": i, "asset_id": i, "os": list(scores[i]), "path": ""}
            for i in range(items)
        ],
    )
    theirs = SubjectMLEModelProjectionSolver(RawDatasetReader(dataset))
    with contextlib.redirect_stdout(io.StringIO()):
        theirs.run_modeling()

    item, rater = np.divmod(np.arange(items * raters), raters)
    votes = collect_votes(rater.tolist(), item.tolist(), scores.ravel().tolist())
    ours = fit_subjects(votes, variance="p910")
    np.testing.assert_allclose(ours.quality, theirs.model_result["quality_scores"], atol=1e-6)
    np.testing.assert_allclose(ours.bias, theirs.model_result["observer_bias"], atol=1e-6)
    np.testing.assert_allclose(
        ours.inconsistency, theirs.model_result["observer_inconsistency"], atol=1e-6
    )


@pytest.mark.parametrize("seed", range(4))
def test_bradley_terry_agrees_with_choix(seed: int) -> None:
    import choix

    rng = np.random.default_rng(seed)
    items, pairs = 25, 3_000
    strength = rng.normal(0, 1, items)
    first = rng.integers(0, items, pairs)
    second = (first + rng.integers(1, items, pairs)) % items
    wins = rng.random(pairs) < 1 / (1 + np.exp(strength[second] - strength[first]))
    winner, loser = np.where(wins, first, second), np.where(wins, second, first)
    theirs = choix.ilsr_pairwise(items, list(zip(winner.tolist(), loser.tolist(), strict=True)))

    answers = np.where(wins, "first", "second").tolist()
    comparisons = collect_pairs(first.tolist(), second.tolist(), answers)
    scale = bradley_terry(comparisons)
    order = np.argsort([int(item) for item in comparisons.items])
    # JOD are log-odds over log 3: one JOD is 75 % preference.
    ours = scale.jod[order] * np.log(3)
    np.testing.assert_allclose(ours - ours.mean(), theirs - theirs.mean(), atol=1e-6)
