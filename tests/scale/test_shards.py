"""Shards: whole or not there, found damaged, and never of another run."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from snellen.errors import MissingExtra, RunError
from snellen.scale import shards as shards_module
from snellen.scale.shards import Shard, Shards

PART, OTHER = "a" * 20, "b" * 20
COLUMNS = {"image": str, "score": float, "width": int, "thumbnail": bytes, "missing": str}


def rows(count: int = 5, missing: int = 1) -> list[dict[str, Any]]:
    return [
        {
            "image": f"{number}.jpg",
            "score": None if number < missing else number / 3,
            "width": 2**40 + number,
            "thumbnail": b"\xff\xd8" * number or None,
            "missing": "NotAnImage: no" if number < missing else None,
        }
        for number in range(count)
    ]


@pytest.fixture
def shards(tmp_path: Path) -> Shards:
    shards = Shards(str(tmp_path / "shards"), COLUMNS)
    shards.prepare("run 1")
    return shards


def files(shards: Shards) -> list[str]:
    return sorted(path.name for path in Path(shards.place).glob("*.parquet"))


def test_rows_come_back_as_they_were(shards: Shards) -> None:
    shard = shards.write(PART, rows())
    assert (shard.rows, shard.missing) == (5, 1)
    assert list(shards.read(shard)) == rows()
    assert files(shards) == [f"{PART}-5-1.parquet"]


def test_the_folder_tells_what_is_done(shards: Shards) -> None:
    assert shards.finished() == {}
    first, second = shards.write(PART, rows()), shards.write(OTHER, rows(3, 0))
    (Path(shards.place) / "notes.txt").write_text("somebody else's")
    assert shards.finished() == {PART: first, OTHER: second}
    assert (Path(shards.place) / "notes.txt").exists()


def test_a_shard_in_place_of_an_older_one(shards: Shards) -> None:
    before = shards.write(PART, rows())
    after = shards.write(PART, rows(missing=0), instead=before)
    assert shards.finished() == {PART: after}
    same = shards.write(PART, rows(missing=0), instead=after)
    assert shards.finished() == {PART: same}


def test_of_two_shards_that_a_killed_worker_left_the_fuller_counts(shards: Shards) -> None:
    for missing in (2, 0, 3):
        shards.write(PART, rows(missing=missing))
    assert shards.finished() == {PART: Shard(PART, 5, 0)}
    assert files(shards) == [f"{PART}-5-0.parquet"]


@pytest.mark.parametrize("kept", [0, 10, 0.5, 0.99])
def test_a_half_written_or_cut_off_shard_is_not_done(shards: Shards, kept: float) -> None:
    shard = shards.write(PART, rows())
    whole = shards.write(OTHER, rows())
    path = Path(shards.place) / shard.file
    data = path.read_bytes()
    path.write_bytes(data[: int(kept * len(data)) if kept < 1 else int(kept)])
    (Path(shards.place) / ".half-0123").write_bytes(data[:100])
    assert shards.finished() == {OTHER: whole}
    assert not path.exists()
    assert not list(Path(shards.place).glob(".half-*"))


def test_a_shard_with_fewer_rows_than_its_name_says_is_not_done(shards: Shards) -> None:
    shard = shards.write(PART, rows(4))
    path = Path(shards.place) / shard.file
    path.rename(path.with_name(f"{PART}-9-1.parquet"))
    assert shards.finished() == {}


def test_a_bit_that_flipped_in_the_pages_is_found_when_read(shards: Shards) -> None:
    noise = random.Random(0).randbytes
    shard = shards.write(PART, [{**row, "thumbnail": noise(900)} for row in rows(50)])
    path = Path(shards.place) / shard.file
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x10
    path.write_bytes(data)
    with pytest.raises(RunError, match=rf"the shard {shard.file} .* is damaged"):
        list(shards.read(shard))


def test_a_worker_that_sees_another_folder_says_so(shards: Shards, tmp_path: Path) -> None:
    shards.check_same("run 1")
    with pytest.raises(RunError, match="a shared folder or an s3:// URL"):
        shards.check_same("run 2")
    with pytest.raises(RunError, match="does not see"):
        Shards(str(tmp_path / "elsewhere"), COLUMNS).check_same("run 1")


def test_a_place_in_memory_is_a_store_like_any_other() -> None:
    shards = Shards("memory://bucket/run", COLUMNS)
    shards.prepare("run 1")
    shard = shards.write(PART, rows())
    shards.check_same("run 1")
    assert shards.finished() == {PART: shard}
    assert list(shards.read(shard)) == rows()


def test_a_place_without_rights_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError("Access Denied\nkey=SECRET")

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", refuse)
    with pytest.raises(RunError, match="cannot make shards in memory://b") as caught:
        Shards("memory://b", COLUMNS).prepare("run 1")
    assert "Check the rights" in str(caught.value)
    assert "SECRET" not in str(caught.value)


def test_a_store_whose_package_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot make shards in nosuch://b"):
        Shards("nosuch://b", COLUMNS).prepare("run 1")


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(shards_module, "import_module", absent)
    with pytest.raises(MissingExtra, match=r"pip install 'snellen\[ray\]'"):
        Shards("shards", COLUMNS)
