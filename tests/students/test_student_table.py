"""The table of `runs.student_table`: a split without a ranking has no SRCC, and is counted."""

from __future__ import annotations

import math

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch: make test-torch")

from runs.student_table import Rated, alone, cell, map_after, srcc

pytestmark = pytest.mark.torch


def test_flat_scores_have_no_srcc() -> None:
    assert math.isnan(srcc(np.ones(5), np.arange(5.0)))
    assert srcc(np.arange(5.0), np.arange(5.0)) == pytest.approx(1)


def test_a_map_that_comes_out_flat_is_counted_and_not_averaged() -> None:
    rng = np.random.default_rng(0)
    noise = Rated(rng.normal(size=75), rng.normal(size=(75, 4)), rng.normal(size=75))
    row = alone(noise, 8, map_after)  # nothing to learn: some increasing maps are constant
    flat = np.isnan(row["SRCC at 20 %"]).sum()
    assert 0 < flat < 8
    assert cell(np.array(row["SRCC at 20 %"])).endswith(f"({flat} flat)")
    assert not np.isnan(row["RMSE at 20 %"]).any()


def test_cells_without_a_figure() -> None:
    assert cell(np.array([])) == "–"
    assert cell(np.array([np.nan, np.nan])) == "– (2 flat)"
    assert cell(np.array([0.5, 0.7])).startswith("0.600 ± ")
