"""`find` gives every image once, in a fixed order, and drops nothing in silence."""

from __future__ import annotations

import inspect
import io
import os
import sys
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

import pytest

from snellen.errors import NothingFound, UnreadableImage
from snellen.images import Census, Found, find, printable_name, read

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
POSIX_BYTES = pytest.mark.skipif(
    sys.platform in ("win32", "darwin"), reason="file names are Unicode on this system"
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one, so that names are short."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def touch(*names: str) -> None:
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(found: Iterable[Found]) -> list[str]:
    return [each.name for each in found]


def test_a_folder_and_its_sub_folders_by_name(folder: Path) -> None:
    touch("p/b.jpg", "p/a/z.PNG", "p/a/a.webp", "p/c/d/e.tiff", "p/B.gif", "p/notes.txt", "p/raw")
    expected = ["p/B.gif", "p/a/a.webp", "p/a/z.PNG", "p/b.jpg", "p/c/d/e.tiff"]
    assert names(find(["p"])) == expected
    assert names(find([Path("p")], recursive=False)) == ["p/B.gif", "p/b.jpg"]
    assert all(found.path.exists() and found.problem is None for found in find(["p"]))


def test_a_folder_is_in_order_of_whole_names(folder: Path) -> None:
    touch("p/a/1.jpg", "p/a-b.jpg", "p/a.jpg", "p/a/c/2.jpg", "p/a0.jpg", "p/a-/3.jpg", "p/a/c.jpg")
    found = names(find(["p"]))
    assert found == sorted(found)
    assert found[:4] == ["p/a-/3.jpg", "p/a-b.jpg", "p/a.jpg", "p/a/1.jpg"]


@POSIX_BYTES
def test_odd_names_are_in_order_of_how_they_are_shown(folder: Path) -> None:
    touch("p/\x7f.jpg", "p/\\.jpg", "p/é.jpg", "p/z.jpg", "p/\u2028/1.jpg", "p/日.jpg", "p/].jpg")
    Path(os.fsdecode(b"p/\xff.jpg")).write_bytes(b"x")
    found = list(find(["p"]))
    assert names(found) == sorted(names(found))
    assert len(found) == 8
    assert all(one.path.exists() for one in found)  # type: ignore[union-attr]


def test_the_order_is_that_of_the_paths_given(folder: Path) -> None:
    touch("b/1.jpg", "a/2.jpg", "c.jpg")
    assert names(find(["c.jpg", "b", "a"])) == ["c.jpg", "b/1.jpg", "a/2.jpg"]


def test_two_files_of_one_name_have_two_names(folder: Path) -> None:
    touch("x/a.jpg", "y/a.jpg")
    assert names(find(["x", "y"])) == ["x/a.jpg", "y/a.jpg"]


def test_a_named_file_is_taken_whatever_its_name(folder: Path) -> None:
    touch("notes.txt", ".hidden.jpg")
    assert names(find(["notes.txt", ".hidden.jpg"])) == ["notes.txt", ".hidden.jpg"]


def test_hidden_and_other_files_in_folders_are_counted(folder: Path) -> None:
    touch("p/._a.jpg", "p/.cache/b.jpg", "p/a.jpg", "p/list.csv", "p/q/list.txt")
    census = Census()
    assert names(find(["p"], census=census)) == ["p/a.jpg"]
    assert (census.folders, census.others, census.hidden, census.again) == (2, 2, 2, 0)


def test_nothing_found_says_what_was_seen(folder: Path) -> None:
    touch("p/a.txt", "p/q/b.csv", "p/q/c.csv", "p/.d.jpg")
    census = Census()
    assert names(find(["p"], census=census)) == []
    error = census.nothing_found(["p"])
    assert isinstance(error, NothingFound)
    assert error.what == (
        "no image under p: 2 folders with 3 files of no image type and 1 hidden file in them"
    )
    assert Census(folders=1).nothing_found(["e"]).what == (
        "no image under e: 1 folder with nothing in them"
    )


def test_links_in_a_circle_end(folder: Path) -> None:
    touch("p/a.jpg", "p/q/b.jpg")
    Path("p/q/up").symlink_to("..", target_is_directory=True)
    Path("p/itself").symlink_to("itself")
    Path("p/itself.jpg").symlink_to("itself.jpg")
    assert names(find(["p"])) == ["p/a.jpg", "p/itself.jpg", "p/q/b.jpg"]


def test_a_file_under_several_names_is_given_once(folder: Path) -> None:
    touch("p/m.jpg", "other/o.jpg")
    Path("p/link.jpg").symlink_to("m.jpg")
    os.link("p/m.jpg", "p/twin.jpg")
    Path("p/elsewhere").symlink_to("../other", target_is_directory=True)
    census = Census()
    found = find(["p", "p/m.jpg", "./p", "other"], census=census)
    assert names(found) == ["p/elsewhere/o.jpg", "p/link.jpg"]
    assert census.again == 3  # p/m.jpg and p/twin.jpg in the folder, and p/m.jpg by name


def test_a_link_to_nowhere_is_left_for_reading_to_explain(folder: Path) -> None:
    Path("p").mkdir()
    Path("p/gone.jpg").symlink_to("nowhere.jpg")
    [found] = find(["p"])
    with pytest.raises(UnreadableImage, match=r"p/gone.jpg: it is a link to a file"):
        read(found.path)


def test_a_missing_path_comes_with_the_nearest_names(folder: Path) -> None:
    touch("photos/holiday.jpg", "photos/holiday2.jpg", "photos/other.jpg")
    [found] = find(["photos/holyday.jpg"])
    assert found.name == "photos/holyday.jpg"
    assert str(found.problem) == (
        "photos/holyday.jpg does not exist. Did you mean photos/holiday.jpg or photos/holiday2.jpg?"
    )
    [found] = find(["photso"])
    assert found.problem is not None
    assert found.problem.fix == "Did you mean photos?"
    [found] = find(["nowhere/at/all.jpg"])
    assert "nor can its folder nowhere/at be listed" in str(found.problem)
    [found] = find(["photos/other.jpg/x.jpg"])
    assert "Not a directory" in str(found.problem)


@pytest.mark.parametrize("refuse", ["for real", "by a stand-in"])
def test_a_folder_that_cannot_be_listed_is_a_problem(
    folder: Path, refuse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch("p/a.jpg", "p/locked/b.jpg", "p/z.jpg")
    if refuse == "for real":
        if ROOT:
            pytest.skip("the superuser may list everything")
        Path("p/locked").chmod(0)
    else:
        scandir = os.scandir

        def refusing(path: str) -> object:
            if path.endswith("locked"):
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refusing)
    found = list(find(["p"]))
    Path("p/locked").chmod(0o700)
    assert names(found) == ["p/a.jpg", "p/locked", "p/z.jpg"]
    assert "the folder p/locked cannot be listed (Permission denied)" in str(found[1].problem)
    assert found[0].problem is None
    assert found[2].problem is None


def test_globs(folder: Path) -> None:
    touch("a1.jpg", "a2.png", "b1.jpg", "s/a3.jpg", "s/t/a4.jpg", "s/t/x.txt", ".h/a5.jpg")
    assert names(find(["a*.jpg"])) == ["a1.jpg"]
    assert names(find(["[ab]1.jpg"])) == ["a1.jpg", "b1.jpg"]
    assert names(find(["?2.*"])) == ["a2.png"]
    assert names(find(["**/a*.jpg"])) == ["a1.jpg", "s/a3.jpg", "s/t/a4.jpg"]
    assert names(find(["s/**"])) == ["s/a3.jpg", "s/t/a4.jpg"]  # folders, so images only
    assert names(find(["s/t/*"])) == ["s/t/a4.jpg", "s/t/x.txt"]  # named by the pattern
    assert names(find([".*/*.jpg"])) == [".h/a5.jpg"]
    assert names(find([str(folder / "s*" / "a?.jpg")])) == [str(folder / "s/a3.jpg")]


def test_globs_of_any_depth_follow_no_links(folder: Path) -> None:
    touch("p/q/a.jpg")
    for name in ("up", "again"):
        Path("p/q", name).symlink_to("..", target_is_directory=True)
    assert names(find(["p/**/*.jpg"])) == ["p/q/a.jpg"]
    assert names(find(["p/q/u?/q/*.jpg"])) == ["p/q/up/q/a.jpg"]


def test_a_glob_that_matches_nothing_is_a_problem(folder: Path) -> None:
    [found] = find(["*.jpg"])
    assert str(found.problem) == "*.jpg matches nothing. Check the pattern."


def test_a_file_that_looks_like_a_glob_is_that_file(folder: Path) -> None:
    touch("photo [1].jpg", "photo 1.jpg")
    assert names(find(["photo [1].jpg"])) == ["photo [1].jpg"]


@pytest.mark.parametrize(
    "listing",
    [
        b"a.jpg\nsub\nb c.jpg\n",
        b"a.jpg\r\nsub\r\nb c.jpg",
        b"a.jpg\0sub\0b c.jpg\0",
        b"a.jpg\0sub\0b c.jpg",
        b"\n\na.jpg\n\nsub\nb c.jpg\n\n",
    ],
)
def test_a_list_on_standard_input(folder: Path, listing: bytes) -> None:
    touch("a.jpg", "sub/d.jpg", "b c.jpg", "e.jpg")
    found = find(["-", "e.jpg"], stdin=io.BytesIO(listing))
    assert names(found) == ["a.jpg", "sub/d.jpg", "b c.jpg", "e.jpg"]


def test_nuls_allow_newlines_in_names(folder: Path) -> None:
    touch("two\nlines.jpg", "b.jpg")
    found = list(find(["-"], stdin=io.BytesIO(b"two\nlines.jpg\0b.jpg")))
    assert names(found) == ["two\\u000alines.jpg", "b.jpg"]
    assert found[0].path == Path("two\nlines.jpg")


def test_a_list_longer_than_a_chunk(folder: Path) -> None:
    wanted = [f"{'d' * 60}{i:05}.jpg" for i in range(3000)]
    found = find(["-"], stdin=io.BytesIO("\n".join(wanted).encode()))
    assert names(found) == wanted  # all missing, none lost


def test_a_list_with_stray_nuls_is_a_problem_each(folder: Path) -> None:
    listing = b"a" * 70_000 + b"\nb\0c.jpg\n"  # the first NUL comes after the first 64 KiB
    first, last = find(["-"], stdin=io.BytesIO(listing))
    assert "File name too long" in str(first.problem)
    assert last.name == "b\\u0000c.jpg"
    assert "is no path" in str(last.problem)


@POSIX_BYTES
def test_names_that_are_no_utf_8_survive(folder: Path) -> None:
    raw = os.fsencode(folder) + b"/caf\xe9.jpg"
    Path(os.fsdecode(raw)).write_bytes(b"x")
    [found] = find([folder])
    assert os.fsencode(found.path) == raw
    assert found.path.read_bytes() == b"x"
    assert found.name == f"{folder}/caf\\xe9.jpg"
    found.name.encode("utf-8")
    [listed] = find(["-"], stdin=io.BytesIO(raw))
    assert listed == found


@POSIX_BYTES
def test_names_that_look_alike_stay_apart() -> None:
    paths = [os.fsdecode(b"a\xff"), "a\\xff", "a\\\\xff", "a\xff", "a\nb", "a\\nb", "a\u2028b"]
    printed = [printable_name(path) for path in paths]
    assert len(set(printed)) == len(paths)
    assert all(name.isprintable() for name in printed)
    assert printable_name("plain/näme.jpg") == "plain/näme.jpg"


def test_a_tree_deeper_than_python_may_call(folder: Path) -> None:
    deepest = Path("d/" * 200)
    touch(str(deepest / "a.jpg"))
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 150)
    try:
        [found] = find(["d"])
    finally:
        sys.setrecursionlimit(usual)
    assert found.path == deepest / "a.jpg"


def test_files_come_before_later_folders_are_looked_into(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(*(f"p/{i:03}/a.jpg" for i in range(50)))
    listed: list[str] = []
    scandir: Callable[[str], object] = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: (listed.append(path), scandir(path))[1])
    assert names(islice(find(["p"]), 2)) == ["p/000/a.jpg", "p/001/a.jpg"]
    assert listed == ["p", "p/000", "p/001"]


def test_no_path_gives_nothing() -> None:
    assert list(find([])) == []
