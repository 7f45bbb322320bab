"""What the verbs over tables of people's answers share: columns out to files, JSON and terminal."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from rich.table import Table as Grid

Columns: TypeAlias = Mapping[str, Any]
"""Name → list, tuple or array, all of the same length."""


def plain(value: Any) -> Any:
    """A value as JSON and CSV know it: NaN and infinity become None, numpy's numbers Python's."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return value


def records(columns: Columns) -> list[dict[str, Any]]:
    """Columns of the same length as one dict a row."""
    names = list(columns)
    rows = zip(*(plain(list(column)) for column in columns.values()), strict=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


_ENDINGS = {"page": (".html",), "everything": (".json",), "rows": (".csv", ".jsonl", ".parquet")}


def check_outputs(paths: Sequence[Path], *kinds: str) -> None:
    """Raise `InputError` where an ending names none of `kinds`, or a folder is not there.

    Worth knowing before the work; `MissingExtra` for Parquet without pyarrow.
    """
    from snellen.errors import InputError
    from snellen.table import check_output

    endings = [ending for kind in kinds for ending in _ENDINGS[kind]]
    for path in paths:
        ending = path.suffix.lower()
        if ending not in endings:
            raise InputError(
                f"cannot write {path}: {ending or 'no ending'!r} is not known here",
                f"End the name in {', '.join(endings)}.",
            )
        if ending in _ENDINGS["rows"]:
            check_output(path)
        elif not path.absolute().parent.is_dir():
            raise InputError(f"there is no folder {path.parent} for {path.name}", "Make it first.")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write one JSON object, whole or not at all."""
    from snellen.runs import atomic

    with atomic(path) as file:
        file.write(json.dumps(value, indent=1).encode() + b"\n")


def write_columns(path: Path, columns: Columns) -> None:
    """Write columns as .csv, .jsonl or .parquet, as the end of `path` says; missing is empty."""
    from snellen.runs import atomic

    form = path.suffix.lower()
    with atomic(path) as file:
        if form == ".parquet":
            import pyarrow
            from pyarrow import parquet

            table = {name: plain(list(column)) for name, column in columns.items()}
            parquet.write_table(pyarrow.table(table), file)
        elif form == ".jsonl":
            file.writelines(json.dumps(row).encode() + b"\n" for row in records(columns))
        else:
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(row.values() for row in records(columns))
            file.write(text.getvalue().encode("utf-8", "backslashreplace"))


def grid(title: str, columns: Columns, forms: Mapping[str, str], rows: int) -> Grid:
    """A terminal table of the first `rows` rows.

    forms : format of each column's numbers, such as ".2f"; columns without one are text.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid
    from rich.text import Text

    from snellen.reports.shell import printable

    found = Grid(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in columns:
        found.add_column(name.replace("_", " "), justify="right" if name in forms else "left")
    for row in records({name: list(column)[:rows] for name, column in columns.items()}):
        cells = []
        for name, value in row.items():
            if value is None:
                cells.append(Text("–", style="dim"))
            else:  # never read as markup
                shown = format(value, forms[name]) if name in forms else printable(str(value))
                cells.append(Text(shown, overflow="fold"))
        found.add_row(*cells)
    return found


def between(low: Sequence[float], high: Sequence[float], form: str) -> list[str | None]:
    """Intervals as text, None where an end is missing."""
    return [
        None if a is None or b is None else f"{a:{form}} … {b:{form}}"
        for a, b in zip(plain(list(low)), plain(list(high)), strict=True)
    ]
