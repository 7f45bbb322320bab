"""The files of a request in order of name, in memory or on the disk."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from snellen.engine.listing import Listing
from snellen.errors import NothingFound


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    paths = [tmp_path / f"{number:03d}.jpg" for number in range(100)]
    for path in paths:
        path.touch()
    return [str(path) for path in paths]


@pytest.mark.parametrize("part", [1, 7, 50, 100, 1000])
def test_whatever_lies_on_the_disk_files_come_once_and_by_name(files: list[str], part: int) -> None:
    given = files + files[::3]
    random.Random(part).shuffle(given)
    with Listing(given, part=part) as listing:
        assert len(listing) == 100
        assert [found.name for found in listing] == files
        assert [str(found.path) for found in listing] == files
        assert list(listing.names()) == files


def test_two_readers_do_not_disturb_each_other(files: list[str]) -> None:
    with Listing(files, part=30) as listing:
        pairs = list(zip(listing.names(), listing.names(), strict=True))
    assert pairs == [(name, name) for name in files]


def test_what_cannot_be_reached_keeps_its_reason_and_its_bytes(tmp_path: Path) -> None:
    odd = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    Path(os.fsdecode(odd)).touch()
    given = [str(tmp_path), str(tmp_path / "gone.jpg"), str(tmp_path / "gone.jpg")]
    with Listing(given, part=1) as listing:
        first, second = listing
    assert (os.fsencode(first.path), first.problem) == (odd, None)
    assert "\\xe9" in first.name
    assert "does not exist" in str(second.problem)
    assert len(listing) == 2


def test_nothing_but_mistyped_paths_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NothingFound, match=r"a\.jpg does not exist"):
        Listing([str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg")])
    with pytest.raises(NothingFound, match="no image under"):
        Listing([str(tmp_path)])
