"""Pictures in zip and tar files: found, read, and nothing hostile gets further than a reason."""

from __future__ import annotations

import io
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from archive_files import jpeg, tar_entry, tarred, zip_bomb, zipped
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.errors import BrokenImage, ImageError, ImageTooLarge
from snellen.images import Census, Found, Source, content_hash, find, found_again, read

FILES = {"b/2.jpg": jpeg(2), "a/1.JPG": jpeg(1), "0001.json": b"{}", "0001.cls": b"3"}
Maker = Callable[[dict[str, bytes]], bytes]
MAKERS = pytest.mark.parametrize("make", [zipped, tarred], ids=["zip", "tar"])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found_in(data: bytes, name: str = "a.zip", path: str = "", census: Census | None = None):  # type: ignore[no-untyped-def]
    Path(name).write_bytes(data)
    return list(find([path or name], census=census))


def content(found: Found) -> bytes:
    assert isinstance(found.path, Source)
    return found.path.read_bytes(10_000_000)


def reasons(found: list[Found]) -> dict[str, str]:
    return {one.name: one.problem.what for one in found if one.problem is not None}


@MAKERS
def test_the_images_of_an_archive_by_name(here: Path, make: Maker) -> None:
    census = Census()
    found = found_in(make(FILES), "shard-0.tar", census=census)
    assert [one.name for one in found] == ["shard-0.tar/a/1.JPG", "shard-0.tar/b/2.jpg"]
    assert [content(one) for one in found] == [FILES["a/1.JPG"], FILES["b/2.jpg"]]
    assert census.others == 2
    picture = read(found[0].path)
    assert picture.hash == content_hash(FILES["a/1.JPG"])
    assert picture.bytes == len(FILES["a/1.JPG"])


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_tar_as_python_reads_it(here: Path, form: int) -> None:
    long = "x" * 90 + "/" + "ü" * 60 + ".jpg"
    if form == tarfile.USTAR_FORMAT:
        long = "x" * 90 + "/" + "y" * 60 + ".jpg"
    files = {long: jpeg(1), "z.jpg": jpeg(2, 60), "empty.jpg": b""}
    found = found_in(tarred(files, form), "a.tar")
    assert {one.name.removeprefix("a.tar/"): content(one) for one in found} == files


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="/\\"),
                min_size=1, max_size=120).filter(lambda name: not name.startswith(".")),
        st.binary(max_size=2000), max_size=5,
    ),
    st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]),
)  # fmt: skip
def test_what_python_packs_comes_out_again(files: dict[str, bytes], form: int) -> None:
    from snellen.images.tar import tar_entries

    named = {f"{name}.png": data for name, data in files.items()}
    data = tarred(named, form)
    entries = list(tar_entries(io.BytesIO(data), len(data)))
    start = {entry.path: entry.header + 512 for entry in entries}
    assert {
        entry.path: data[start[entry.path] : start[entry.path] + entry.size] for entry in entries
    } == named


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("zip://a/*.jpg::p.zip", ["p.zip/a/1.jpg"]),
        ("zip://**/*.jpg::p.zip", ["p.zip/0.jpg", "p.zip/a/1.jpg", "p.zip/a/b/2.jpg"]),
        ("p.zip/a/1.jpg", ["p.zip/a/1.jpg"]),
        ("p.zip/a/**", ["p.zip/a/1.jpg", "p.zip/a/b/2.jpg"]),
        ("*.zip", ["p.zip/0.jpg", "p.zip/a/1.jpg", "p.zip/a/b/2.jpg"]),
        ("file://{here}/p.zip", ["{here}/p.zip/0.jpg", "{here}/p.zip/a/1.jpg",
                                 "{here}/p.zip/a/b/2.jpg"]),
    ],
)  # fmt: skip
def test_a_part_of_an_archive(here: Path, path: str, names: list[str]) -> None:
    data = zipped({"0.jpg": jpeg(0), "a/1.jpg": jpeg(1), "a/b/2.jpg": jpeg(2)})
    found = found_in(data, "p.zip", path.format(here=here))
    assert [one.name for one in found] == [name.format(here=here) for name in names]


def test_a_part_that_is_not_there_is_told(here: Path) -> None:
    [found] = found_in(zipped({"0.jpg": jpeg(0)}), "p.zip", "p.zip/a/*.jpg")
    assert "nothing in it matches a/*.jpg" in str(found.problem)


