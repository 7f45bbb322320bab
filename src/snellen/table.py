"""The table of a run: one row an image, read from the run directory when it is asked for.

A `Table` holds where its rows lie, eight bytes a row, and reads them from the disk as they are
asked for: writing a million of them as CSV or Parquet takes the memory of a few thousand. It is
taken directly by `pandas.DataFrame`, `polars.DataFrame` and `pyarrow.table`.
"""

from __future__ import annotations

import contextlib
import csv
import heapq
import io
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import import_module
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, overload

from snellen.errors import InputError, MissingExtra, UnknownName
from snellen.runs import Row, Rows, atomic

COLUMNS: dict[str, type] = {
    "image": str,
    "score": float,
    "low": float,
    "high": float,
    "spread": float,
    "severity": float,
    "problem": str,
    "blur": float,
    "noise": float,
    "compression": float,
    "brightness": float,
    "contrast": float,
    "colorfulness": float,
    "jitter": float,
    "clean": float,
    "width": int,
    "height": int,
    "format": str,
    "bytes": int,
    "hash": str,
    "scorer": str,
    "view": str,
    "notes": str,
    "map": str,
    "evidence": str,
    "missing": str,
}
"""Every column and its type; a cell is None where there is nothing to say, never 0.

image             name of the file, as it was found
score, low, high  0–100, higher is better, and the 95 % interval; spread is the standard deviation
severity          0 (imperceptible) to 4 (extreme)
problem           the most probable family of distortion, and then the probability of each
width … hash      of the file: pixels as it is meant to be seen, kind of content, bytes, SHA-256
scorer            identity of what scored
view, map         JSON: what the scorer was shown; [x, y, width, height, score] of each cell seen
evidence          JSON: each question a judge was asked, what it says by itself, its weight, mass
notes             what was done to the pixels before they were scored
missing           why there is no score
"""

_BATCH = 4096  # rows turned into a Parquet row group or an Arrow batch at a time


