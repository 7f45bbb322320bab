"""Votes for the tests of rater statistics: simulated, by formula, and real ones where present."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from snellen.stats.votes import Votes, collect_votes

Floats = npt.NDArray[np.float64]
RATED = Path(__file__).parents[2] / "../shared/data/rated"


def from_matrix(scores: Floats) -> Votes:
    """Votes from (items, raters), NaN = did not vote; items and raters keep their places."""
    item, rater = np.divmod(np.arange(scores.size), scores.shape[1])
    return collect_votes(rater, item, scores.ravel())


def formula_votes() -> Floats:
    """(40, 10) votes with gaps, the same on every machine: what the golden figures were made of.

    Quality climbs from 1 to 5, raters have biases and spreads, item j shows content j % 4.
    """
    j, i = np.mgrid[:40, :10]
    noise = ((j * j * 37 + i * i * 101 + j * i * 13 + 7 * j + 3 * i) % 97) / 97 - 0.5
    scores = 1 + 4 * j / 39 + 0.6 * np.cos(3 * i) + noise * (0.8 + 0.3 * (i % 5) + 0.9 * (j % 4))
    scores = np.round(scores, 2)
    scores[(j * 7 + i * 3) % 11 == 0] = np.nan
    return scores


def simulated(
    seed: int, items: int, raters: int, spread: tuple[float, float] = (0.3, 1.0)
) -> tuple[Floats, Floats, Floats]:
    """Scores (items, raters) of the subject model, the true quality and the raters' biases."""
    random = np.random.default_rng(seed)
    quality, bias = random.uniform(1.5, 4.5, items), random.normal(0, 0.4, raters)
    noise = random.normal(size=(items, raters)) * random.uniform(*spread, raters)
    return quality[:, None] + bias + noise, quality, bias


def rated(name: str) -> list[dict[str, str]]:
    """Rows of a CSV of the rated sets; skips the test where they are not."""
    path = RATED / name
    if not path.exists():
        pytest.skip(f"../shared/data/rated/{name} is not there")
    with path.open(newline="") as file:
        return list(csv.DictReader(file))
