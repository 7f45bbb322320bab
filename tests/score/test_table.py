"""The table: picking, exporting, and being taken by pandas, polars and pyarrow as it is."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import pandas
import polars
import pyarrow
import pyarrow.parquet
import pytest
from standin import FAMILIES, StandIn, make_folder

import snellen
from snellen.errors import InputError, MissingExtra, UnknownName
from snellen.runs import Request, Run
from snellen.table import COLUMNS, Table, check_output


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Table:
    home = tmp_path_factory.mktemp("table")
    photos = make_folder(home / "photos", 7)
    (photos / "bad.jpg").write_bytes(b"")
    return snellen.score(photos, StandIn(), run=home / "run")


@pytest.fixture
def empty(tmp_path: Path) -> Table:
    with Run.open(tmp_path / "run", Request("score", ("/x",)), "s") as run:
        run.finish([])
    return Table.open(tmp_path / "run")


def test_columns_are_in_their_order(table: Table) -> None:
    assert table.columns[:7] == ("image", "score", "low", "high", "spread", "severity", "problem")
    assert table.columns[7:15] == FAMILIES
    assert table.columns[-4:] == ("notes", "map", "evidence", "missing")
    assert all(tuple(row) == table.columns for row in table)


def test_counting_picking_and_slicing(table: Table) -> None:
    assert len(table) == 8
    assert len(table.scored) == 7
    assert table.missing["image"] == [table[0]["image"]]  # bad.jpg is the first by name
    assert table[-1] == list(table)[-1]
    assert list(table[2:4]) == list(table)[2:4]
    assert table["score"] == [row["score"] for row in table]
    with pytest.raises(IndexError):
        table[8]
    with pytest.raises(UnknownName, match=r"unknown column 'scor'.*'score'"):
        table["scor"]


def test_the_worst_come_first_and_missing_ones_never(table: Table) -> None:
    by_hand = sorted(table.scored["score"])
    assert table.worst(3)["score"] == by_hand[:3]
    assert table.worst(100)["score"] == by_hand
    assert len(table.worst(0)) == 0
    assert table.below(by_hand[2])["score"] == by_hand[:2]


def test_equal_scores_are_in_order_of_name(tmp_path: Path) -> None:
    with Run.open(tmp_path, Request("score", ("/x",)), "s") as run:
        for name in "cab":
            run.append({"image": name, "score": 5.0, "scorer": "s", "missing": None})
        run.finish(["a", "b", "c"])
    assert Table.open(tmp_path).worst(2)["image"] == ["a", "b"]


def test_a_run_cut_short_can_be_opened(tmp_path: Path) -> None:
    with Run.open(tmp_path, Request("score", ("/x",)), "s") as run:
        for name, score in (("b", 1.0), ("a", 2.0), ("b", 3.0)):
            run.append({"image": name, "score": score, "scorer": "s", "missing": None})
    assert Table.open(tmp_path)["score"] == [2.0, 3.0]


def test_a_table_outlives_what_the_run_directory_becomes(tmp_path: Path) -> None:
    photos = make_folder(tmp_path / "photos", 5)
    first = snellen.score(photos, StandIn(), run=tmp_path / "run")
    before = list(first)
    (photos / "p00001.jpg").unlink()
    snellen.score(photos, StandIn("other@1"), run=tmp_path / "run", fresh=True)
    assert list(first) == before


def test_csv_leaves_missing_cells_empty(table: Table, tmp_path: Path) -> None:
    table.to_csv(tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == table.columns
    assert {rows[0][name] for name in ("score", "low", "noise", "width", "view")} == {""}
    assert [float(row["score"]) for row in rows[1:]] == table.scored["score"]


def test_jsonl_has_nulls_and_objects(table: Table, tmp_path: Path) -> None:
    table.to_jsonl(tmp_path / "t.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert rows[0]["score"] is rows[0]["view"] is None
    assert rows[1]["view"]["policy"] == "mean"
    assert rows[1]["map"][0][:4] == [0, 0, 8, 8]


def test_parquet_keeps_types_and_nulls(table: Table, tmp_path: Path) -> None:
    table.to_parquet(tmp_path / "t.parquet")
    arrow = pyarrow.parquet.read_table(tmp_path / "t.parquet")
    assert arrow.to_pylist() == list(table)
    assert arrow.schema.field("width").type == pyarrow.int64()
    assert arrow.column("score").null_count == 1


def test_pandas_polars_and_pyarrow_take_it_as_it_is(table: Table) -> None:
    rows = list(table)
    assert pyarrow.table(table).to_pylist() == rows
    assert polars.DataFrame(table).to_dicts() == rows
    assert table.to_polars().to_dicts() == rows
    for frame in (pandas.DataFrame(table), table.to_pandas()):
        assert tuple(frame.columns) == table.columns
        assert frame["score"].isna().tolist() == [row["score"] is None for row in rows]
        assert frame["score"].dropna().tolist() == table.scored["score"]
    assert table.to_pandas().nsmallest(2, "score")["image"].tolist() == table.worst(2)["image"]


def test_an_empty_table_still_has_its_columns(empty: Table, tmp_path: Path) -> None:
    assert len(empty) == 0
    assert (list(empty), empty["score"], len(empty.worst(3))) == ([], [], 0)
    assert tuple(empty.to_pandas().columns) == tuple(COLUMNS)
    assert empty.to_polars().schema["width"] == polars.Int64
    assert empty.to_arrow().num_rows == 0
    for form in (".csv", ".jsonl", ".parquet"):
        empty.write(tmp_path / f"t{form}")
    assert (tmp_path / "t.csv").read_text().strip() == ",".join(COLUMNS)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("t.xls", r"cannot write .*'\.xls' names no table.*\.csv, \.jsonl, \.parquet"),
        ("t", "'no ending' names no table"),
        ("no/such/t.csv", "there is no folder"),
    ],
)
def test_an_output_that_cannot_be_is_told_before_the_work(
    tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        check_output(tmp_path / name)


def test_an_output_that_is_refused_leaves_nothing(table: Table, tmp_path: Path) -> None:
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(InputError, match=r"cannot write .*t\.csv: Is a directory"):
        table.write(tmp_path / "t.csv")
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize(
    ("package", "call", "extra"),
    [
        ("pyarrow", lambda table: table.to_arrow(), "parquet"),
        ("pyarrow", lambda table: check_output("t.parquet"), "parquet"),
        ("pandas", lambda table: table.to_pandas(), "pandas"),
        ("polars", lambda table: table.to_polars(), "polars"),
    ],
)
def test_a_package_that_is_not_there_is_named_with_its_pip_line(
    table: Table, monkeypatch: pytest.MonkeyPatch, package: str, call: object, extra: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=rf"pip install 'snellen\[{extra}\]'"):
        call(table)  # type: ignore[operator]
