"""The files of a request in order of name, in memory or on the disk."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from snellen.engine import listing as engine_listing
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


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of twelve files in four folders; three names are listed at a time."""
    monkeypatch.setattr(engine_listing, "_BLOCK", 3)
    for number in range(12):
        path = tmp_path / "p" / f"{number // 3}" / f"{number:02d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "p"


def test_one_folder_is_listed_no_further_than_it_is_asked_for(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[str] = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (listed.append(str(path)), scandir(path))[1])
    with Listing([tree]) as listing:
        blocks = listing.blocks()
        assert [Path(one.name).name for one in next(blocks)] == ["00.jpg", "01.jpg", "02.jpg"]
        assert str(tree / "2") not in listed
        assert not listing.is_whole
        while listing.list_more():
            pass
        assert (len(listing), listing.is_whole) == (12, True)
        rest = [one.name for block in blocks for one in block]
        assert rest == list(listing.names())[3:]


@pytest.mark.parametrize(
    ("given", "at_once"), [("01", True), ("10", False), ("013", True), (["0", ""], False)]
)
def test_folders_in_order_begin_at_once_and_all_come_out_sorted(
    tree: Path, given: Sequence[str], at_once: bool
) -> None:
    with Listing([tree / name for name in given]) as listing:
        assert listing.is_whole != at_once
        blocks = [one.name for block in listing.blocks() for one in block]
        assert blocks == list(listing.names()) == sorted(blocks)
        assert len(blocks) == (12 if "" in [*given] else 3 * len(given))


def test_what_is_listed_just_now_comes_with_its_size_and_time(tree: Path) -> None:
    with Listing([tree]) as listing:
        blocks = listing.blocks()
        stamps = [one.stamp for one in next(blocks)]  # type: ignore[union-attr]
        assert stamps == [(0, (tree / f"0/0{n}.jpg").stat().st_mtime_ns) for n in range(3)]
        listing.list_more()
        assert [one.stamp for one in next(blocks)] == [None] * 3  # type: ignore[union-attr]


def test_a_folder_is_the_same_as_its_files(tree: Path) -> None:
    paths = [str(path) for path in tree.rglob("*.jpg")]
    with Listing([tree]) as walked, Listing(paths, part=5) as listed:
        assert list(walked) == list(listed)
        assert list(walked.names()) == list(listed.names()) == sorted(paths)


def test_a_folder_that_cannot_be_listed_stands_where_its_name_does(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tree / "1-x.jpg").touch()  # before `1/`, behind `1`
    scandir = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("1"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with Listing([tree]) as listing:
        given = [one.name for block in listing.blocks() for one in block]
        names = list(listing.names())
        problems = [found.problem for found in listing]
    assert names == sorted(given)
    assert names[3] == str(tree / "1")
    assert "cannot be listed" in str(problems[3])
    assert len(names) == 11
