"""Tables from files: CSV, TSV, JSON lines, Excel and Parquet become columns.

    table = read_table("mos.csv")              # {"image": ["a.png", ...], "mos": ["3.5", ...]}
    image = find_column(table, IMAGE_NAMES)    # "image", or whatever the file calls it
    mos = numbers(table, "mos")                # float64, NaN where the cell is empty

Reading never guesses a value: an empty cell is None, text stays text, and a row that does not fit
its header is an error that names the line.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from snellen.data.spreadsheets import Rows, read_sheet
from snellen.errors import DataError, InputError, MissingExtra

Table: TypeAlias = dict[str, list[object]]
NumberedRows: TypeAlias = list[tuple[int, list["str | None"]]]  # line number, cells

# Names the field's files use for the same thing, most telling first.
IMAGE_NAMES = (
    "image", "image_name", "image name", "img", "filename", "file_name", "file", "path",
    "image_path", "img_path", "dist_img", "dist_image", "name", "item", "stimulus", "id", "key",
)  # fmt: skip
MOS_NAMES = (
    "mos", "dmos", "mean_opinion_score", "mos_quality", "quality_mos", "subjective", "rating",
    "quality", "mos_zscore", "mean", "score",
)  # fmt: skip
SCORE_NAMES = (
    "score", "prediction", "predicted", "pred", "pred_score", "quality_score", "quality",
    "value", "output",
)  # fmt: skip
STD_NAMES = ("std", "sd", "mos_std", "std_mos", "sos", "standard_deviation", "stddev")
VOTES_NAMES = ("votes", "n_votes", "n_ratings", "ratings", "num_ratings", "c_total", "raters", "n")
REFERENCE_NAMES = ("reference", "ref", "ref_img", "ref_image", "reference_image", "source_image")
DISTORTION_NAMES = ("distortion", "distortion_type", "dist_type", "dst_type", "type")
LEVEL_NAMES = ("level", "distortion_level", "dist_level", "dst_lev", "severity")
RATER_NAMES = (
    "rater", "subject", "observer", "participant", "user", "worker", "annotator", "voter",
    "rater_id", "subject_id", "observer_id", "participant_id", "user_id", "worker_id",
)  # fmt: skip
VOTE_NAMES = ("score", "vote", "rating", "opinion", "opinion_score", "grade", "value", "os")
SPLIT_NAMES = ("split", "set", "subset", "fold")

# What other programs write for "no value". Anything else that is no number is an error.
_MISSING = frozenset({"", "nan", "na", "n/a", "none", "null", "-", "missing"})
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_PLAIN_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


def read_table(
    path: str | Path, columns: Sequence[str] | None = None, separator: str | None = None
) -> Table:
    """The table at `path` as column name → list of cells, all columns of the same length.

    path      : .csv, .tsv, .txt (each also .gz), .jsonl / .ndjson, .json (a list of objects),
                .xlsx (its first sheet) or .parquet; the ending decides, text otherwise.
    columns   : names for a text file without a header line.
    separator : one character, or " " for runs of white space; found in the first line otherwise.

    A cell of a text file is `str`, or None when empty; JSON and Parquet keep their own types. A
    byte-order mark, UTF-16, quoted names, blank lines and (in files separated by semicolons or
    tabs) decimal commas are understood.
    Raises `DataError` (naming the line) for a table that is not one, `InputError` for no file,
    `MissingExtra` for Parquet without pyarrow.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path} is a directory, not a table", "Name the file inside it.")
    if not path.exists():
        raise InputError(f"no table at {path}", _near_file(path))
    ending = (path.with_suffix("") if path.suffix.lower() == ".gz" else path).suffix.lower()
    if ending in {".parquet", ".pq"}:
        return _read_parquet(path)
    if ending == ".xlsx":
        return _from_rows(path, _numbered(read_sheet(path)), columns)
    if ending in {".xls", ".xlsm", ".ods"}:
        raise DataError(f"{path} is a spreadsheet", "Save the sheet as CSV and name that file.")
    text = _read_text(path)
    if ending in {".jsonl", ".ndjson"}:
        return _from_records(path, _json_lines(path, text))
    if ending == ".json":
        return _from_records(path, _json_list(path, text))
    return _read_separated(path, text, columns, separator)


