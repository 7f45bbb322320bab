"""The page of a score run as a file: what it holds, and that names stay names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from made_runs import made_row, make_run, missing_row
from test_report_shell import Elements, unpacked

from snellen.errors import RunError
from snellen.reports import write_score_page

HOSTILE = (
    "<script>alert(1)</script>.jpg",
    "</script><script>alert(2)</script>.jpg",
    "<!--<script>.jpg",
    "\"'><img src=x onerror=alert(3)>.png",
    "javascript:alert(4).jpg",
    "{{ 7 * 7 }}{% raw %}.jpg",
    "caf\udce9\udcff.jpg",
    "מסמך‏.jpg",
    "photo\u202egpj.exe",
    "line\nbreak\u2028.jpg",
    "x" * 300 + ".jpg",
)


def page_of(tmp_path: Path, rows: list[dict[str, Any]], **options: Any) -> str:
    directory = make_run(tmp_path / "run", rows, **options)
    path = write_score_page(directory)
    assert path == directory / "report.html"
    return path.read_text("utf-8")


def data_of(page: str) -> dict[str, Any]:
    data = unpacked(Elements(page).raw["script"][0])
    assert isinstance(data, dict)
    return data


def visible(page: str) -> str:
    """The text of the page without its scripts, styles and data."""
    return re.sub(r"<[^>]+>", " ", re.sub(r"(?s)<(script|style)\b.*?</\1>", " ", page))


def test_page_of_an_empty_run_says_so(tmp_path: Path) -> None:
    page = page_of(tmp_path, [])
    assert "No picture was scored." in visible(page)
    assert "script" not in [tag for tag, _ in Elements(page).tags]


def test_page_of_failures_only_lists_them_openly(tmp_path: Path) -> None:
    page = page_of(tmp_path, [missing_row("a.jpg", "BrokenImage: cut at 10 bytes")])
    assert "the reasons are below" in visible(page)
    assert "1 without a score" in visible(page)
    assert "BrokenImage: cut at 10 bytes" in visible(page)
    assert any(tag == "details" and "open" in attributes for tag, attributes in Elements(page).tags)


@pytest.mark.parametrize("n", [1, 30])
def test_page_carries_all_rows_and_a_thumbnail_each(tmp_path: Path, n: int) -> None:
    page = page_of(tmp_path, [made_row(i) for i in range(n)])
    data = data_of(page)
    assert len(data["columns"]["image"]) == data["scored"] == n
    thumbnails = Elements(page).raw["script"][1].strip().split("\n")
    assert len(thumbnails) == n
    assert all(line.startswith("/9j/") for line in thumbnails)  # JPEG, in base64


def test_facts_of_the_run_stand_under_the_title(tmp_path: Path) -> None:
    rows = [made_row(i, score=float(10 * i)) for i in range(11)]
    text = " ".join(visible(page_of(tmp_path, [*rows, missing_row("z", "gone")])).split())
    assert "Scores of holiday" in text
    assert "scored 11 missing 1 median 50.0 (middle half 25.0–75.0)" in text
    assert "built-in 1 (0123abcd)" in text
    assert re.search(r"run \d{1,2} \w+ 20\d\d, \d\d:\d\d UTC", text)


def test_several_places_are_counted_in_the_title(tmp_path: Path) -> None:
    page = page_of(tmp_path, [made_row(0)], paths=("/a/one", "/b/two", "/c/three"))
    assert "Scores of one and 2 more" in visible(page)


def test_unfinished_run_is_called_so(tmp_path: Path) -> None:
    assert "cut short" in visible(page_of(tmp_path, [made_row(0)], finished=False))


def test_sampled_gallery_is_called_so_and_counts_stay_whole(tmp_path: Path) -> None:
    directory = make_run(tmp_path / "run", [made_row(i) for i in range(60)])
    page = write_score_page(directory, limit=20).read_text("utf-8")
    assert "holds 20 of 60 pictures: the worst 10" in visible(page)
    data = data_of(page)
    assert len(data["columns"]["image"]) == 20
    assert sum(data["histogram"]) == sum(data["problems"]) == 60


def test_without_scripts_the_page_still_sums_up(tmp_path: Path) -> None:
    page = page_of(tmp_path, [made_row(i) for i in range(30)])
    (fallback,) = re.findall(r"(?s)<noscript>(.*?)</noscript>", page)
    assert fallback.count("<svg") == 2
    assert fallback.count("<tr>") == 31


def test_hostile_names_are_only_names(tmp_path: Path) -> None:
    rows = [made_row(i, image=f"d/{name}", notes=name) for i, name in enumerate(HOSTILE)]
    rows += [missing_row(f"e/{name}", f"BrokenImage: {name}") for name in HOSTILE]
    page = page_of(tmp_path, rows, paths=(f"/photos/{HOSTILE[0]}",))
    plain = page_of(tmp_path / "plain", [made_row(0), missing_row("e/x", "BrokenImage: x")])

    def kinds(text: str) -> set[str]:
        return {tag for tag, _ in Elements(text).tags}

    assert kinds(page) == kinds(plain)  # not one element more
    assert len(Elements(page).raw["script"]) == 3
    for _, attributes in Elements(page).tags:
        assert not any(name.startswith("on") for name in attributes)
    assert set(data_of(page)["columns"]["image"]) == {f"d/{name}" for name in HOSTILE}
    assert "caf\\udce9\\udcff.jpg" in visible(page)
    assert "49" not in visible(page).split("photo\\u202egpj.exe")[1][:200]
    assert "{{ 7 * 7 }}" in visible(page)


def test_page_is_written_again_over_the_old_one(tmp_path: Path) -> None:
    directory = make_run(tmp_path / "run", [made_row(0)])
    first = write_score_page(directory).read_bytes()
    assert write_score_page(directory).read_bytes() == first
    assert not list(directory.glob("*.tmp"))


def test_no_run_is_refused_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"run\.json"):
        write_score_page(tmp_path)
