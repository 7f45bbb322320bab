"""The shell: self-contained, and deaf to whatever a file name tries."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jinja2 import UndefinedError

from snellen.reports.shell import embed_packed, printable, write_page

ANY_TEXT = st.text(st.characters(codec=None), max_size=40)


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text inside scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.raw: dict[str, list[str]] = {"script": [], "style": []}
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in self.raw else ""
        if self._inside:
            self.raw[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.raw[self._inside][-1] += data


def small_page(folder: Path, title: str = "A page") -> str:
    path = write_page(folder / "page.html", "page.html", title=title, scripts=("dom.js",))
    return path.read_text("utf-8")


def unpacked(text: str) -> object:
    return json.loads(gzip.decompress(base64.b64decode(text, validate=True)))


@given(st.recursive(ANY_TEXT | st.integers() | st.none(), st.lists, max_leaves=8), st.data())
def test_packed_data_read_back_and_pack_the_same_in_other_pieces(value: object, data: Any) -> None:
    plain = json.dumps(value).encode()
    cut = data.draw(st.integers(0, len(plain)))
    text = "".join(embed_packed([plain]))
    assert unpacked(text) == value
    assert "".join(embed_packed([plain[:cut], b"", plain[cut:]])) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 漢字 عربي.jpg", "plain é 漢字 عربي.jpg"),
        ("caf\udce9.png", "caf\\udce9.png"),
        ("photo\u202egpj.exe", "photo\\u202egpj.exe"),
        ("a\nb\tc\x1b[31m", "a\\nb\\tc\\x1b[31m"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
    ],
)
def test_printable_writes_out_only_what_cannot_be_seen(text: str, shown: str) -> None:
    assert printable(text) == shown


@settings(deadline=None)
@given(ANY_TEXT)
def test_printable_text_can_be_written_and_is_stable(text: str) -> None:
    shown = printable(text)
    shown.encode("utf-8")
    assert printable(shown) == shown


def test_title_is_text_wherever_it_stands(tmp_path: Path) -> None:
    title = '</title><script>alert(1)</script><img src=x onerror="alert(2)">'
    tags = Elements(small_page(tmp_path, title)).tags
    assert [tag for tag, _ in tags].count("script") == 1  # our own
    assert all(tag != "img" for tag, _ in tags)


def test_policy_admits_exactly_the_styles_and_scripts_of_the_page(tmp_path: Path) -> None:
    page = Elements(small_page(tmp_path))
    policy = next(a["content"] for _, a in page.tags if a.get("http-equiv")) or ""
    for kind in ("script", "style"):
        (text,) = page.raw[kind]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_page_asks_nothing_of_the_network(tmp_path: Path) -> None:
    text = small_page(tmp_path)
    for _, attributes in Elements(text).tags:
        for name in ("src", "href", "action", "data", "srcset"):
            assert (attributes.get(name) or "data:").startswith("data:")
    assert not re.search(r"url\(|@import|\bimport\b.*from", text)


def test_modules_lose_their_imports_and_exports_only(tmp_path: Path) -> None:
    path = write_page(
        tmp_path / "p.html", "page.html", title="t", scripts=("dom.js", "model.js", "selection.js")
    )
    (script,) = Elements(path.read_text("utf-8")).raw["script"]
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    for defined in ("function el(", "class Model {", "const EVERYTHING = "):
        assert script.count(defined) == 1


def test_failed_page_leaves_the_old_one_and_no_rubbish(tmp_path: Path) -> None:
    small_page(tmp_path)
    before = (tmp_path / "page.html").read_bytes()
    with pytest.raises(UndefinedError):  # score.html wants data that are not given
        write_page(tmp_path / "page.html", "score.html", title="t")
    assert (tmp_path / "page.html").read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


def test_same_page_twice_is_the_same_bytes(tmp_path: Path) -> None:
    assert small_page(tmp_path) == small_page(tmp_path)
