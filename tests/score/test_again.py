"""The same command once more: what it finds done, what it does, and what it leaves as it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from standin import StandIn, jpeg, make_folder
from typer.testing import CliRunner

import snellen
import snellen.scorers
from snellen.cli import app
from snellen.engine import Progress
from snellen.engine import listing as engine_listing
from snellen.images.read import Picture
from snellen.runs import DONE, LOCK, ROWS, is_done
from snellen.scorers import Score
from snellen.table import Table


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, few names listed at a time, a scorer without a network."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engine_listing, "_BLOCK", 4)
    monkeypatch.setattr(snellen.scorers, "load_scorer", lambda *_, **__: StandIn())
    make_folder(tmp_path / "photos", 30)
    return tmp_path


def command(*more: str) -> str:
    words = ["score", "photos", "--run", "run", "-o", "t.csv", *more]
    result = CliRunner().invoke(app, words)
    assert result.exit_code in (0, 2), result.output
    return result.output


def everything(*places: str) -> dict[str, tuple[int, int]]:
    """Size and time of every file but the lock, which says who had it last."""
    files = [path for place in places for path in Path(place).rglob("*")] + [Path("t.csv")]
    stats = {str(path): path.stat() for path in files if path.name != LOCK}
    return {name: (status.st_size, status.st_mtime_ns) for name, status in stats.items()}


def rows(table: Table) -> list[dict[str, object]]:
    return list(table)


def fresh() -> list[dict[str, object]]:
    """What a new run says of the same folder."""
    return rows(snellen.score("photos", StandIn(), run="new", fresh=True))


def test_nothing_to_do_says_so_and_changes_nothing(home: Path) -> None:
    (home / "photos" / "none.jpg").write_bytes(b"")  # tried again, to no other end
    first = command()
    assert "there already" not in first
    before = everything("run", "photos")
    again = command()
    assert "30 of 31 scored, 1 missing (NotAnImage 1)" in again
    assert everything("run", "photos") == before
    assert json.loads(command("--json"))["new"] == 1


def test_where_all_is_scored_nothing_is_new() -> None:
    command()
    before = everything("run")
    assert "30 of 30 scored; all of it was there already" in command()
    assert json.loads(command("--json"))["new"] == 0
    assert everything("run") == before


def test_a_table_and_a_page_that_are_not_those_of_the_rows_are_written_again(home: Path) -> None:
    command()
    table, page = home / "t.csv", home / "run" / "report.html"
    texts = table.read_bytes(), page.read_bytes()
    table.write_text("mine")
    page.unlink()
    command("-o", "other.csv")
    assert (table.read_bytes(), page.read_bytes()) == texts
    assert (home / "other.csv").read_bytes() == texts[0]
    (home / "photos" / "p00001.jpg").write_bytes(jpeg(77))
    command()
    assert table.read_bytes() != texts[0]
    assert page.read_bytes() != texts[1]


@pytest.mark.parametrize("change", ["add first", "add last", "change", "touch", "remove", "link"])
def test_what_changed_between_two_runs_is_seen(home: Path, change: str) -> None:
    photos = home / "photos"
    snellen.score("photos", StandIn(), run="run")
    if change.startswith("add"):
        (photos / ("0.jpg" if change == "add first" else "z.jpg")).write_bytes(jpeg(99))
    elif change == "change":
        (photos / "p00010.jpg").write_bytes(jpeg(98))
    elif change == "touch":
        os.utime(photos / "p00010.jpg", ns=(1, 1))
    elif change == "remove":
        (photos / "p00010.jpg").unlink()
    else:
        (photos / "link.jpg").symlink_to("p00010.jpg")  # the same file under an earlier name
    scorer = StandIn()
    table = snellen.score("photos", scorer, run="run")
    assert len(scorer.scored) == (change not in ("touch", "remove"))
    assert rows(table) == fresh()
    assert is_done(Path("run"))
    again = StandIn()
    assert rows(snellen.score("photos", again, run="run")) == fresh()
    assert again.scored == []


def test_a_run_is_marked_as_finished_until_something_new_comes(home: Path) -> None:
    snellen.score("photos", StandIn(), run="run")
    done = (home / "run" / DONE).read_bytes()
    (home / "photos" / "z.jpg").write_bytes(jpeg(99))
    (home / "photos" / "p00001.jpg").unlink()

    class Stops(StandIn):
        def score(self, picture: Picture) -> Score:
            assert is_done(Path("run"))  # nothing has changed so far
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        snellen.score("photos", Stops(), run="run", jobs=1)
    assert (home / "run" / DONE).read_bytes() == done
    table = snellen.score("photos", StandIn(), run="run")
    assert rows(table) == fresh()


def test_scoring_begins_before_all_is_listed(home: Path) -> None:
    for number in range(40):
        make_folder(home / "many" / f"{number:02d}", 4)
    told: list[Progress] = []
    table = snellen.score("many", StandIn(), run="run", jobs=1, progress=told.append)
    assert (told[0].done, told[0].listing) == (0, True)
    assert 32 <= told[0].total < 160
    assert told[-1] == Progress(total=160, done=160, kept=0, missing=0)
    assert table["image"] == sorted(table["image"])


def test_the_worst_and_the_missing_are_those_of_the_rows(home: Path) -> None:
    (home / "photos" / "none.jpg").write_bytes(b"")
    table = snellen.score("photos", StandIn(), run="run")
    told = rows(table)
    scored = sorted((row for row in told if row["score"] is not None), key=lambda r: r["score"])
    assert rows(table.worst(5)) == scored[:5]
    assert rows(table.below(scored[7]["score"])) == scored[:7]  # type: ignore[arg-type]
    assert rows(table.missing) == [row for row in told if row["score"] is None]
    assert rows(table[3:9].scored) == [row for row in told[3:9] if row["score"] is not None]
    (home / "run" / "index.bin").unlink()
    assert rows(Table.open(home / "run").worst(5)) == scored[:5]


def test_rows_changed_by_hand_are_believed_over_what_was_noted_of_them(home: Path) -> None:
    snellen.score("photos", StandIn(), run="run")
    path = home / "run" / ROWS
    lines = path.read_text("utf-8").splitlines(keepends=True)
    score = json.loads(lines[5])["score"]
    lines[5] = lines[5].replace(f'"score":{score}', f'"score":{0.0:<{len(str(score))}}')
    path.write_text("".join(lines), "utf-8")
    assert Table.open(home / "run").worst(1)[0]["score"] == 0.0