def test_an_archive_in_a_folder_is_not_looked_into(here: Path) -> None:
    Path("folder").mkdir()
    Path("folder/p.zip").write_bytes(zipped(FILES))
    Path("folder/x.jpg").write_bytes(jpeg(9))
    census = Census()
    assert [one.name for one in find(["folder"], census=census)] == ["folder/x.jpg"]
    assert census.others == 1


def test_a_picture_given_twice_is_found_once(here: Path) -> None:
    Path("p.zip").write_bytes(zipped(FILES))
    census = Census()
    found = list(find(["p.zip/a/1.JPG", "p.zip"], census=census))
    assert [one.name for one in found] == ["p.zip/a/1.JPG", "p.zip/b/2.jpg"]
    assert census.again == 1


@MAKERS
def test_the_later_of_two_of_one_path_counts(here: Path, make: Maker) -> None:
    made = io.BytesIO()
    if make is tarred:
        with tarfile.open(fileobj=made, mode="w") as archive:
            for data in (jpeg(1), jpeg(2)):
                entry = tarfile.TarInfo("x.jpg")
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    else:
        with zipfile.ZipFile(made, "w") as zipfile_:
            zipfile_.writestr("x.jpg", jpeg(1))
            with pytest.warns(UserWarning, match="Duplicate"):
                zipfile_.writestr("x.jpg", jpeg(2))
    [found] = found_in(made.getvalue())
    assert content(found) == jpeg(2)


@pytest.mark.parametrize("path", ["../../x.jpg", "/etc/x.jpg", "a/../../x.jpg", "C:/x.jpg"])
@MAKERS
def test_a_path_that_climbs_is_a_reason(here: Path, make: Maker, path: str) -> None:
    found = found_in(make({path: jpeg(1), "good.jpg": jpeg(2)}))
    [(name, reason)] = reasons(found).items()
    assert name.endswith("x.jpg")
    assert "leads out of the archive" in reason
    assert content(next(one for one in found if one.problem is None)) == jpeg(2)
    assert sorted(path.name for path in here.rglob("*.jpg")) == []  # nothing was unpacked


def test_a_backslash_climbs_too(here: Path) -> None:
    found = found_in(zipped({"..\\..\\x.jpg": jpeg(1)}))
    assert "leads out" in str(reasons(found))


@pytest.mark.parametrize(
    ("kind", "words"),
    [(tarfile.SYMTYPE, "a link"), (tarfile.LNKTYPE, "a link"), (tarfile.FIFOTYPE, "a named pipe"),
     (tarfile.CHRTYPE, "a device")],
)  # fmt: skip
def test_what_is_no_file_in_a_tar_is_a_reason(here: Path, kind: bytes, words: str) -> None:
    data = tar_entry("link.jpg", kind, "/etc/passwd") + tarred({"good.jpg": jpeg(1)})
    found = found_in(data, "a.tar")
    assert [one.name for one in found] == ["a.tar/good.jpg", "a.tar/link.jpg"]
    assert words in reasons(found)["a.tar/link.jpg"]


def test_a_bomb_costs_nothing(here: Path) -> None:
    [found] = found_in(zip_bomb("bomb.png", 50))
    with pytest.raises(ImageTooLarge, match="50,000,000 bytes"):
        content(found)


def test_a_bomb_that_lies_about_its_length_stops_there(here: Path) -> None:
    [found] = found_in(zip_bomb("bomb.png", 50, said=1000))
    with pytest.raises(BrokenImage, match="not those the archive tells of"):
        content(found)


def test_an_encrypted_member_and_an_unknown_compression_are_reasons(here: Path) -> None:
    data = bytearray(zipped({"a.jpg": jpeg(1)}, zipfile.ZIP_STORED))
    central = data.index(b"PK\x01\x02")
    data[central + 8] |= 1
    assert "encrypted" in str(reasons(found_in(bytes(data))))
    squeezed = zipped({"a.jpg": jpeg(1)}, zipfile.ZIP_BZIP2)
    assert "method 12" in str(reasons(found_in(squeezed)))


def test_a_damaged_member_hurts_no_other(here: Path) -> None:
    data = bytearray(zipped({"a.jpg": jpeg(1), "b.jpg": jpeg(2)}))
    data[60:70] = bytes(10)
    first, second = found_in(bytes(data))
    with pytest.raises(BrokenImage, match="archive"):
        content(first)
    assert content(second) == jpeg(2)


