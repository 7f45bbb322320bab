"""Which pictures to rate next: spread out, not seen yet, and worth more than chance."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snellen.errors import InputError
from snellen.students import choosing
from snellen.students.choosing import choose, rated_rows
from snellen.students.opinion import fit_opinion


def pool(n: int = 120, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures in six crowds of very different size, each with an opinion of its own."""
    rng = np.random.default_rng(seed)
    crowd = rng.choice(6, n, p=[0.6, 0.2, 0.1, 0.05, 0.03, 0.02])
    features = rng.normal(size=(6, 10))[crowd] * 2 + rng.normal(0, 0.4, (n, 10))
    mos = rng.normal(size=6)[crowd] * 2 + rng.normal(0, 0.2, n)
    return rng.normal(50, 10, n), features, mos


def test_no_picture_twice_and_none_that_is_rated() -> None:
    scores, features, _ = pool()
    rated = [3, 5, 8]
    found = choose(scores, features, 40, rated=rated)
    assert len(set(found.rows.tolist())) == 40
    assert not set(found.rows.tolist()) & set(rated)
    assert (np.diff(found.known) > 0).all()
    assert 0 < found.known[0] < found.known[-1] < 1


def test_every_crowd_is_asked_about_early() -> None:
    rng = np.random.default_rng(1)
    crowd = np.repeat(np.arange(5), 20)
    features = (10 * np.eye(5))[crowd] + rng.normal(0, 0.05, (100, 5))
    found = choose(np.full(100, 50.0), features, 5)
    assert {int(crowd[row]) for row in found.rows} == set(range(5))


def test_a_picture_like_one_that_is_rated_can_wait() -> None:
    features = np.concatenate([np.zeros((10, 4)), np.ones((10, 4)) * 5])
    found = choose(np.full(20, 50.0), features, 1, rated=[0])
    assert found.rows[0] >= 10


def test_chosen_ratings_teach_more_than_random_ones() -> None:
    chosen, random = [], []
    for seed in range(12):
        scores, features, mos = pool(seed=seed)
        rows = choose(scores, features, 12).rows
        chance = np.random.default_rng(seed).permutation(len(mos))[:12]
        for taken, errors in ((rows, chosen), (chance, random)):
            said = fit_opinion(scores[taken], features[taken], mos[taken])(scores, features)
            errors.append(np.sqrt(np.mean((said - mos) ** 2)))
    assert np.mean(chosen) < 0.9 * np.mean(random)


def test_the_order_of_files_changes_nothing() -> None:
    scores, features, _ = pool()
    hashes = [f"{i * 7919 % 120:03}" for i in range(120)]
    plain = choose(scores, features, 10, hashes=hashes)
    turned = choose(scores[::-1], features[::-1], 10, hashes=hashes[::-1])
    assert [hashes[row] for row in plain.rows] == [hashes[::-1][row] for row in turned.rows]


def test_a_large_pool_is_thinned_and_keeps_what_is_rated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "MOST", 30)
    scores, features, _ = pool()
    found = choose(scores, features, 5, rated=[0, 1])
    assert not set(found.rows.tolist()) & {0, 1}
    with pytest.raises(InputError, match="30 are weighed at a time"):
        choose(scores, features, 40)


@pytest.mark.parametrize("count", [0, 121])
def test_what_cannot_be_chosen_is_refused(count: int) -> None:
    scores, features, _ = pool()
    with pytest.raises(InputError, match="not rated yet"):
        choose(scores, features, count)


def test_rated_pictures_are_known_by_their_names(tmp_path: Path) -> None:
    table = tmp_path / "ratings.csv"
    table.write_text("image,mos\nb.png,3\na.png,4\nzzz.png,1\n")
    paths = [Path("x/a.png"), Path("x/c.png"), Path("x/b.png")]
    assert sorted(rated_rows(table, paths)) == [0, 2]