def table_from_rows(path: Path, columns: Sequence[str], sheet: str | None = None) -> Table:
    """A sheet (.xlsx, or CSV made of it) whose header may stand under a title or beside blanks.

    columns : names that the header row must have, and those of the result; the rows above it are
              passed over.
    Raises `DataError` when no row has them all.
    """
    separator = ","
    if path.suffix.lower() == ".xlsx":
        rows = _numbered(read_sheet(path, sheet))
    else:
        text = _read_text(path)
        first = _plain(columns[0])
        separator = _separator(
            next((line for line in text.split("\n") if first in _plain(line)), "")
        )
        rows = _separated_rows(path, text, separator)
    wanted = {_plain(name) for name in columns}
    for place, (_, row) in enumerate(rows):
        if wanted <= {_plain(cell) for cell in row if cell}:
            table = _from_rows(path, rows[place:], None)
            if separator != ",":
                _mend_decimal_commas(table)
            return {name: table[find_column(table, (name,))] for name in columns}
    raise DataError(f"{path} has no row with the columns {_listed(columns)}")


def find_column(
    columns: Iterable[str],
    wanted: Sequence[str],
    given: str | None = None,
    where: str | Path = "the table",
    option: str = "",
) -> str:
    """The name among `columns` that means what `wanted` lists, most wanted first.

    given  : the name the user asked for; nothing else will then do.
    option : what the user would name the column with, such as "--rater"; told in the error.
    Case, spaces, dashes and underscores are ignored.  Raises `DataError` naming the nearest.
    """
    columns = list(columns)
    names = (given,) if given is not None else tuple(wanted)
    if given is not None and given in columns:
        return given
    by_plain: dict[str, list[str]] = {}
    for column in columns:
        by_plain.setdefault(_plain(column), []).append(column)
    for name in names:
        found = by_plain.get(_plain(name), [])
        if len(found) == 1:
            return found[0]
        if found:
            raise DataError(
                f"{where} has {len(found)} columns that read as {name!r}: {_listed(found)}",
                "Name the one you mean exactly.",
            )
    near = [
        match
        for name in names
        for plain in difflib.get_close_matches(_plain(name), by_plain, n=2, cutoff=0.6)
        for match in by_plain[plain]
    ]
    asked = f"column {given!r}" if given is not None else f"column {_listed(names[:3], ' or ')}"
    fix = f"Did you mean {_listed(list(dict.fromkeys(near))[:3], ' or ')}?" if near else ""
    raise DataError(
        f"{where} has no {asked}; its columns are {_listed(columns)}",
        fix or f"Name the column to use{f' with {option}' if option else ''}.",
    )


def find_optional(
    columns: Iterable[str], wanted: Sequence[str], where: str | Path = "the table"
) -> str | None:
    """As `find_column`, or None where no such column exists."""
    columns = list(columns)
    if not {_plain(name) for name in wanted} & {_plain(column) for column in columns}:
        return None
    return find_column(columns, wanted, where=where)


def numbers(
    table: Mapping[str, Sequence[object]], column: str, where: str | Path = "the table"
) -> npt.NDArray[np.float64]:
    """A column as float64 (n,); NaN where a cell is empty or says "nan", "NA", "none", "null".

    Infinite values are kept, for the caller to refuse or count.
    Raises `DataError` naming the row for anything else that is no number.
    """
    values = [_number(cell) for cell in table[column]]
    if None in values:
        row = values.index(None)
        raise DataError(
            f"{where}: {table[column][row]!r} in column {column!r}, row {row + 1}, is not a number",
            "Correct the cell, or name another column.",
        )
    return np.array(values, dtype=np.float64)


def texts(table: Mapping[str, Sequence[object]], column: str) -> list[str]:
    """A column as text; "" where a cell is empty."""
    return ["" if cell is None else str(cell) for cell in table[column]]


def _number(cell: object) -> float | None:
    """The cell as a float, NaN for "no value", None for anything that is no number."""
    if cell is None:
        return math.nan
    if isinstance(cell, str):
        cell = cell.strip()
        if cell.lower() in _MISSING:
            return math.nan
        try:
            return None if "_" in cell else float(cell)  # float() would take 1_5 for 15
        except ValueError:
            return None
    if isinstance(cell, (int, float, np.number, Decimal)) and not isinstance(cell, bool):
        return float(cell)
    return None


def _read_text(path: Path) -> str:
    """The file decoded: UTF-8 with or without mark, UTF-16 with one, else Windows' own."""
    try:
        raw = path.read_bytes()
        if path.suffix.lower() == ".gz":
            raw = gzip.decompress(raw)
    except (OSError, EOFError) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            break
        return text
    raise DataError(f"{path} is not text", "Give CSV, TSV, JSON lines or Parquet.")


def _read_separated(
    path: Path, text: str, columns: Sequence[str] | None, separator: str | None
) -> Table:
    first = next((line for line in text.split("\n") if line.strip()), "")
    separator = separator or _separator(first)
    table = _from_rows(path, _separated_rows(path, text, separator), columns)
    if separator != ",":
        _mend_decimal_commas(table)
    return table


