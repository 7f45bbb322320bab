"""Every kind of bad input is a row with its reason, and the rest is scored."""

from __future__ import annotations

import os
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from standin import StandIn, jpeg, make_folder

import snellen
from snellen.engine import Progress
from snellen.errors import NothingFound
from snellen.table import Table


def bomb() -> bytes:
    """A PNG of few bytes that claims 100,000 × 100,000 pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    data = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    )


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("This is a shopping list, not a picture.\n")


def truncated(path: Path) -> None:
    path.write_bytes(jpeg(1, side=200)[:-900])


def noise_at_the_end(path: Path) -> None:
    data = jpeg(1, side=200)
    path.write_bytes(data[: len(data) // 2] + b"\xff\xff\x00" * 40)


def decompression_bomb(path: Path) -> None:
    path.write_bytes(bomb())


def link_to_nowhere(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere.jpg"))


BAD: dict[Callable[[Path], None], str] = {
    empty: "NotAnImage",
    text: "NotAnImage",
    truncated: "BrokenImage",
    noise_at_the_end: "BrokenImage",
    decompression_bomb: "ImageTooLarge",
    link_to_nowhere: "UnreadableImage",
}


@pytest.mark.parametrize(("make", "error"), BAD.items(), ids=lambda v: getattr(v, "__name__", v))
def test_a_bad_file_is_a_row_and_the_rest_is_scored(
    tmp_path: Path, make: Callable[[Path], None], error: str
) -> None:
    photos = make_folder(tmp_path / "photos", 4)
    make(photos / "bad.jpg")
    table = snellen.score(photos, StandIn(), run=tmp_path / "run")
    assert len(table.scored) == 4
    (row,) = table.missing
    assert row["image"].endswith("bad.jpg")
    assert row["missing"].startswith(f"{error}: ")
    assert "\n" not in row["missing"]
    assert [row[name] for name in ("score", "low", "high", "problem", "blur")] == [None] * 5


def test_a_wrong_ending_is_scored_by_its_content_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "really-a-jpeg.png"
    path.write_bytes(jpeg(1))
    row = snellen.score(path, StandIn(), run=tmp_path / "run")[0]
    assert row["score"] is not None
    assert row["format"] == "JPEG"
    assert "the content is JPEG" in row["notes"]


@pytest.mark.skipif(os.name != "posix", reason="named pipes and rights are POSIX's")
def test_a_pipe_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    photos = make_folder(tmp_path / "photos", 2)
    os.mkfifo(photos / "pipe.jpg")
    table = snellen.score(photos, StandIn(), run=tmp_path / "run")
    assert "a named pipe" in table.missing["missing"][0]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_without_permission(tmp_path: Path) -> None:
    photos = make_folder(tmp_path / "photos", 2)
    (photos / "p00001.jpg").chmod(0)
    table = snellen.score(photos, StandIn(), run=tmp_path / "run")
    assert table.missing["missing"][0].startswith("UnreadableImage")
    (photos / "p00001.jpg").chmod(0o600)
    assert not len(snellen.score(photos, StandIn(), run=tmp_path / "run").missing)


def test_a_file_that_vanishes_during_the_run(tmp_path: Path) -> None:
    photos = make_folder(tmp_path / "photos", 4)

    def vanish(progress: Progress) -> None:
        if not progress.done:  # found, and gone before it is read
            (photos / "p00002.jpg").unlink()

    table = snellen.score(photos, StandIn(), run=tmp_path / "run", progress=vanish)
    (row,) = table.missing
    assert row["image"].endswith("p00002.jpg")
    assert "not there (any more)" in row["missing"]
    assert len(snellen.score(photos, StandIn(), run=tmp_path / "run")) == 3


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes as a name")
def test_names_that_are_no_utf_8(tmp_path: Path) -> None:
    photos = make_folder(tmp_path / "photos", 1)
    for byte in (b"\xff", b"\xfe"):
        name = os.path.join(os.fsencode(photos), b"caf" + byte + b".jpg")
        with open(name, "wb") as file:
            file.write(jpeg(byte[0]))
    table = snellen.score(photos, StandIn(), run=tmp_path / "run")
    assert len(set(table["image"])) == 3
    assert len(table.scored) == 3
    "".join(table["image"]).encode("utf-8")  # printable anywhere
    for form in (".csv", ".jsonl", ".parquet"):
        table.write(tmp_path / f"scores{form}")
    again = StandIn()
    snellen.score(photos, again, run=tmp_path / "run")
    assert again.scored == []


@pytest.mark.parametrize(
    "name",
    [
        "a b.jpg",
        'quo"te.jpg',
        "comma,.jpg",
        "new\nline.jpg",
        "<script>.jpg",
        "[red].jpg",
        "é😀.jpg",
    ],
)
def test_names_that_break_tables_come_back_whole(tmp_path: Path, name: str) -> None:
    import csv

    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / name).write_bytes(jpeg(3))
    table = snellen.score(photos, StandIn(), run=tmp_path / "run")
    table.to_csv(tmp_path / "scores.csv")
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["image"] == table[0]["image"]
    assert float(row["score"]) == table[0]["score"]


def test_two_files_of_one_name_in_different_folders(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"d{number}").mkdir()
        (tmp_path / f"d{number}" / "same.jpg").write_bytes(jpeg(number))
    table = snellen.score([tmp_path / "d2", tmp_path / "d1"], StandIn(), run=tmp_path / "run")
    first, second = table
    assert [Path(row["image"]).parent.name for row in (first, second)] == ["d1", "d2"]
    assert first["hash"] != second["hash"]


def test_a_path_given_twice_is_scored_once(tmp_path: Path) -> None:
    photos = make_folder(tmp_path / "photos", 3)
    paths = [photos, photos / "p00001.jpg", photos, "missing.jpg", "missing.jpg"]
    table = snellen.score(paths, StandIn(), run=tmp_path / "run")
    assert len(table) == 4
    assert table.missing["image"] == ["missing.jpg"]


def test_nothing_but_a_mistyped_path_leaves_no_run_behind(tmp_path: Path) -> None:
    make_folder(tmp_path / "photos", 1)
    with pytest.raises(NothingFound, match=r"does not exist.*photos"):
        snellen.score(tmp_path / "fotos", StandIn(), run=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_huge_picture_is_scored_alone_beside_small_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("snellen.engine.scoring.PIXELS_PER_THREAD", 1000)  # every picture is huge
    photos = make_folder(tmp_path / "photos", 12)
    table: Table = snellen.score(photos, StandIn(), run=tmp_path / "run", jobs=4)
    assert len(table.scored) == 12
