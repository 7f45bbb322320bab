"""The page to drop pictures on. Its map, colours and type are those of the reports."""

from __future__ import annotations

import html
import json
from pathlib import Path

import snellen.reports
from snellen.reports.colours import score_ramp

_OWN = Path(__file__).parent / "assets"
_SHARED = Path(snellen.reports.__file__).parent / "assets"
_ASSETS = {
    "drop.js": (_OWN, "text/javascript"),
    "drop.css": (_OWN, "text/css"),
    "dom.js": (_SHARED, "text/javascript"),
    "map.js": (_SHARED, "text/javascript"),
    "page.css": (_SHARED, "text/css"),
}


def page(scorer: str) -> str:
    """The page as HTML; `scorer` is named on it."""
    text = (_OWN / "page.html").read_text("utf-8")
    for name, value in {"ramp": json.dumps(score_ramp()), "scorer": scorer}.items():
        text = text.replace("{{" + name + "}}", html.escape(value))
    return text


def asset(name: str) -> tuple[bytes, str] | None:
    """Content and media type of a file of the page; None for any other name."""
    if name not in _ASSETS:
        return None
    folder, kind = _ASSETS[name]
    return (folder / name).read_bytes(), kind