def _separated_rows(path: Path, text: str, separator: str) -> NumberedRows:
    if separator == " ":
        # Runs of spaces and tabs separate; such files know no quotes.
        return _numbered([list(line.split()) for line in text.split("\n")])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return [(reader.line_num, [cell.strip() or None for cell in row]) for row in reader]
    except csv.Error as error:
        raise DataError(f"{path}, line {reader.line_num}: {error}") from None


def _numbered(rows: Rows) -> NumberedRows:
    return list(enumerate(rows, 1))


def _from_rows(path: Path, rows: NumberedRows, columns: Sequence[str] | None) -> Table:
    """Columns from rows of cells; the first row that is not blank is the header."""
    rows = [(number, row) for number, row in rows if any(row)]
    if not rows:
        raise DataError(f"{path} is empty", "A table needs a header line and at least one row.")
    header = list(columns) if columns is not None else _header(path, rows.pop(0)[1])
    table: Table = {name: [] for name in header}
    for number, row in rows:
        if any(row[len(header) :]):
            raise DataError(
                f"{path}, line {number}: {len(row)} cells under {len(header)} columns",
                "Quote cells that hold the separator.",
            )
        # Cells left out at the end of a line are empty ones: spreadsheets write rows so.
        for place, name in enumerate(header):
            table[name].append(row[place] if place < len(row) else None)
    return {name: cells for name, cells in table.items() if name or any(cells)}


def _header(path: Path, row: list[str | None]) -> list[str]:
    names = [cell or "" for cell in row]
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if repeated:
        raise DataError(
            f"{path}: column {_listed(repeated)} stands in the header more than once",
            "Rename one of them.",
        )
    if names.count("") > 1:
        names = [name or f"column {place}" for place, name in enumerate(names, 1)]
    return names


def _separator(line: str) -> str:
    """The separator of a header line: the one that makes most cells, the comma when none does."""
    unquoted = re.sub(r'"[^"]*"', "", line)
    counts = {mark: unquoted.count(mark) for mark in ",\t;|"}
    return max(counts, key=lambda mark: counts[mark])


def _mend_decimal_commas(table: Table) -> None:
    """Turn `3,5` into `3.5` in columns of such numbers alone, as European sheets write them."""
    for name, cells in table.items():
        filled = [cell for cell in cells if isinstance(cell, str)]
        commas = [cell for cell in filled if _DECIMAL_COMMA.fullmatch(cell)]
        if commas and all(
            _DECIMAL_COMMA.fullmatch(c) or _PLAIN_NUMBER.fullmatch(c) for c in filled
        ):
            table[name] = [c.replace(",", ".") if isinstance(c, str) else c for c in cells]


def _json_lines(path: Path, text: str) -> list[object]:
    records = []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            records.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}, line {number} is not JSON: {error}") from None
    return records


def _json_list(path: Path, text: str) -> list[object]:
    try:
        records = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not JSON: {error}") from None
    if not isinstance(records, list):
        raise DataError(f"{path} holds no list of objects", "Give a JSON list, or JSON lines.")
    return records


def _from_records(path: Path, records: list[object]) -> Table:
    """Columns from objects; a key an object lacks is an empty cell there."""
    names: dict[str, None] = {}
    rows: list[dict[str, object]] = []
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise DataError(
                f"{path}, record {number} is {type(record).__name__}, not an object",
                'Each record is an object such as {"image": "a.png", "score": 61.2}.',
            )
        names.update(dict.fromkeys(record))
        rows.append(record)
    if not rows:
        raise DataError(f"{path} is empty", "A table needs at least one record.")
    return {name: [row.get(name) for row in rows] for name in names}


def _read_parquet(path: Path) -> Table:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingExtra("pyarrow", "parquet", "read Parquet files") from None
    try:
        table: Table = parquet.read_table(path).to_pydict()
    except (ArrowException, OSError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path} is not a readable Parquet file: {reason}") from None
    return table


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-]+", "", name).casefold()


def _listed(names: Sequence[str], joint: str = ", ") -> str:
    shown = joint.join(repr(name) for name in names[:12])
    return shown + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def _near_file(path: Path) -> str:
    """The fix for a file that is not there: its nearest neighbours by name."""
    if not path.parent.is_dir():
        return f"The directory {path.parent} does not exist either."
    by_stem: dict[str, list[str]] = {}  # endings are alike among files that have nothing in common
    for entry in sorted(path.parent.iterdir()):
        if entry.is_file():
            by_stem.setdefault(entry.stem.lower(), []).append(entry.name)
    stems = difflib.get_close_matches(path.stem.lower(), by_stem, n=3, cutoff=0.6)
    near = [name for stem in stems for name in by_stem[stem]]
    return f"Did you mean {_listed(near, ' or ')}?" if near else ""
