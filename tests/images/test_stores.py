"""Pictures in object stores and on web servers: found, read, and every refusal with its reason."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from archive_files import jpeg, tarred, zipped
from google_server import GoogleBucket
from object_stores import KEY, SECRET, Bucket, Web

from snellen.errors import ImageError, ImageTooLarge, InputError, MissingExtra, UnknownName
from snellen.images import Census, Found, content_hash, find, read, stores

FILES = {"a/1.jpg": jpeg(1), "a/b/2.png": jpeg(2), "a/b/notes.txt": b"x", "a/.hidden.jpg": jpeg(3)}


def names(*paths: str, census: Census | None = None) -> list[str]:
    return [one.name for one in find(paths, census=census)]


def only(path: str) -> Found:
    [found] = find([path])
    return found


def problem(path: str) -> str:
    found = only(path)
    assert found.problem is not None
    assert str(found.problem).startswith(found.name)
    return str(found.problem)


def test_a_folder_of_a_bucket(bucket: Bucket) -> None:
    bucket.put_all({**FILES, "a/": b""})  # an object that marks the folder
    root = f"{bucket.address}/a"
    census = Census()
    assert names(root, census=census) == [f"{root}/1.jpg", f"{root}/b/2.png"]
    assert (census.folders, census.others, census.hidden) == (2, 1, 1)
    assert [one.name for one in find([root], recursive=False)] == [f"{root}/1.jpg"]
    assert names(f"{bucket.address}") == [f"{root}/1.jpg", f"{root}/b/2.png"]


def test_an_object_is_known_by_its_content(bucket: Bucket) -> None:
    bucket.put_all(FILES)
    picture = read(only(f"{bucket.address}/a/1.jpg").path)
    assert picture.hash == content_hash(FILES["a/1.jpg"])
    assert picture.bytes == len(FILES["a/1.jpg"])


@pytest.mark.parametrize(
    ("pattern", "found"),
    [("a/*.jpg", ["a/1.jpg"]), ("a/**/*.*g", ["a/b/2.png", "a/1.jpg"]), ("*/b", ["a/b/2.png"]),
     ("a/[0-9].jp?", ["a/1.jpg"]), ("a/.*", ["a/.hidden.jpg"])],
)  # fmt: skip
def test_globs_of_a_bucket(bucket: Bucket, pattern: str, found: list[str]) -> None:
    bucket.put_all(FILES)
    root = f"{bucket.address}/"
    assert sorted(names(root + pattern)) == sorted(root + name for name in found)


def test_a_glob_that_matches_nothing_is_told(bucket: Bucket) -> None:
    assert "matches nothing" in problem(f"{bucket.address}/x*/*.jpg")
    assert "cannot be a pattern" in problem("s3://*/x.jpg")


@pytest.mark.parametrize(("make", "name"), [(zipped, "s.zip"), (tarred, "s.tar")])
def test_archives_in_a_bucket(bucket: Bucket, make: Any, name: str) -> None:
    big = {f"{i:04}.jpg": jpeg(i, 200) for i in range(30)} | {"0001.json": b"{}"}
    bucket.put_all({f"shards/{name}": make(big)})
    root = f"{bucket.address}/shards/{name}"
    for path in (root, f"{bucket.address}/shards/*"):
        found = list(find([path]))
        assert [one.name for one in found] == [
            f"{root}/{key}" for key in sorted(big)[:-1:1] if key.endswith("jpg")
        ] + [f"{root}/0029.jpg"]
        assert [read(one.path).hash for one in found] == [
            content_hash(data) for key, data in sorted(big.items()) if key.endswith("jpg")
        ]
    assert names(f"zip://000[12].jpg::{root}") == [f"{root}/0001.jpg", f"{root}/0002.jpg"]
    assert names(f"{root}/0003.jpg") == [f"{root}/0003.jpg"]


def test_a_shard_cut_off_in_a_bucket(bucket: Bucket) -> None:
    data = tarred({"0.jpg": jpeg(0, 100), "1.jpg": jpeg(1, 100)})
    bucket.put_all({"s.tar": data[:6000]})
    found = list(find([f"{bucket.address}/s.tar"]))
    assert "half-written" in str(found[-1].problem)
    assert found[-1].name == f"{bucket.address}/s.tar"


@pytest.mark.parametrize("path", ["a", "a/", "a/1.jpg", "a/*.jpg", "s.tar"])
def test_a_bucket_without_rights_is_a_reason(bucket: Bucket, path: str) -> None:
    bucket.put_all({**FILES, "s.tar": tarred(FILES)})
    bucket.check_rights()
    found = only(f"{bucket.address}/{path}")
    with pytest.raises(ImageError, match="no permission") as raised:
        raise found.problem if found.problem else read(found.path)  # type: ignore[misc]
    assert "credentials" in raised.value.fix
    assert KEY not in str(raised.value) + repr(raised.value)


def test_a_google_bucket_that_refuses_who_has_no_name(google_bucket: GoogleBucket) -> None:
    google_bucket.put_all(FILES)
    found = only(f"{google_bucket.address}/a/1.jpg")
    google_bucket.check_rights(401)
    with pytest.raises(ImageError, match="no permission"):
        read(found.path)


@pytest.mark.parametrize("path", ["gone", "gone/", "gone.tar"])
def test_what_is_not_there_is_told(bucket: Bucket, path: str) -> None:
    assert "not there" in problem(f"{bucket.address}/{path}")
    assert "not there" in problem(f"{bucket.kind}://no-such-bucket-of-ours/{path}")


def test_an_object_gone_or_changed_after_listing(bucket: Bucket) -> None:
    bucket.put_all({"a/1.jpg": jpeg(1), "a/2.jpg": jpeg(2)})
    first, second = find([f"{bucket.address}/a"])
    bucket.put_all({"a/1.jpg": jpeg(9, 90), "a/3.jpg": jpeg(3)})
    bucket.delete("a/2.jpg")
    assert read(first.path).hash == content_hash(jpeg(9, 90))  # whole, as it is now
    with pytest.raises(ImageError, match=r"2\.jpg: it is not there"):
        read(second.path)


def test_an_object_longer_than_any_image_is_not_read(bucket: Bucket) -> None:
    bucket.put_all({"a/1.jpg": bytes(2_000_000)})
    for path in ("a", "a/1.jpg"):
        with pytest.raises(ImageTooLarge, match="1,000,000 bytes"):
            only(f"{bucket.address}/{path}").path.read_bytes(1_000_000)  # type: ignore[call-arg]


def test_an_empty_object_is_no_image(bucket: Bucket) -> None:
    bucket.put_all({"a/1.jpg": b""})
    for path in ("a", "a/1.jpg"):
        with pytest.raises(ImageError, match="empty"):
            read(only(f"{bucket.address}/{path}").path)


def test_credentials_do_not_belong_in_an_s3_address() -> None:
    with pytest.raises(InputError, match="name or password") as raised:
        list(find([f"s3://{KEY}:{SECRET}@photos/a"]))
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize(
    ("address", "missing", "install"),
    [("s3://b/a", "s3fs", "snellen[stores]"), ("https://h/a/", "aiohttp", "snellen[stores]"),
     ("gs://b/a", "gcsfs", "snellen[gcs]"), ("s3://b/x.jpg", "fsspec", "snellen[stores]")],
)  # fmt: skip
def test_a_store_that_is_not_installed_says_how(
    monkeypatch: pytest.MonkeyPatch, address: str, missing: str, install: str
) -> None:
    pytest.importorskip("fsspec", reason="the stores extra is not installed")
    stores._store.cache_clear()
    known = sys.modules["fsspec.registry"]._registry  # type: ignore[attr-defined]
    for kind in ("s3", "https", "gs"):  # imported once, they are remembered
        monkeypatch.delitem(known, kind, raising=False)
    monkeypatch.delitem(sys.modules, "fsspec.implementations.http", raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingExtra, match=missing) as raised:
        next(find([address]))
    stores._store.cache_clear()
    assert raised.value.fix == f"Run: pip install '{install}'"


def test_an_address_of_no_known_kind_gets_the_nearest() -> None:
    with pytest.raises(UnknownName, match="unknown kind of address") as raised:
        list(find(["s4://bucket/a"]))
    assert "s3://" in raised.value.fix


def test_a_picture_of_a_web_server(web: Web) -> None:
    web.files = {"/p/1.jpg": jpeg(1)}
    picture = read(only(f"{web.address}/p/1.jpg").path)
    assert picture.hash == content_hash(jpeg(1))
    assert web.seen == ["GET /p/1.jpg"]


def test_a_listing_of_a_web_server(web: Web) -> None:
    web.files = {"/p/1.jpg": jpeg(1), "/p/b/2.jpg": jpeg(2), "/p/notes.txt": b"", "/q.jpg": b""}
    assert names(f"{web.address}/p/") == [f"{web.address}/p/1.jpg", f"{web.address}/p/b/2.jpg"]
    assert names(f"{web.address}/p/*.jpg") == [f"{web.address}/p/1.jpg"]


@pytest.mark.parametrize("ranges", [True, False])
def test_an_archive_of_a_web_server(web: Web, ranges: bool) -> None:
    web.ranges = ranges
    web.files = {"/s.tar": tarred({f"{i}.jpg": jpeg(i) for i in range(5)})}
    found = list(find([f"{web.address}/s.tar"]))
    if ranges:
        assert [read(one.path).hash for one in found] == [content_hash(jpeg(i)) for i in range(5)]
    else:
        with pytest.raises(ImageError, match="gives no parts of files"):
            read(found[4].path)


def test_an_archive_of_a_server_that_does_not_tell_its_length(web: Web) -> None:
    web.lengths = False
    web.files = {"/s.tar": tarred(FILES)}
    assert "does not tell its length" in problem(f"{web.address}/s.tar")


@pytest.mark.parametrize("lengths", [True, False])
def test_a_body_without_end_is_not_read_to_it(web: Web, lengths: bool) -> None:
    web.lengths = lengths
    web.files = {"/1.jpg": bytes(50_000_000)}
    with pytest.raises(ImageTooLarge, match="1,000,000 bytes"):
        only(f"{web.address}/1.jpg").path.read_bytes(1_000_000)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("status", "words"),
    [(403, "no permission"), (401, "no permission"), (404, "not there"), (410, "not there"),
     (418, "status 418")],
)  # fmt: skip
def test_what_a_web_server_refuses_is_a_reason(web: Web, status: int, words: str) -> None:
    web.status = {"/1.jpg": [status]}
    with pytest.raises(ImageError, match=words):
        read(only(f"{web.address}/1.jpg").path)
    assert len(web.seen) == 1


@pytest.mark.parametrize("status", [500, 503, 429])
def test_what_may_pass_is_asked_again(
    web: Web, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    monkeypatch.setattr(stores, "_PAUSE", 0.001)
    web.files = {"/1.jpg": jpeg(1)}
    web.status = {"/1.jpg": [status, status]}
    assert read(only(f"{web.address}/1.jpg").path).bytes == len(jpeg(1))
    web.status = {"/1.jpg": [status] * 5}
    with pytest.raises(ImageError, match=f"status {status}"):
        read(only(f"{web.address}/1.jpg").path)
    assert len(web.seen) == 6


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "_PAUSE", 0.001)
    with pytest.raises(ImageError, match="cannot be read"):
        read(only("http://127.0.0.1:9/1.jpg").path)


SIGNED = "X-Amz-Signature=0f7e5ecret&X-Amz-Credential=AKID5ecret"


def test_passwords_and_signatures_reach_the_server_and_nobody_else(
    web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    web.files = {"/1.jpg": jpeg(1)}
    host = web.address.removeprefix("http://")
    found = only(f"http://me:pa55word@{host}/1.jpg?{SIGNED}%2F%2B")
    caplog.set_level("INFO")
    read(found.path)
    assert web.seen == [f"GET /1.jpg?{SIGNED}%2F%2B"]
    assert web.authorization[0].startswith("Basic ")
    assert found.name == f"http://{host}/1.jpg?…"
    web.files = {}
    with pytest.raises(ImageError) as raised:
        read(found.path)
    said = f"{found!r} {found.path} {raised.value!r} {caplog.text}"
    assert "5ecret" not in said
    assert "pa55word" not in said


def test_addresses_that_differ_in_what_is_not_shown_have_different_names(web: Web) -> None:
    web.files = {"/i": jpeg(1)}
    given = [f"{web.address}/i?id={n}" for n in (1, 2, 1, 3)]
    census = Census()
    assert names(*given, census=census) == [
        f"{web.address}/i?…", f"{web.address}/i?…#2", f"{web.address}/i?…#3",
    ]  # fmt: skip
    assert census.again == 1


def test_a_list_on_standard_input_may_hold_addresses(web: Web, tmp_path: Path) -> None:
    import io

    local = tmp_path / "x.jpg"
    local.write_bytes(jpeg(2))
    listed = io.BytesIO(f"{web.address}/1.jpg\n{local}\n".encode())
    assert [one.name for one in find(["-"], stdin=listed)] == [f"{web.address}/1.jpg", str(local)]
