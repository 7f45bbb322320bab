"""What of an address may be told."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.images.addresses import is_address, place_of, shown, unchained, without_secrets


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("s3://bucket/a/b.jpg", "s3://bucket/a/b.jpg"),
        ("https://h/a.jpg", "https://h/a.jpg"),
        ("https://me:word@h:8443/a@b.jpg", "https://h:8443/a@b.jpg"),
        ("https://h/a.jpg?X-Amz-Signature=abc", "https://h/a.jpg?…"),
        ("https://h/a.jpg?a=1#part", "https://h/a.jpg?…"),
        ("https://h/a.jpg#part", "https://h/a.jpg"),
        ("https://me@h", "https://h"),
        ("HTTPS://me:word@h/?sig=1", "HTTPS://h/?…"),
        ("s3://bucket/is it a key?.jpg", "s3://bucket/is it a key?.jpg"),
        ("zip://*.jpg::https://me:word@h/a.zip?sig=1", "zip://*.jpg::https://h/a.zip?…"),
        ("s3://b/line\nbreak", "s3://b/line\\u000abreak"),
    ],
)
def test_what_is_shown(address: str, told: str) -> None:
    assert shown(address) == told


@given(
    st.text(st.characters(categories=["Lu", "Nd"]), min_size=4),
    st.sampled_from(["https", "http"]),
)
def test_no_secret_is_shown_wherever_it_stands(secret: str, kind: str) -> None:
    address = f"{kind}://{secret}:{secret}@host/p.jpg?k={secret}#{secret}"
    assert secret not in shown(address)
    assert secret not in without_secrets(f"404, message='Not Found', url='{address}' ({address})")
    assert secret not in place_of(address)


def test_places_are_absolute_and_addresses_stay() -> None:
    assert place_of("a/b.jpg") == os.path.abspath("a/b.jpg")
    assert place_of("-") == "-"
    assert place_of("s3://b/k") == "s3://b/k"


@pytest.mark.parametrize("path", ["C:\\a.jpg", "C:/a.jpg", "a.jpg", "a:b", "./s3://", "//h/share"])
def test_what_is_no_address(path: str) -> None:
    assert not is_address(path)


def test_chains() -> None:
    assert unchained("zip://a/*.jpg::s3://b/x.zip") == ("s3://b/x.zip", "a/*.jpg")
    assert unchained("tar://::x.tar") == ("x.tar", "")
    assert unchained("simplecache::s3://b/x.jpg") == ("", "")
