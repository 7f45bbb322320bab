"""The shell every report page shares: one file that asks nothing of the network.

A page is a jinja template that extends `page.html`; its styles, scripts and data are written into
it. Whatever comes from outside (file names, notes, reasons) passes one of two doors: jinja's
autoescape, or base64. Behind them stands a content security policy that runs only
the scripts and styles whose hashes are ours and loads nothing at all, so that a name which slipped
through would still be dead text.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from snellen import __version__
from snellen.runs import atomic

_SHELL_STYLES = ("page.css",)
_CLOSING = re.compile(r"</(script|style)|<!--", re.IGNORECASE)
_IMPORT = re.compile(r"^import\s[^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=const|function|class)", re.MULTILINE)
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def write_page(
    path: Path,
    template: str,
    *,
    title: str,
    styles: Iterable[str] = (),
    scripts: Iterable[str] = (),
    **context: Any,
) -> Path:
    """Render `template` to `path` in one step: the old page stays until the new one is whole.

    template : name of a template in `assets/` that extends `page.html`.
    title    : plain text, of the tab and the heading.
    styles   : further style sheets of `assets/`, after the shell's own.
    scripts  : modules of `assets/`, those imported before those that import them.
    context  : what the template shows; an iterator is consumed while writing, so that large data
               never lie in memory as one text.
    """
    style, script = _joined((*_SHELL_STYLES, *styles)), _bundle(tuple(scripts))
    page = _environment().get_template(template)
    shell = {
        "title": printable(title),
        "version": __version__,
        "style": Markup(style),
        "script": Markup(script),
        "policy": _policy(style, script),
    }
    with atomic(path) as file:
        for text in page.generate(**shell, **context):
            file.write(text.encode("utf-8", "backslashreplace"))
    return path


def embed_packed(pieces: Iterable[bytes | bytearray]) -> Iterator[Markup]:
    """JSON gzipped in base64, for `<script type="text/plain">`; `model.js` unpacks it.

    A tenth of the plain text's size, and nothing in it can end the element that holds it. The same
    text gives the same, whatever its pieces; it never lies in memory as a whole.
    """
    packer = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)  # 16: gzip, without a time
    packed = b""
    for piece in pieces:
        packed += packer.compress(piece)
        whole = len(packed) // 3 * 3  # bytes that base64 writes without padding
        yield Markup(base64.b64encode(packed[:whole]).decode())
        packed = packed[whole:]
    yield Markup(base64.b64encode(packed + packer.flush()).decode())


def printable(text: str) -> str:
    """`text` with what has no picture of its own written out.

    Control characters, marks that turn the direction of writing and bytes that are no UTF-8 become
    `\\x1b`, `\\u202e`, `\\udcff`…: a file name cannot pretend to be another one.
    """
    return _INVISIBLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("snellen.reports", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["printable"] = printable
    return environment


def _asset(name: str) -> str:
    text = (Path(__file__).parent / "assets" / name).read_text("utf-8")
    assert not _CLOSING.search(text), f"{name} would end the element that holds it"
    return text


@cache
def _joined(names: tuple[str, ...]) -> str:
    return "\n".join(_asset(name) for name in names)


@cache
def _bundle(names: tuple[str, ...]) -> str:
    """The modules in one: each is a real module for editors and tests; in a page, which can import
    nothing, they share one scope."""
    return "\n".join(_EXPORT.sub("", _IMPORT.sub("", _asset(name))) for name in names)


def _policy(style: str, script: str) -> str:
    """Nothing is loaded; only this style and this script run; pictures are `data:` URLs."""
    parts = [
        "default-src 'none'",
        f"style-src '{_hash(style)}'",
        f"script-src '{_hash(script)}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    return "; ".join(parts)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
