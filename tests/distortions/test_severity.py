"""The table of opinions against the published scores, and the order of levels against it."""

from __future__ import annotations

import csv
from itertools import pairwise
from pathlib import Path

import pytest

from snellen import distortions

PUBLISHED = Path(__file__).parents[3] / "shared" / "data" / "severity" / "kadid10k.csv"
RATED = [d for d in distortions.catalogue() if "kadid10k" in d.aliases]


def test_every_kadid_distortion_has_opinions_and_no_other() -> None:
    for distortion in distortions.catalogue():
        opinions = [distortion.opinion(level) for level in distortion.levels]
        assert all(opinions) == (distortion in RATED)
        assert any(opinions) == (distortion in RATED)


@pytest.mark.parametrize("distortion", RATED, ids=lambda d: d.name)
def test_opinion_falls_along_the_order(distortion: distortions.Distortion) -> None:
    means = [opinion.mean for level in distortion.order if (opinion := distortion.opinion(level))]
    assert len(means) == 5
    # Two levels of colour shift are a hundredth apart the other way: less than chance.
    assert all(later < earlier + 0.02 for earlier, later in pairwise(means))
    assert all(1 <= mean <= 5 for mean in means)


def test_unchanged_pictures_are_rated_alike() -> None:
    rated = {
        (distortion.name, level): opinion.mean
        for distortion in RATED
        for level in distortion.unchanged
        if (opinion := distortion.opinion(level))
    }
    # Contrast change is the exception: KADID-10k's own middle level cannot have been 0.
    assert rated.pop(("contrast-change", 3)) == 4.29
    assert len(rated) == 4
    assert max(rated.values()) - min(rated.values()) < 0.05


@pytest.mark.skipif(
    not PUBLISHED.exists(), reason="the published scores are not beside the project"
)
def test_table_is_the_published_one() -> None:
    with PUBLISHED.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 125
    names = {distortion.aliases["kadid10k"]: distortion for distortion in RATED}
    for row in rows:
        opinion = names[row["type"]].opinion(int(row["level"]))
        assert opinion is not None
        assert opinion.mean == pytest.approx(float(row["mean"]), abs=0.00501)
        assert opinion.std == pytest.approx(float(row["std"]), abs=0.00501)
