"""From rows to what the page holds: counts are of all, the gallery is bounded."""

from __future__ import annotations

import base64
import io
import json
import random
from pathlib import Path

import pytest
from made_runs import SCORER, made_row, make_run, missing_row
from PIL import Image

from snellen.reports.score_rows import FAILURES_SHOWN, Digest, digest, page_data
from snellen.reports.thumbnails import encoded_thumbnails
from snellen.runs import Request, Rows, Run, read_thumbnail
from snellen.scorers.base import FAMILIES


def names(summary: Digest) -> list[str]:
    return [row["image"] for row in summary.gallery]


def test_counts_and_quartiles_are_those_of_the_rows() -> None:
    rows = [made_row(i, score=float(i)) for i in range(101)]
    reasons = {"a.jpg": "BrokenImage: a", "b.jpg": "BrokenImage: b", "c": "NotAnImage: c"}
    rows += [missing_row(*pair) for pair in reasons.items()]
    summary = digest(rows, 1_000)
    assert (summary.scored, summary.missing) == (101, 3)
    assert summary.quartiles == (25, 50, 75)
    assert summary.histogram == [2] * 49 + [3]  # 98, 99 and 100 itself
    assert summary.problems.total() == 101
    assert summary.kinds == {"BrokenImage": 2, "NotAnImage": 1}
    assert summary.failures == list(reasons.items())


def test_no_rows_are_no_numbers() -> None:
    summary = digest([], 10)
    assert (summary.scored, summary.quartiles) == (0, None)
    assert list(summary.gallery) == []


def test_gallery_holds_everything_up_to_the_limit_worst_first() -> None:
    rows = [made_row(i) for i in range(40)]
    summary = digest(rows, 40)
    assert names(summary) == [
        row["image"] for row in sorted(rows, key=lambda row: (row["score"], row["image"]))
    ]


@pytest.mark.parametrize("limit", [0, 1, 2, 7, 50, 299])
def test_above_the_limit_the_worst_are_held_and_the_rest_sampled(limit: int) -> None:
    rows = [made_row(i) for i in range(300)]
    summary = digest(rows, limit)
    held = set(names(summary))
    assert len(summary.gallery) == len(held) == limit
    worst = sorted(rows, key=lambda row: (row["score"], row["image"]))[: limit // 2]
    assert {row["image"] for row in worst} <= held
    assert sum(summary.histogram) == 300


def test_sample_does_not_depend_on_the_order_of_rows() -> None:
    rows = [made_row(i) for i in range(300)]
    mixed = random.Random(3).sample(rows, len(rows))
    assert names(digest(rows, 60)) == names(digest(mixed, 60))


def test_sample_of_the_others_is_spread_over_all_scores() -> None:
    rows = [made_row(i, score=i / 10) for i in range(1_000)]
    others = digest(rows, 200).gallery[100:]
    assert sum(row["score"] < 55 for row in others) == pytest.approx(50, abs=20)


def test_failures_are_listed_up_to_a_number_and_counted_beyond() -> None:
    rows = [missing_row(f"{i}.jpg", "empty") for i in range(FAILURES_SHOWN + 5)]
    summary = digest(rows, 10)
    assert len(summary.failures) == FAILURES_SHOWN
    assert summary.missing == FAILURES_SHOWN + 5


def test_row_without_score_or_reason_is_missing_all_the_same() -> None:
    summary = digest([made_row(0, score=None)], 10)
    assert (summary.scored, summary.missing) == (0, 1)
    assert "no reason" in summary.failures[0][1]


def test_page_data_keeps_every_digit_and_stores_repeated_texts_once() -> None:
    rows = [made_row(i) for i in range(12)]
    data = json.loads(b"".join(page_data(digest(rows, 100))))
    by_name = {row["image"]: row for row in rows}
    columns, shared = data["columns"], data["shared"]
    for i, image in enumerate(columns["image"]):
        row = by_name[image]
        assert columns["score"][i] == row["score"]
        assert [columns[name][i] for name in FAMILIES] == [row[name] for name in FAMILIES]
        assert shared["problem"]["texts"][shared["problem"]["at"][i]] == row["problem"]
        assert columns["map"][i] == row["map"]
    assert shared["format"]["texts"] == ["JPEG"]
    assert sorted(shared["notes"]["texts"]) == ["", "turned upright (EXIF 6)"]


def test_unfinished_run_shows_the_last_row_of_an_image(tmp_path: Path) -> None:
    rows = [made_row(0), made_row(1), made_row(0, score=1.0)]
    directory = make_run(tmp_path / "run", rows, finished=False)
    found = {row["image"]: row["score"] for row in Rows.of(directory)}
    assert found == {rows[1]["image"]: rows[1]["score"], rows[0]["image"]: 1.0}


def test_run_without_rows_yet_has_none(tmp_path: Path) -> None:
    with Run.open(tmp_path / "run", Request("score", ("x",)), SCORER):
        pass
    (tmp_path / "run" / "rows.jsonl").unlink()
    assert list(Rows.of(tmp_path / "run")) == []


def test_thumbnails_under_the_budget_are_passed_as_they_are(tmp_path: Path) -> None:
    directory = make_run(tmp_path / "run", [made_row(i) for i in range(5)])
    rows = list(Rows.of(directory))
    lines = list(encoded_thumbnails(directory, rows))
    assert [base64.b64decode(line) for line in lines] == [
        read_thumbnail(directory, row) for row in rows
    ]


@pytest.mark.parametrize("share", [0.8, 0.65, 0.5])
def test_thumbnails_over_the_budget_become_smaller_pictures(tmp_path: Path, share: float) -> None:
    directory = make_run(tmp_path / "run", [made_row(i) for i in range(30)])
    rows = list(Rows.of(directory))
    budget = int(share * sum(row["thumbnail"][1] for row in rows))
    small = [base64.b64decode(line) for line in encoded_thumbnails(directory, rows, budget)]
    assert sum(map(len, small)) <= 1.05 * budget
    sides = {max(Image.open(io.BytesIO(data)).size) for data in small}
    assert len(sides) == 1  # all alike
    assert 64 <= sides.pop() < 128


def test_thumbnails_have_a_least_size_that_no_budget_passes(tmp_path: Path) -> None:
    directory = make_run(tmp_path / "run", [made_row(i) for i in range(3)])
    lines = encoded_thumbnails(directory, list(Rows.of(directory)), budget=1)
    for line in lines:
        assert max(Image.open(io.BytesIO(base64.b64decode(line))).size) == 64


def test_row_without_thumbnail_is_an_empty_line(tmp_path: Path) -> None:
    directory = make_run(tmp_path / "run", [made_row(0)], thumbnails=False)
    assert list(encoded_thumbnails(directory, list(Rows.of(directory)))) == ["\n"]
