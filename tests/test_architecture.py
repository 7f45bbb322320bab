"""Imports go down only, in the order that docs/architecture.md lists the rooms."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "src" / "snellen"
LISTED = re.findall(
    r"^  (\w+)(?:\.py|/) ", (ROOT / "docs" / "architecture.md").read_text("utf-8"), re.MULTILINE
)


def _room(path: Path) -> str:
    return path.relative_to(HOUSE).parts[0].removesuffix(".py")


def _imported(path: Path) -> Iterator[str]:
    """The rooms that a file imports from, at its top or inside its functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "snellen" and rest.partition(".")[0] in LISTED:
                yield rest.partition(".")[0]


def test_every_room_is_listed_once() -> None:
    there = {_room(path) for path in HOUSE.rglob("*.py")} - {"__main__"}
    assert sorted(LISTED) == sorted(there)


@pytest.mark.parametrize("room", [room for room in LISTED if room != "__init__"])
def test_imports_go_down_only(room: str) -> None:
    files = [path for path in HOUSE.rglob("*.py") if _room(path) == room]
    upward = {
        f"{path.relative_to(HOUSE)} imports {other}"
        for path in files
        for other in _imported(path)
        if LISTED.index(other) < LISTED.index(room)
    }
    assert not upward
