"""Sheets of .xlsx files as rows of cells, with the standard library alone.

SPAQ and CSIQ publish their ratings as Excel workbooks only. An .xlsx file is a zip of XML parts
(ECMA-376, SpreadsheetML): a list of sheets, a table of shared strings, and per sheet the cells that
are not empty. Formulas are read as the value Excel stored beside them; styles and dates are not
read.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import TypeAlias
from xml.etree import ElementTree

from snellen.errors import DataError

Rows: TypeAlias = list[list["str | None"]]

_PART = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MAX_ROWS, _MAX_COLUMNS = 1_048_576, 16_384  # of the format itself
_MAX_PART = 256 * 1024 * 1024  # bytes one part may unpack to: a zip bomb is refused, not unpacked


# What zipfile, the parser and wrong numbers in the parts raise.
_BROKEN = (zipfile.BadZipFile, ElementTree.ParseError, LookupError, ValueError, OSError)


def read_sheet(path: str | Path, sheet: str | None = None) -> Rows:
    """The cells of one sheet, every row as long as the longest; None where a cell is empty.

    sheet : name of the sheet; the first one otherwise.
    Raises `DataError` when the file is no workbook or has no such sheet.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as book:
            sheets = _sheets(book)
            name = sheet if sheet is not None else next(iter(sheets), None)
            if name not in sheets:
                raise DataError(
                    f"{path} has no sheet {sheet!r}", f"Its sheets are {', '.join(sheets)}."
                )
            return _cells(_part(book, sheets[name]), _strings(book))
    except _BROKEN as error:
        raise DataError(f"{path} is not a readable .xlsx workbook: {error}") from None


def _part(book: zipfile.ZipFile, name: str) -> ElementTree.Element:
    if book.getinfo(name).file_size > _MAX_PART:
        raise zipfile.BadZipFile(f"{name} unpacks to more than {_MAX_PART >> 20} MiB")
    return ElementTree.fromstring(book.read(name))


def _sheets(book: zipfile.ZipFile) -> dict[str, str]:
    """Sheet name → part of the zip, in the workbook's order."""
    targets = {
        link.get("Id", ""): link.get("Target", "")
        for link in _part(book, "xl/_rels/workbook.xml.rels")
    }
    return {
        sheet.get("name", ""): _inside(targets[sheet.get(_LINK, "")])
        for sheet in _part(book, "xl/workbook.xml").iter(f"{_PART}sheet")
    }


def _inside(target: str) -> str:
    """Targets are relative to xl/, or absolute."""
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _strings(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    return [_text(item) for item in _part(book, "xl/sharedStrings.xml").iter(f"{_PART}si")]


def _text(item: ElementTree.Element) -> str:
    """Rich text is runs of `t`; phonetic hints (`rPh`) are no part of the text."""
    runs = [item, *item.findall(f"{_PART}r")]
    return "".join(part.text or "" for run in runs for part in run.findall(f"{_PART}t"))


def _cells(sheet: ElementTree.Element, strings: list[str]) -> Rows:
    rows: Rows = []
    for row in sheet.iter(f"{_PART}row"):
        # Rows and cells that are empty are left out of the file; their numbers tell where.
        number = int(row.get("r", len(rows) + 1))
        if not 1 <= number <= _MAX_ROWS:
            raise ValueError(f"there is no row {number}")
        rows.extend([] for _ in range(number - len(rows)))
        cells = rows[number - 1]
        for cell in row.iter(f"{_PART}c"):
            column = _column(cell.get("r", "")) if cell.get("r") else len(cells)
            if not 0 <= column < _MAX_COLUMNS:
                raise ValueError(f"there is no cell {cell.get('r')}")
            cells.extend([None] * (column + 1 - len(cells)))
            cells[column] = _value(cell, strings)
    width = max((len(row) for row in rows), default=0)
    return [row + [None] * (width - len(row)) for row in rows]


def _column(place: str) -> int:
    """The column of a cell's place: "A7" → 0, "AB7" → 27."""
    number = 0
    for letter in re.sub(r"[^A-Z]", "", place):
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _value(cell: ElementTree.Element, strings: list[str]) -> str | None:
    if cell.get("t") == "inlineStr":
        inline = cell.find(f"{_PART}is")
        return (_text(inline).strip() or None) if inline is not None else None
    value = cell.findtext(f"{_PART}v")
    if value is None:
        return None
    if cell.get("t") == "s":
        value = strings[int(value)]
    return value.strip() or None
