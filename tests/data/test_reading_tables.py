"""Tables as people have them: every separator, encoding, ending and mistake."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from dataset_layouts import workbook
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.data.tables import (
    find_column,
    numbers,
    read_table,
    table_from_rows,
    texts,
)
from snellen.errors import DataError, InputError, MissingExtra

WANTED = {"image": ["a.png", "b, c.png"], "mos": ["3.5", None]}


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.csv", 'image,mos\na.png,3.5\n"b, c.png",\n'),
        ("spaces.csv", ' image , mos \n a.png , 3.5 \n"b, c.png",\n'),
        ("mark.csv", '\ufeffimage,mos\na.png,3.5\n"b, c.png",\n'),
        ("windows.csv", 'image,mos\r\na.png,3.5\r\n"b, c.png",\r\n'),
        ("tabs.tsv", "image\tmos\na.png\t3.5\nb, c.png\t\n"),
        ("semicolons.csv", "image;mos\na.png;3.5\nb, c.png;\n"),
        ("european.csv", "image;mos\na.png;3,5\nb, c.png;\n"),
        ("bars.txt", "image|mos\na.png|3.5\nb, c.png|\n"),
        ("blank.csv", '\n\nimage,mos\na.png,3.5\n\n"b, c.png",\n\n'),
        ("short.csv", 'image,mos\na.png,3.5\n"b, c.png"\n'),
        ("wide.csv", 'image,mos,\na.png,3.5,\n"b, c.png",,\n'),
        ("utf16.csv", 'image,mos\na.png,3.5\n"b, c.png",\n'.encode("utf-16")),
        ("packed.csv.gz", gzip.compress(b'image,mos\na.png,3.5\n"b, c.png",\n')),
    ],
)
def test_text_of_every_kind(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert read_table(write(tmp_path / name, content)) == WANTED


def test_latin_letters_of_old_windows(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "image,mos\nCaf\u00e9.png,1\n".encode("cp1252"))
    assert read_table(file)["image"] == ["Caf\u00e9.png"]


def test_commas_in_names_are_not_decimals(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "image;mos\n1,5;2,5\nb;3\n")
    table = read_table(file)
    assert table["image"] == ["1,5", "b"]
    assert numbers(table, "mos").tolist() == [2.5, 3.0]


def test_json_lines_keep_types_and_fill_gaps(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", '{"image": "a", "mos": 3.5}\n\n{"image": "b", "std": 1}\n')
    assert read_table(file) == {"image": ["a", "b"], "mos": [3.5, None], "std": [None, 1]}
    listed = write(tmp_path / "a.json", json.dumps([{"image": "a", "mos": 3.5}]))
    assert read_table(listed) == {"image": ["a"], "mos": [3.5]}


def test_parquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(
        arrow.table({"image": ["a", "b"], "mos": [1.5, None]}), tmp_path / "a.parquet"
    )
    assert read_table(tmp_path / "a.parquet") == {"image": ["a", "b"], "mos": [1.5, None]}


def test_parquet_without_pyarrow_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(MissingExtra, match=r"snellen\[parquet\]"):
        read_table(write(tmp_path / "a.parquet", b"PAR1"))


def test_excel(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", [["image", "mos"], ["a & b.png", 3.5], [], ["c.png", None]])
    assert read_table(tmp_path / "a.xlsx") == {
        "image": ["a & b.png", "c.png"],
        "mos": ["3.5", None],
    }


def test_excel_with_inline_and_rich_text(tmp_path: Path) -> None:
    workbook(tmp_path / "a.xlsx", [["image", "mos"]])
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rows = (
        "<row><c t='inlineStr'><is><t>im</t></is></c><c t='str'><v>mos</v></c></row>"
        "<row r='3'><c r='B3' t='n'><v>2</v></c></row>"
        "<row r='4'><c r='A4' t='s'><v>0</v></c></row>"
    )
    rich = "<si><r><t>a</t></r><rPh><t>hint</t></rPh><r><t>.png</t></r></si>"
    with zipfile.ZipFile(tmp_path / "a.xlsx") as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["xl/worksheets/sheet2.xml"] = (
        f"<worksheet xmlns='{main}'><sheetData>{rows}</sheetData></worksheet>".encode()
    )
    parts["xl/sharedStrings.xml"] = f"<sst xmlns='{main}'>{rich}</sst>".encode()
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    assert read_table(tmp_path / "b.xlsx") == {"im": [None, "a.png"], "mos": ["2", None]}


@pytest.mark.parametrize(
    "row",
    [
        "<row r='999999999'><c><v>1</v></c></row>",
        "<row r='x'><c><v>1</v></c></row>",
        "<row><c r='ZZZZ1'><v>1</v></c></row>",
        "<row><c r='1'><v>1</v></c></row>",
        "<row><c t='s'><v>7</v></c></row>",
        "<row><c>",
    ],
)
def test_a_workbook_of_nonsense_is_refused_without_filling_the_memory(
    tmp_path: Path, row: str
) -> None:
    workbook(tmp_path / "a.xlsx", [["image", "mos"]])
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(tmp_path / "a.xlsx") as old:
        parts = {name: old.read(name) for name in old.namelist()}
    sheet = f"<worksheet xmlns='{main}'><sheetData>{row}</sheetData></worksheet>"
    parts["xl/worksheets/sheet2.xml"] = sheet.encode()
    with zipfile.ZipFile(tmp_path / "b.xlsx", "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    with pytest.raises(DataError, match="not a readable"):
        read_table(tmp_path / "b.xlsx")


def test_a_sheet_under_a_title(tmp_path: Path) -> None:
    file = write(tmp_path / "a.csv", "Results 2020,,\n,,\n,image,mos\n,a,1\n")
    assert table_from_rows(file, ("image", "mos")) == {"image": ["a"], "mos": ["1"]}
    with pytest.raises(DataError, match="no row with the columns 'image', 'dmos'"):
        table_from_rows(file, ("image", "dmos"))


def test_files_without_a_header(tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", "5.51  I01.bmp\n5.56\tI02.bmp\n")
    table = read_table(file, columns=("mos", "image"), separator=" ")
    assert table == {"mos": ["5.51", "5.56"], "image": ["I01.bmp", "I02.bmp"]}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.csv", "", "empty"),
        ("blank.csv", "\n\n", "empty"),
        ("many.csv", "image,mos\na,1\nb,2,3\n", "line 3: 3 cells under 2 columns"),
        ("twice.csv", "image,mos,mos\na,1,2\n", "'mos'.* more than once"),
        ("quote.csv", 'image,mos\n"a,1\n', "line 2"),
        ("binary.csv", b"\x00\x01\x02", "not text"),
        ("packed.csv.gz", b"image,mos\n", "cannot be read"),
        ("broken.jsonl", '{"image": "a"}\n{"image": \n', "line 2 is not JSON"),
        ("deep.jsonl", "[" * 100_000, "line 1 is not JSON"),
        ("list.jsonl", "[1, 2]\n", "record 1 is list"),
        ("none.jsonl", "\n", "empty"),
        ("object.json", "{}", "no list"),
        ("broken.json", "[", "not JSON"),
        ("a.parquet", b"PAR1....", "not a readable Parquet file"),
        ("a.xlsx", b"PK..", "not a readable .xlsx"),
        ("a.ods", b"PK..", "Save the sheet as CSV"),
    ],
)
def test_what_is_no_table_is_named_in_one_line(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    with pytest.raises(DataError, match=said) as caught:
        read_table(write(tmp_path / name, content))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_names_its_neighbour(tmp_path: Path) -> None:
    write(tmp_path / "scores.csv", "image,score\na,1\n")
    with pytest.raises(InputError, match=r"scores\.csv"):
        read_table(tmp_path / "score.csv")
    with pytest.raises(InputError, match="does not exist either"):
        read_table(tmp_path / "nowhere" / "score.csv")
    with pytest.raises(DataError, match="directory"):
        read_table(tmp_path)


def test_a_workbook_without_the_sheet(tmp_path: Path) -> None:
    from snellen.data.spreadsheets import read_sheet

    workbook(tmp_path / "a.xlsx", [["image"]])
    with pytest.raises(DataError, match="Its sheets are Sheet1"):
        read_sheet(tmp_path / "a.xlsx", "ratings")


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        (["Image Name", "x"], "Image Name"),
        (["image-name"], "image-name"),
        (["IMG", "filename"], "IMG"),
        (["x", "image", "image_name"], "image"),
    ],
)
def test_columns_by_their_usual_names(columns: list[str], found: str) -> None:
    assert find_column(columns, ("image", "image_name", "img", "filename")) == found


def test_a_file_with_the_same_ending_alone_is_no_neighbour(tmp_path: Path) -> None:
    (tmp_path / "holiday.csv").write_text("a\n1\n")
    with pytest.raises(InputError) as error:
        read_table(tmp_path / "mos.csv")
    assert "Did you mean" not in str(error.value)


def test_a_column_that_is_not_there_shows_the_nearest() -> None:
    with pytest.raises(DataError, match=r"no column 'moss'.*Did you mean 'mos'"):
        find_column(["image", "mos"], (), "moss")
    with pytest.raises(DataError, match="2 columns that read as"):
        find_column(["MOS", "mos "], ("mos",))
    assert find_column(["MOS", "mos"], (), "mos") == "mos"


@pytest.mark.parametrize("cell", ["", None, "NaN", "n/a", " - ", "None", "NULL"])
def test_what_means_no_value(cell: str | None) -> None:
    assert np.isnan(numbers({"a": [cell]}, "a")).all()


@pytest.mark.parametrize("cell", ["good", "1_5", "3.5 stars", True, [1], "1,5"])
def test_what_is_no_number_is_named(cell: object) -> None:
    with pytest.raises(DataError, match="row 2"):
        numbers({"a": [1, cell]}, "a")


def test_numbers_of_every_type() -> None:
    assert numbers({"a": ["1e2", 3, 2.5, "-.5", "inf"]}, "a").tolist() == [
        100,
        3,
        2.5,
        -0.5,
        np.inf,
    ]
    assert texts({"a": [None, 7, "x"]}, "a") == ["", "7", "x"]


CELL = st.text(
    st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufeff"), max_size=12
).map(str.strip)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8), separator=st.sampled_from(",\t;|")
)
def test_what_csv_writes_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], separator: str
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writerow(["the image", "note"])
    writer.writerows([(f"x{a}", f"y{b}") for a, b in rows])
    path = tmp_path_factory.mktemp("table") / "a.csv"
    table = read_table(write(path, text.getvalue()))
    assert table == {
        "the image": [f"x{a}" for a, _ in rows],
        "note": [f"y{b}" for _, b in rows],
    }
