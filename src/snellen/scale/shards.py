"""The rows of a part as one Parquet file, in a folder here or in an object store.

A shard's name says what it is of and how much is in it: `PART-ROWS-MISSING.parquet`; so one listing
of the folder tells what is done. It appears as a whole or not at all, and one that was damaged
later is found out by its footer and its pages' checksums, and made again.
"""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from snellen.errors import MissingExtra, RunError
from snellen.runs import Row

_NAME = re.compile(r"([0-9a-f]{20})-(\d+)-(\d+)\.parquet")
_MARK = "_snellen.json"  # by which a worker knows its folder; readers of Parquet pass over a _
_HALF = ".half-"  # what the name of a file begins with until it is whole
_CHECKED_AT_ONCE = 16  # footers read side by side: an object store answers slowly, but to many

Columns = Mapping[str, type]


@dataclass(frozen=True)
class Shard:
    """A finished part: its name, and how many rows it has and how many without a result."""

    part: str
    rows: int
    missing: int

    @property
    def file(self) -> str:
        return f"{self.part}-{self.rows}-{self.missing}.parquet"


class Shards:
    """A folder of shards.

    place   : a directory or a URL that fsspec knows, such as s3://bucket/run; credentials are found
              by the rules of its own libraries.
    columns : name → str, float, int or bytes of every cell that a row may have.
    Can be sent to another machine. Raises `RunError` where the folder cannot be used.
    """

    def __init__(self, place: str, columns: Columns) -> None:
        self.place = place
        self.columns = dict(columns)
        _need("pyarrow"), _need("fsspec")

    def prepare(self, identity: str) -> None:
        """Make the folder, and leave the mark that workers look for."""
        with self._errors("make"):
            fs, root = self._folder()
            fs.makedirs(root, exist_ok=True)
            self._put(_MARK, json.dumps({"identity": identity}).encode())

    def check_same(self, identity: str) -> None:
        """Raise `RunError` unless this machine sees the folder that `prepare` marked."""
        try:
            with self._errors("read"):
                fs, root = self._folder()
                there = json.loads(fs.cat_file(f"{root}/{_MARK}"))["identity"]
        except RunError:
            there = None
        if there != identity:
            raise RunError(
                f"a worker does not see the folder of shards {self.place}",
                "Give --shards a place that every machine sees: a shared folder or an s3:// URL.",
            )

    def finished(self) -> dict[str, Shard]:
        """Part → its shard, of those whole; half-written and damaged ones are removed."""
        with self._errors("list"):
            fs, root = self._folder()
            names = [str(path).rsplit("/", 1)[-1] for path in fs.ls(root, detail=False)]
        found = [
            Shard(match[1], int(match[2]), int(match[3]))
            for name in names
            if (match := _NAME.fullmatch(name))
        ]
        with ThreadPoolExecutor(_CHECKED_AT_ONCE) as pool:
            whole = list(pool.map(self._is_whole, found))
        done: dict[str, Shard] = {}
        for shard, good in zip(found, whole, strict=True):
            other = done.get(shard.part)  # where a worker died between writing and removing
            if not good or (other and other.missing <= shard.missing):
                self.remove(shard)
                continue
            if other:
                self.remove(other)
            done[shard.part] = shard
        for name in names:
            if name.startswith(_HALF):
                fs.rm_file(f"{root}/{name}")
        return done

    def write(self, part: str, rows: Iterable[Row], instead: Shard | None = None) -> Shard:
        """Write the rows of a part; `instead` of an older shard of it, which is removed then."""
        listed = list(rows)
        missing = sum(row["missing"] is not None for row in listed)
        shard = Shard(part, len(listed), missing)
        with self._errors("write"):
            self._put(shard.file, self._packed(listed))
        if instead is not None and instead != shard:
            self.remove(instead)
        return shard

    def read(self, shard: Shard) -> Iterator[Row]:
        """Its rows, in order. Raises `RunError` where it is damaged."""
        parquet = _need("pyarrow.parquet")
        try:
            fs, root = self._folder()
            data = io.BytesIO(fs.cat_file(f"{root}/{shard.file}"))
            file = parquet.ParquetFile(data, page_checksum_verification=True)
            for batch in file.iter_batches(batch_size=256):
                yield from batch.to_pylist()
        except (OSError, ValueError) as error:  # pyarrow's errors are of these two
            what = f"the shard {shard.file} in {self.place} is damaged ({_first_line(error)})"
            raise RunError(what, "Delete it, and run the same command again.") from None

    def read_again(self, shard: Shard) -> Iterator[Row]:
        """As `read`, but a damaged one is removed, so that the next call makes it anew."""
        try:
            yield from self.read(shard)
        except RunError as error:
            self.remove(shard)
            raise RunError(error.what, "Run the same command again: it is made anew.") from None

    def remove(self, shard: Shard) -> None:
        with self._errors("remove"):
            fs, root = self._folder()
            fs.rm_file(f"{root}/{shard.file}")

    # --- files --------------------------------------------------------------------------------

    def _folder(self) -> tuple[Any, str]:
        fs, root = _need("fsspec.core").url_to_fs(self.place)
        return fs, str(root).rstrip("/")

    def _put(self, name: str, data: bytes) -> None:
        """Write a file in one step: an object store does so by itself, a folder by a rename."""
        fs, root = self._folder()
        if "file" not in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,)):
            fs.pipe_file(f"{root}/{name}", data)
            return
        half = f"{root}/{_HALF}{uuid.uuid4().hex}"
        fs.pipe_file(half, data)
        fs.mv(half, f"{root}/{name}")

    def _packed(self, rows: list[Row]) -> bytes:
        arrow, parquet = _need("pyarrow"), _need("pyarrow.parquet")
        kinds = {
            str: arrow.string(), float: arrow.float64(), int: arrow.int64(), bytes: arrow.binary()
        }  # fmt: skip
        schema = arrow.schema([(name, kinds[kind]) for name, kind in self.columns.items()])
        cells = {name: [row.get(name) for row in rows] for name in self.columns}
        out = io.BytesIO()
        table = arrow.Table.from_pydict(cells, schema)
        parquet.write_table(table, out, compression="zstd", write_page_checksum=True)
        return out.getvalue()

    def _is_whole(self, shard: Shard) -> bool:
        """Whether the file can be opened and has the rows that its name says."""
        parquet = _need("pyarrow.parquet")
        fs, root = self._folder()
        try:
            with fs.open(f"{root}/{shard.file}", "rb") as file:
                return bool(parquet.read_metadata(file).num_rows == shard.rows)
        except (OSError, ValueError):
            return False

    def _errors(self, doing: str) -> Any:
        return _Said(f"cannot {doing} shards in {self.place}")


class _Said:
    """What a file system refuses, said plainly and without what it may say of credentials."""

    def __init__(self, what: str) -> None:
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, RunError) or not isinstance(error, Exception):
            return
        if isinstance(error, ImportError):
            fix = "Install what it names: s3:// needs s3fs, gs:// needs gcsfs."
        elif isinstance(error, PermissionError):
            fix = "Check the rights of this account on it."
        else:
            fix = "Give another place as --shards."
        raise RunError(f"{self._what} ({_first_line(error)})", fix) from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _need(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise MissingExtra(module.partition(".")[0], "ray", "write shards") from None