@pytest.mark.parametrize("cut", [1, 300, 700, 1024, 3000], ids=str)
def test_a_tar_written_by_half_gives_what_is_whole_and_says_so(here: Path, cut: int) -> None:
    data = tarred({"a.jpg": jpeg(1), "b.jpg": jpeg(2), "c.jpg": jpeg(3)})
    end = len(data.rstrip(b"\0")) + 512 - len(data.rstrip(b"\0")) % 512  # of the last file
    found = found_in(data[: end - cut], "a.tar")
    assert content(found[0]) == jpeg(1)
    assert "half-written" in reasons(found)["a.tar"]
    for one in found[1:]:
        if one.problem is None:
            try:
                said = content(one)
            except BrokenImage as error:
                said = error.what
            assert said in (jpeg(2), jpeg(3), "the archive ends within it")


def test_a_tar_without_its_end_mark_and_one_damaged_in_the_middle_say_so(here: Path) -> None:
    data = tarred({"a.jpg": jpeg(1), "b.jpg": jpeg(2)})
    second = 512 + -(-len(jpeg(1)) // 512) * 512
    whole = second + 512 + -(-len(jpeg(2)) // 512) * 512
    assert "no end mark" in reasons(found_in(data[:whole], "a.tar"))["a.tar"]
    found = found_in(data[:second] + b"\7" * 512 + data[second + 512 :], "a.tar")
    assert [one.name for one in found] == ["a.tar/a.jpg", "a.tar"]
    assert f"no header at byte {second:,}" in reasons(found)["a.tar"]


@pytest.mark.parametrize("name", ["a.zip", "a.tar"])
@pytest.mark.parametrize("data", [b"", b"nothing of the kind" * 100, b"PK\x03\x04" + bytes(600)])
def test_what_is_no_archive_is_one_reason(here: Path, name: str, data: bytes) -> None:
    [found] = found_in(data, name)
    assert "damaged or half-written" in reasons([found])[name]


def test_a_half_written_zip_is_one_reason(here: Path) -> None:
    [found] = found_in(zipped({"a.jpg": jpeg(1), "b.jpg": jpeg(2)})[:-30])
    assert "damaged or half-written" in reasons([found])["a.zip"]


def test_an_extended_header_that_claims_gigabytes_is_not_read(here: Path) -> None:
    entry = tarfile.TarInfo("x")
    entry.type, entry.size = tarfile.XHDTYPE, 8 << 30
    [found] = found_in(entry.tobuf(tarfile.GNU_FORMAT) + bytes(2048), "a.tar")
    assert "extended header of 8,589,934,592 bytes" in reasons([found])["a.tar"]


@MAKERS
def test_an_archive_that_changes_after_listing_is_a_reason(here: Path, make: Maker) -> None:
    found = found_in(make({"a.jpg": jpeg(1), "b.jpg": jpeg(2)}))
    Path("a.zip").write_bytes(make({"new.jpg": jpeg(7, 50), "b.jpg": jpeg(8)}))
    for one in found:
        with pytest.raises(ImageError, match=r"changed|not those"):
            content(one)


@pytest.mark.parametrize("name", ["a.tar.gz", "a.TGZ"])
def test_an_archive_compressed_as_a_whole_says_what_to_do(here: Path, name: str) -> None:
    [found] = found_in(b"\x1f\x8b", name)
    assert "compressed as a whole" in str(found.problem)
    assert "Decompress it to a .tar" in str(found.problem)


def test_names_of_a_table_are_found_again_and_an_archive_is_listed_once(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("p.zip").write_bytes(zipped(FILES))
    Path("x.jpg").write_bytes(jpeg(9))
    names = ["p.zip/a/1.JPG", "x.jpg", "p.zip/b/2.jpg", "p.zip/gone.jpg"]
    listed = []
    module = sys.modules["snellen.images.find"]  # the package's `find` is the function
    monkeypatch.setattr(module, "find", lambda paths: listed.append(paths) or find(paths))
    files = found_again(names)
    assert listed == [["p.zip"]]
    assert [read(file).bytes for file in files[:3]] == [
        len(FILES["a/1.JPG"]), len(jpeg(9)), len(FILES["b/2.jpg"]),
    ]  # fmt: skip
    with pytest.raises(ImageError, match=r"gone\.jpg"):
        read(files[3])
