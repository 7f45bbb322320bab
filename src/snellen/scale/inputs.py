"""What a request on a cluster may hold: files as `images.find` gives them, and Parquet tables.

A table is of paths (a column `path`, `image` or `url` of text, each then a file like any other) or
of pictures themselves (`bytes` or `image`, binary, or a struct with `bytes` as Hugging Face writes
it). Pictures in a table are called TABLE#ROW and stay in it until a worker scores them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from snellen.errors import DataError, MissingExtra
from snellen.images import printable_name

_PATHS = ("path", "image", "url")
_PICTURES = ("bytes", "image")
_AT_ONCE = 1024  # paths read at a time

Path = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class InTable:
    """One picture that lies in a table: its row, counted from 0 over the whole table."""

    table: str
    row: int
    column: str

    @property
    def name(self) -> str:
        return f"{printable_name(self.table)}#{self.row:010d}"


def opened(given: Iterable[Path]) -> tuple[list[Path], list[InTable]]:
    """The paths given with tables of paths replaced by their paths, and the pictures in tables.

    Raises `DataError` for a table that holds neither, `MissingExtra` without pyarrow.
    """
    files: list[Path] = []
    pictures: list[InTable] = []
    for path in given:
        name = os.fspath(path)
        if not name.lower().endswith(".parquet") or not os.path.isfile(name):
            files.append(path)
            continue
        table = _open(name)
        column = _column(name, table, _PATHS, _is_text)
        if column is not None:
            files.extend(_cells(table, column))
            continue
        column = _column(name, table, _PICTURES, _is_picture)
        if column is None:
            shown = ", ".join(table.schema_arrow.names[:8])
            raise DataError(
                f"{name} has neither paths nor pictures (its columns: {shown})",
                f"Name a column of paths {' or '.join(_PATHS)}, or of bytes"
                f" {' or '.join(_PICTURES)}.",
            )
        rows = range(table.metadata.num_rows)
        pictures.extend(InTable(os.path.abspath(name), row, column) for row in rows)
    return files, pictures


def read_pictures(pictures: list[InTable]) -> Iterator[bytes | None]:
    """The bytes of pictures that lie one after the other in a table; None where a cell is empty."""
    table, column = _open(pictures[0].table), pictures[0].column
    wanted = {picture.row for picture in pictures}
    start = 0
    for group in range(table.num_row_groups):
        count = table.metadata.row_group(group).num_rows
        if wanted.isdisjoint(range(start, start + count)):
            start += count
            continue
        for batch in table.iter_batches(_AT_ONCE, row_groups=[group], columns=[column]):
            for place, cell in enumerate(batch.column(0), start):
                if place in wanted:
                    value = cell.as_py()
                    yield value.get("bytes") if isinstance(value, dict) else value
            start += batch.num_rows


def _open(name: str) -> Any:
    try:
        return import_module("pyarrow.parquet").ParquetFile(name)
    except ImportError:
        raise MissingExtra("pyarrow", "ray", "read Parquet") from None
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{name} cannot be read as Parquet ({reason})", "Write it again.") from None


def _column(name: str, table: Any, wanted: Iterable[str], fits: Any) -> str | None:
    schema = table.schema_arrow
    there = [column for column in wanted if column in schema.names]
    return next((column for column in there if fits(schema.field(column).type)), None)


def _is_text(kind: Any) -> bool:
    types = import_module("pyarrow.types")
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _is_picture(kind: Any) -> bool:
    types = import_module("pyarrow.types")
    if types.is_struct(kind):
        return any(field.name == "bytes" for field in kind)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _cells(table: Any, column: str) -> Iterator[str]:
    for batch in table.iter_batches(_AT_ONCE, columns=[column]):
        yield from (cell for cell in batch.column(0).to_pylist() if cell)
