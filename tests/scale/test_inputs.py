"""Parquet tables as input: of paths, of pictures, and of neither."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from snellen.errors import DataError
from snellen.scale.inputs import InTable, opened, read_pictures


def table(file: Path, /, group: int = 100, **columns: Any) -> str:
    pyarrow.parquet.write_table(pyarrow.table(columns), file, row_group_size=group)
    return str(file)


@pytest.mark.parametrize("column", ["path", "image", "url"])
def test_a_table_of_paths_is_its_paths(tmp_path: Path, column: str) -> None:
    name = table(tmp_path / "t.parquet", **{column: ["a.jpg", None, "b.jpg"], "other": [1, 2, 3]})
    assert opened(["x", name, "y"]) == (["x", "a.jpg", "b.jpg", "y"], [])


@pytest.mark.parametrize("struct", [False, True])
def test_pictures_in_a_table_are_read_by_row(tmp_path: Path, struct: bool) -> None:
    data: list[Any] = [b"%d" % number for number in range(50)]
    data[7] = None
    cells = [one and {"bytes": one, "path": "p"} for one in data] if struct else data
    name = table(tmp_path / "t.parquet", group=20, image=cells)
    files, pictures = opened([name])
    assert (files, len(pictures)) == ([], 50)
    assert pictures[3].name == f"{name}#0000000003"
    assert [one.name for one in pictures] == sorted(one.name for one in pictures)
    some = [pictures[row] for row in (5, 6, 7, 19, 20, 41)]
    assert list(read_pictures(some)) == [data[row] for row in (5, 6, 7, 19, 20, 41)]


def test_a_table_of_neither_says_what_it_has(tmp_path: Path) -> None:
    name = table(tmp_path / "t.parquet", id=[1], path=[2])
    with pytest.raises(DataError, match=r"columns: id, path\).*Name a column"):
        opened([name])


def test_a_file_that_is_no_table_says_so(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 and nothing")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        opened([str(tmp_path / "t.parquet")])


def test_a_table_that_is_not_there_is_left_to_the_search(tmp_path: Path) -> None:
    assert opened([str(tmp_path / "no.parquet")]) == ([str(tmp_path / "no.parquet")], [])


def test_a_place_in_a_table_has_a_printable_name() -> None:
    assert InTable("/t\n.parquet", 1, "bytes").name == "/t\\u000a.parquet#0000000001"
