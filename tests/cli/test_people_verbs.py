"""`snellen raters` and `snellen pairs` as a user meets them: tables, files, JSON, errors."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from snellen.cli import app
from snellen.errors import DataError, Disconnected, InputError, UnknownName


def snellen(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(error: type[Exception], *words: object) -> str:
    """The message of the error that the words end in."""
    result = snellen(*words)
    assert isinstance(result.exception, error), result.output
    return str(result.exception)


def write(path: Path, header: str, rows: list[str]) -> Path:
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    """12 raters on 20 images: u0 votes at random, u1 is strict; one cell is empty."""
    random = np.random.default_rng(1)
    rows = []
    for rater in range(12):
        for image in range(20):
            score = np.clip(round(1 + image / 5 + random.normal(0, 0.5)), 1, 5)
            score = random.integers(1, 6) if rater == 0 else max(1, score - (rater == 1))
            rows.append(f"u{rater},img{image:02}.png,{score:.0f},d{image % 5},s{image % 2}")
    rows[30] = rows[30].split(",")[0] + ",img10.png,,d0,s0"
    return write(tmp_path / "votes.csv", "Subject,filename,Opinion Score,how,scene", rows)


def test_raters_reads_odd_headers_and_says_everything_as_json(votes: Path) -> None:
    found = json.loads(snellen("raters", votes, "--scale", 1, 5, "--json").stdout)
    assert (found["votes"], found["raters_n"], found["items_n"]) == (239, 12, 20)
    items = {row["item"]: row for row in found["items"]}
    assert items["img10.png"]["n"] == 11
    for row in found["items"]:
        assert row["low"] < row["mos"] < row["high"]
        assert row["quality_low"] < row["quality"] < row["quality_high"]
    raters = {row["rater"]: row for row in found["raters"]}
    assert "P.913: correlation" in raters["u0"]["flags"]
    assert raters["u1"]["bias"] == min(row["bias"] for row in raters.values())
    assert raters["u1"]["flags"] == ""
    assert found["notes"] == ["left out for want of a score: 1 row"]
    assert 0 < found["alpha_ordinal"]["value"] < 1


def test_raters_shows_the_doubtful_first(votes: Path) -> None:
    shown = snellen("raters", votes, "--rows", 3).stdout
    assert "img00.png" in shown
    assert "img19.png" not in shown
    lines = shown.splitlines()
    start = next(i for i, line in enumerate(lines) if "most doubtful first" in line)
    assert (
        next(line for line in lines[start + 3 :] if line.strip().startswith("u")).split()[0] == "u0"
    )
    assert "239 votes of 12 raters on 20 images" in shown
    assert "note: the scale is taken to run from 1 to 5" in shown


def test_raters_leaves_out_only_when_told(votes: Path, tmp_path: Path) -> None:
    items, raters = tmp_path / "items.csv", tmp_path / "raters.jsonl"
    result = snellen("raters", votes, "--screen", "p913", "-o", items, "--raters", raters)
    assert "note: left out by p913: u0" in result.stdout
    with items.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 20
    assert rows[0]["n"] == "11"
    assert list(rows[0])[:5] == ["item", "n", "mos", "std", "low"]
    names = [json.loads(line)["rater"] for line in raters.read_text().splitlines()]
    assert names == [f"u{n}" for n in range(1, 12)]


def test_raters_takes_conditions_and_contents(votes: Path) -> None:
    found = snellen(
        "raters", votes, "--condition", "how", "--content", "scene", "--json", "--min-votes", 20
    )
    facts = json.loads(found.stdout)
    assert {row["content"] for row in facts["contents"]} == {"s0", "s1"}
    assert "left out with fewer than 20 votes: 1 rater" in facts["notes"]


def test_raters_with_one_rater_gives_votes_without_intervals(tmp_path: Path) -> None:
    path = write(tmp_path / "v.csv", "rater,image,score", ["a,x.png,3", "a,y.png,4"])
    shown = snellen("raters", path).stdout
    assert "x.png" in shown
    assert "there is one rater" in shown
    assert "no subject model" in shown


def test_raters_refuses_what_is_no_table_of_votes(votes: Path, tmp_path: Path) -> None:
    message = refused(DataError, "raters", votes, "--score", "opinion")
    assert "no column 'opinion'" in message
    assert "'Opinion Score'" in message
    assert "nearest" not in message
    assert "bt500" in refused(UnknownName, "raters", votes, "--screen", "bt50")
    bad = write(tmp_path / "bad.csv", "rater,image,score", ["a,x,3", ",x,4"])
    assert "row 2 has an empty 'rater'" in refused(DataError, "raters", bad)
    words = write(tmp_path / "words.csv", "rater,image,score", ["a,x,good"])
    assert "'good'" in refused(DataError, "raters", words)
    mixed = write(tmp_path / "m.csv", "rater,image,score,how", ["a,x,3,d1", "b,x,4,d2"])
    assert "'d1' in one row and 'd2'" in refused(DataError, "raters", mixed, "--condition", "how")
    assert "'.txt' is not known here" in refused(
        InputError, "raters", votes, "-o", tmp_path / "out.txt"
    )


def test_raters_names_the_option_and_the_verb_that_would_help(tmp_path: Path) -> None:
    odd = write(tmp_path / "odd.csv", "who,item,score", ["a,x,3", "b,x,4"])
    assert "--rater" in refused(DataError, "raters", odd)
    pairs = write(tmp_path / "p.csv", "rater,first,second,preferred", ["a,x,y,first"])
    assert "snellen pairs" in refused(DataError, "raters", pairs)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    random = np.random.default_rng(2)
    rows = []
    for _ in range(300):
        one, other = random.choice(6, 2, replace=False)
        gap = one - other + random.normal(0, 2)
        word = "tie" if abs(gap) < 0.5 else ("first" if gap > 0 else "second")
        rows.append(f"{one}.png,{other}.png,{word}")
    return write(tmp_path / "pairs.csv", "first,second,preferred", [*rows, "1.png,2.png,"])


@pytest.mark.parametrize(
    "options", [[], ["--ties", "davidson"], ["--model", "thurstone"], ["--prior", 2]]
)
def test_pairs_ranks(answers: Path, options: list[object]) -> None:
    found = json.loads(snellen("pairs", answers, "--json", *options).stdout)
    assert [row["item"] for row in found["items"]] == [f"{n}.png" for n in (5, 4, 3, 2, 1, 0)]
    assert [row["rank"] for row in found["items"]] == [1, 2, 3, 4, 5, 6]
    assert sum(row["jod"] for row in found["items"]) == pytest.approx(0, abs=1e-9)
    assert found["comparisons"] == 300
    assert found["notes"] == ["left out for want of an answer: 1 row"]


def test_pairs_shows_and_writes(answers: Path, tmp_path: Path) -> None:
    path = tmp_path / "scale.parquet"
    shown = snellen("pairs", answers, "--rows", 2, "-o", path).stdout
    assert "Bradley–Terry, best first (2 of 6)" in shown
    assert "3.png" not in shown
    assert "1 JOD = preferred by 75 %" in shown
    parquet = pytest.importorskip("pyarrow.parquet")
    assert parquet.read_table(path).column_names[:3] == ["rank", "item", "jod"]


def test_pairs_reads_winners_and_counts(tmp_path: Path) -> None:
    rows = ["a,b"] * 3 + ["b,a"] + ["b,c"] * 3 + ["c,b"]
    winners = write(tmp_path / "w.csv", "winner,loser", rows)
    counts = write(tmp_path / "c.csv", "image_a,image_b,wins_a,wins_b", ["a,b,3,1", "b,c,3,1"])
    one, two = (json.loads(snellen("pairs", path, "--json").stdout) for path in (winners, counts))
    assert one["items"] == two["items"]
    assert [round(row["jod"], 6) for row in one["items"]] == [1, 0, -1]
    assert one["notes"] == ["fewer than 5 comparisons, so a rough interval: 2 images"]


def test_pairs_refuses_with_one_line(answers: Path, tmp_path: Path) -> None:
    apart = write(
        tmp_path / "apart.csv", "first,second,preferred", ["a,b,first", "b,a,first", "c,d,tie"]
    )
    message = refused(Disconnected, "pairs", apart)
    assert message.startswith("the items fall into 2 groups")
    assert "\n" not in message
    assert "jod" in json.loads(snellen("pairs", apart, "--prior", 2, "--json").stdout)["items"][0]
    assert "bradley-terry" in refused(UnknownName, "pairs", answers, "--model", "bradley")
    both = ("--model", "thurstone", "--ties", "davidson")
    assert "Davidson's ties" in refused(InputError, "pairs", answers, *both)
    odd = write(tmp_path / "odd.csv", "first,second,preferred", ["a,b,maybe"])
    assert "'maybe' in row 1" in refused(InputError, "pairs", odd)
    lost = write(tmp_path / "lost.csv", "first,second,verdict", ["a,b,first"])
    assert "its columns are 'first', 'second', 'verdict'" in refused(DataError, "pairs", lost)