class Table:
    """Rows of a run, sorted by name: iterate, count, pick, export.

    run : the run directory the rows come from.
    """

    def __init__(self, run: Path, rows: Rows) -> None:
        self.run = run
        self._rows = rows

    @classmethod
    def open(cls, run: Path) -> Table:
        """The table of a run directory, finished or not. Raises `RunError` when it is none."""
        from snellen.runs import read_facts

        read_facts(run)
        return cls(run, Rows.of(run))

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(COLUMNS)

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return map(_columns, self._rows)

    @overload
    def __getitem__(self, key: str) -> list[Any]: ...
    @overload
    def __getitem__(self, key: int) -> Row: ...
    @overload
    def __getitem__(self, key: slice) -> Table: ...
    def __getitem__(self, key: str | int | slice) -> list[Any] | Row | Table:
        """A column by name, a row by place, or the table of a slice of rows."""
        if isinstance(key, str):
            if key not in COLUMNS:
                raise UnknownName("column", key, COLUMNS)
            return [row[key] for row in self]
        if isinstance(key, slice):
            return Table(self.run, self._rows[key])
        return _columns(self._rows[key])

    def __repr__(self) -> str:
        return f"<Table of {len(self)} images from {self.run}>"

    @property
    def missing(self) -> Table:
        """The rows without a score; their `missing` says why."""
        return self._where_scored(False)

    @property
    def scored(self) -> Table:
        """The rows with a score."""
        return self._where_scored(True)

    def below(self, score: float) -> Table:
        """The rows scored under `score`, the worst first."""
        picked = [pair for pair in self._scores() if pair[0] < score]
        return self._part(offset for _, offset in sorted(picked))

    def worst(self, n: int) -> Table:
        """The `n` rows with the lowest scores, the worst first; equal ones by name."""
        return self._part(offset for _, offset in heapq.nsmallest(n, self._scores()))

    def where(self, keep: Callable[[Row], bool]) -> Table:
        """The rows for which `keep` holds."""
        rows = zip(self._rows.offsets, self, strict=True)
        return self._part(offset for offset, row in rows if keep(row))

    def to_arrow(self) -> Any:
        """As a `pyarrow.Table`. Raises `MissingExtra` without pyarrow."""
        arrow = _need("pyarrow", "parquet", "make an Arrow table")
        return arrow.Table.from_batches(self._batches(arrow), _schema(arrow))

    def to_pandas(self) -> Any:
        """As a `pandas.DataFrame`; what is missing is NaN or None. Raises `MissingExtra`."""
        pandas = _need("pandas", "pandas", "make a pandas frame")
        return pandas.DataFrame(self._lists(self))

    def to_polars(self) -> Any:
        """As a `polars.DataFrame`; what is missing is null. Raises `MissingExtra`."""
        polars = _need("polars", "polars", "make a polars frame")
        kinds = {str: polars.String, float: polars.Float64, int: polars.Int64}
        return polars.DataFrame(
            self._lists(self), schema={name: kinds[kind] for name, kind in COLUMNS.items()}
        )

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """The Arrow PyCapsule interface: how polars, pyarrow, DuckDB… take the table as it is."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def to_csv(self, path: str | Path) -> None:
        """Write comma-separated values, UTF-8; what is missing is an empty cell."""
        with _writing(path) as file:
            text = io.TextIOWrapper(file, "utf-8", "backslashreplace", newline="")
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(row.values() for row in self)
            text.flush()
            text.detach()  # the file stays open for `atomic` to end

    def to_jsonl(self, path: str | Path) -> None:
        """Write one JSON object a line; what is missing is null, view and map are objects."""
        with _writing(path) as file:
            for row in self:
                for name in ("view", "map"):
                    row[name] = row[name] and json.loads(row[name])
                file.write(json.dumps(row, ensure_ascii=True).encode() + b"\n")

    def to_parquet(self, path: str | Path) -> None:
        """Write a Parquet file. Raises `MissingExtra` without pyarrow."""
        arrow = _need("pyarrow", "parquet", "write Parquet")
        parquet = import_module("pyarrow.parquet")
        with _writing(path) as file, parquet.ParquetWriter(file, _schema(arrow)) as writer:
            for batch in self._batches(arrow):
                writer.write_batch(batch)

    def write(self, path: str | Path) -> None:
        """Write the table in the form that the end of `path` names (see `check_output`)."""
        writers = {".csv": self.to_csv, ".jsonl": self.to_jsonl, ".parquet": self.to_parquet}
        writers[check_output(path)](path)

    def _part(self, offsets: Iterable[int]) -> Table:
        return Table(self.run, self._rows.at(offsets))

    def _where_scored(self, scored: bool) -> Table:
        pairs = zip(self._rows.offsets, self._rows.scores(), strict=True)
        return self._part(offset for offset, score in pairs if math.isnan(score) != scored)

    def _scores(self) -> Iterator[tuple[float, int]]:
        """(score, offset) of the scored rows; the offset settles ties by order of name."""
        for offset, score in zip(self._rows.offsets, self._rows.scores(), strict=True):
            if not math.isnan(score):
                yield score, offset

    def _batches(self, arrow: Any) -> Iterator[Any]:
        schema, rows = _schema(arrow), iter(self)
        while part := list(islice(rows, _BATCH)):
            yield arrow.RecordBatch.from_pydict(self._lists(part), schema)

    @staticmethod
    def _lists(rows: Iterable[Row]) -> dict[str, list[Any]]:
        values = list(zip(*(row.values() for row in rows), strict=True))
        return {name: list(values[i]) if values else [] for i, name in enumerate(COLUMNS)}


def _columns(row: Row) -> Row:
    """A row of the run as the table shows it."""
    return {name: row.get(name) for name in COLUMNS}


OUTPUTS: Sequence[str] = (".csv", ".jsonl", ".parquet")


def check_output(path: str | Path) -> str:
    """Which form the end of `path` names, one of `OUTPUTS`.

    Raises `InputError` when it names none or its folder is not there, `MissingExtra` when the form
    needs a package that is not installed: worth knowing before a long run, not after it.
    """
    path = Path(path)
    form = path.suffix.lower()
    if form not in OUTPUTS:
        raise InputError(
            f"cannot write {path}: {form or 'no ending'!r} names no table",
            f"End the name in {', '.join(OUTPUTS)}.",
        )
    if not path.absolute().parent.is_dir():
        raise InputError(f"cannot write {path}: there is no folder {path.parent}", "Make it first.")
    if form == ".parquet":
        _need("pyarrow", "parquet", "write Parquet")
    return form


@contextlib.contextmanager
def _writing(path: str | Path) -> Iterator[BinaryIO]:
    """`atomic`, with the system's refusal as an `InputError`."""
    try:
        with atomic(Path(path)) as file:
            yield file
    except OSError as error:
        what = f"cannot write {path}: {error.strerror or error}"
        raise InputError(what, "Choose another place for the table.") from None


def _need(package: str, extra: str, purpose: str) -> Any:
    try:
        return import_module(package)
    except ImportError:
        raise MissingExtra(package, extra, purpose) from None


def _schema(arrow: Any) -> Any:
    kinds = {str: arrow.string(), float: arrow.float64(), int: arrow.int64()}
    return arrow.schema([(name, kinds[kind]) for name, kind in COLUMNS.items()])
