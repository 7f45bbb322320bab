"""Scoring many pictures: order, resuming, threads, and what counts as changed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from standin import StandIn, jpeg, make_folder

import snellen
from snellen.engine import Progress
from snellen.errors import InputError, NothingFound, RunError, ScorerError
from snellen.runs import ROWS, THUMBNAILS, read_thumbnail, scan
from snellen.scorers import Score


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "photos", 9)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "run"


def test_one_row_a_picture_by_name_whatever_the_threads(photos: Path, tmp_path: Path) -> None:
    tables = [
        snellen.score(photos, StandIn(), jobs=jobs, run=tmp_path / f"run-{jobs}")
        for jobs in (1, 2, 7)
    ]
    names = tables[0]["image"]
    assert len(names) == 9
    assert names == sorted(names)
    assert [list(table) for table in tables[1:]] == [list(tables[0])] * 2


def test_a_row_says_what_was_measured_on_what(photos: Path, run: Path) -> None:
    row = snellen.score(photos / "p00001.jpg", StandIn(), run=run)[0]
    data = jpeg(1)
    assert row["image"].endswith("p00001.jpg")
    assert (row["width"], row["height"], row["format"], row["bytes"]) == (36, 24, "JPEG", len(data))
    assert row["problem"] == "noise"
    assert (row["noise"], row["clean"], row["severity"]) == (0.3, 0.1, 2.6)
    assert row["low"] == pytest.approx(row["score"] - 4, abs=2e-3)
    view = json.loads(row["view"])
    assert (view["policy"], view["size"], view["scale"]) == ("mean", 8, 1)
    assert "jpeg" in view["decoder"]
    assert json.loads(row["map"]) == [[0, 0, 8, 8, round(row["score"], 1)]]
    assert row["scorer"] == "stand-in@1"
    assert row["missing"] is None


def test_the_same_call_again_scores_nothing(photos: Path, run: Path) -> None:
    first, again = StandIn(), StandIn()
    table = list(snellen.score(photos, first, run=run))
    rows = (run / ROWS).read_bytes()
    assert list(snellen.score(photos, again, run=run)) == table
    assert (len(first.scored), again.scored) == (9, [])
    assert (run / ROWS).read_bytes() == rows


def test_changed_new_and_vanished_files(photos: Path, run: Path) -> None:
    snellen.score(photos, StandIn(), run=run)
    (photos / "p00001.jpg").write_bytes(jpeg(101))
    (photos / "p00002.jpg").unlink()
    (photos / "p00099.jpg").write_bytes(jpeg(99))
    scorer = StandIn()
    table = snellen.score(photos, scorer, run=run)
    assert len(scorer.scored) == 2
    fresh = snellen.score(photos, StandIn(), run=run.with_name("other"))
    assert list(table) == list(fresh)


def test_a_file_only_touched_is_not_scored_again(photos: Path, run: Path) -> None:
    before = list(snellen.score(photos, StandIn(), run=run))
    os.utime(photos / "p00001.jpg", ns=(1, 1))
    thumbnails = (run / THUMBNAILS).read_bytes()
    scorer = StandIn()
    assert list(snellen.score(photos, scorer, run=run)) == before
    assert scorer.scored == []
    assert (run / THUMBNAILS).read_bytes() == thumbnails


def test_a_file_of_the_same_size_with_other_bytes_is_scored_again(photos: Path, run: Path) -> None:
    snellen.score(photos, StandIn(), run=run)
    path = photos / "p00001.jpg"
    data, was = jpeg(1), path.stat()
    path.write_bytes(data[:-3] + b"\0" + data[-2:])
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns + 1))
    scorer = StandIn()
    snellen.score(photos, scorer, run=run)
    assert len(scorer.scored) == 1


def test_another_scorer_scores_again_in_a_run_of_its_own(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = snellen.score(photos, StandIn("stand-in@1"))
    second = snellen.score(photos, StandIn("stand-in@2"))
    assert first.run != second.run
    assert {table.run.parent.name for table in (first, second)} == {"snellen-runs"}
    assert set(second["scorer"]) == {"stand-in@2"}


def test_a_named_scorer_that_was_updated_scores_again_in_the_same_run(
    photos: Path, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("a@1", "a@2"):
        monkeypatch.setattr("snellen.scorers.load_scorer", lambda *_, v=version, **__: StandIn(v))
        table = snellen.score(photos, "a", run=run)
        assert set(table["scorer"]) == {version}


def test_what_was_missing_is_tried_again(photos: Path, run: Path) -> None:
    class Stubborn(StandIn):
        def score(self, picture: object) -> Score:
            raise ScorerError("not today")

    table = snellen.score(photos, Stubborn(), run=run)
    assert table["missing"] == ["ScorerError: not today"] * 9
    assert table["score"] == [None] * 9
    assert table["width"] == [36] * 9  # what is known stays
    assert len(snellen.score(photos, StandIn(), run=run).missing) == 0


def test_a_scorer_that_breaks_costs_only_that_picture(photos: Path, run: Path) -> None:
    class Fragile(StandIn):
        def score(self, picture: object) -> Score:
            score = super().score(picture)  # type: ignore[arg-type]
            if len(self.scored) == 2:
                raise ZeroDivisionError("oh")
            return score

    table = snellen.score(photos, Fragile(), run=run, jobs=1)
    assert [row["missing"] for row in table.missing] == ["unexpected ZeroDivisionError: oh"]
    assert len(table.scored) == 8


@pytest.mark.parametrize("field", ["value", "low", "spread", "severity"])
def test_a_number_that_is_none_is_missing_never_invented(
    photos: Path, run: Path, field: str
) -> None:
    class Broken(StandIn):
        def score(self, picture: object) -> Score:
            from dataclasses import replace

            return replace(super().score(picture), **{field: float("nan")})  # type: ignore[arg-type]

    table = snellen.score(photos, Broken(), run=run)
    assert table["score"] == [None] * 9
    assert table["missing"][0].startswith("ScorerError: the scorer gave nan as")


def test_every_scored_row_has_a_small_picture(photos: Path, run: Path) -> None:
    snellen.score(photos, StandIn(), run=run)
    for _, _, row in scan(run / ROWS):
        data = read_thumbnail(run, row)
        assert data is not None
        assert data.startswith(b"\xff\xd8")


def test_threads_share_the_work(photos: Path, run: Path) -> None:
    meeting = threading.Barrier(3, timeout=10)

    class Waiting(StandIn):
        def score(self, picture: object) -> Score:
            meeting.wait()  # only passes when three pictures are scored at once
            return super().score(picture)  # type: ignore[arg-type]

    assert len(snellen.score(photos, Waiting(), run=run, jobs=3).scored) == 9


def test_progress_is_told_from_nothing_to_all(photos: Path, run: Path) -> None:
    (photos / "p00001.jpg").write_bytes(b"no picture")
    told: list[Progress] = []
    snellen.score(photos, StandIn(), run=run, progress=told.append)
    assert told[0] == Progress(total=9, done=0, kept=0, missing=0)
    assert [p.done for p in told] == list(range(10))
    assert told[-1] == Progress(total=9, done=9, kept=0, missing=1)
    told.clear()
    snellen.score(photos, StandIn(), run=run, progress=told.append)
    assert told[0] == Progress(total=9, done=8, kept=8, missing=0)


def test_stopped_by_hand_it_keeps_what_was_scored(photos: Path, run: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done == 4:
            raise KeyboardInterrupt

    first, second = StandIn(), StandIn()
    with pytest.raises(KeyboardInterrupt):
        snellen.score(photos, first, run=run, progress=stop, jobs=1)
    kept = [row["image"] for _, _, row in scan(run / ROWS)]
    assert len(kept) == len(set(kept)) == len(first.scored) >= 4
    table = snellen.score(photos, second, run=run)
    assert len(first.scored) + len(second.scored) == 9
    assert list(table) == list(snellen.score(photos, StandIn(), run=run.with_name("other")))


@pytest.mark.parametrize(
    ("paths", "message"), [([], "no image under no path at all"), (["{}"], "no image under")]
)
def test_nothing_to_do_is_an_error(tmp_path: Path, paths: list[str], message: str) -> None:
    with pytest.raises(NothingFound, match=message):
        snellen.score([p.format(tmp_path) for p in paths], StandIn(), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


WRONG = [{"jobs": 0}, {"jpeg_scale": 3}, {"max_megapixels": 0}]


@pytest.mark.parametrize("wrong", WRONG)
def test_options_without_sense_are_refused_at_once(
    photos: Path, run: Path, wrong: dict[str, int]
) -> None:
    with pytest.raises(InputError, match=f"got {next(iter(wrong.values()))}"):
        snellen.score(photos, StandIn(), run=run, **wrong)  # type: ignore[arg-type]
    assert not run.exists()


def test_a_dial_for_a_scorer_that_is_loaded_already_is_not_ignored(photos: Path) -> None:
    with pytest.raises(InputError, match="crops=9 has no effect on stand-in@1"):
        snellen.score(photos, StandIn(), crops=9)


def test_a_run_is_not_taken_over_by_other_options(photos: Path, run: Path) -> None:
    snellen.score(photos, StandIn(), run=run)
    with pytest.raises(RunError, match=r"jpeg_scale: 1 there, 2 now"):
        snellen.score(photos, StandIn(), run=run, jpeg_scale=2)


def test_importing_the_package_stays_light() -> None:
    code = "import sys, snellen; print(*sorted({m.split('.')[0] for m in sys.modules}))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "PIL", "onnxruntime", "typer"} & set(out.stdout.split())


def test_the_map_of_a_scaled_decode_is_in_pixels_of_the_original(tmp_path: Path) -> None:
    scorer = snellen.load_scorer("built-in")
    path = tmp_path / "wide.jpg"
    path.write_bytes(jpeg(5, side=203))
    for scale in (1, 2, 4):
        row = snellen.score(path, scorer, run=tmp_path / f"run-{scale}", jpeg_scale=scale)[0]
        boxes = json.loads(row["map"])
        assert (row["width"], row["height"]) == (304, 203)
        assert max(x + w for x, _, w, _, _ in boxes) > 304 * 0.6
        assert all(x + w <= 304 and y + h <= 203 for x, y, w, h, _ in boxes)
        assert all(w > 0 and h > 0 for _, _, w, h, _ in boxes)
