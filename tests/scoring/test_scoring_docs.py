"""The pages of scoring, debias and explain say what is so: their code and commands run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from asking import picture
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

from snellen.cli import app
from snellen.scoring import METHODS, make_method

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("scoring", "debias", "explain")
DEMO = "scripted:snellen.judges.demo:sharpness"


def blocks(page: str, kind: str) -> list[str]:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands() -> list[tuple[str, str]]:
    return [
        (page, line.removeprefix("$ snellen "))
        for page in PAGES
        for block in blocks(page, "console")
        for line in block.splitlines()
        if line.startswith("$ snellen ")
    ]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the pages' commands are at home."""
    monkeypatch.chdir(tmp_path)
    for place in ("photo.png", "scan.png", "photos/a.png", "photos/b.png"):
        Path(place).parent.mkdir(exist_ok=True)
        Image.fromarray(picture(len(place)).pixels).save(place)


@pytest.mark.parametrize(("page", "line"), commands())
def test_every_command_of_the_pages_runs(page: str, line: str) -> None:
    words = [DEMO if word == "built-in" else word for word in shlex.split(line)]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0, found.exception or found.output


@pytest.mark.parametrize("page", ["scoring", "debias"])
def test_the_code_of_the_pages_runs(page: str) -> None:
    names: dict[str, Any] = {}
    code = blocks(page, "python")
    assert code
    for block in code:
        exec(block, names)


def test_every_method_and_every_option_is_documented() -> None:
    scoring = (DOCS / "scoring.md").read_text(encoding="utf-8")
    for name in METHODS:
        assert f"| `{name}` |" in scoring, name
    explain = (DOCS / "explain.md").read_text(encoding="utf-8")
    for option in get_command(app).commands["explain"].params:  # type: ignore[attr-defined]
        for word in option.opts:
            assert word[0] != "-" or f"`{word}" in explain, word


def test_the_page_of_debias_names_the_default_as_it_is() -> None:
    text = (DOCS / "debias.md").read_text(encoding="utf-8")
    assert f"`{make_method('debias').name}`" in text
    assert f"`{make_method('debias', as_published=True).name}`" in text
