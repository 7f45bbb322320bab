"""The pages of audit and tune say what is so: their options exist, their commands run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from audit_planted import folder_of_photos
from typer.main import get_command
from typer.testing import CliRunner

from snellen.audit.questions import TAUGHT, UNSEEN
from snellen.audit.verdict import SEES
from snellen.cli import app
from snellen.scorers.base import FAMILIES

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "audit.md").read_text("utf-8")


@pytest.mark.parametrize("verb", ["audit", "tune"])
def test_every_option_is_on_the_page_and_no_other(verb: str) -> None:
    command = get_command(app).commands[verb]  # type: ignore[attr-defined]
    has = {option for parameter in command.params for option in parameter.opts}
    told = set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*)", (DOCS / f"{verb}.md").read_text("utf-8")))
    switches = {"--no-inside": "--inside", "--no-page": "--page"}
    foreign = {"--list", "--options", "--judge"}  # of the verbs they point to
    assert {switches.get(one, one) for one in told} - foreign == {
        option for option in has if option.startswith("--")
    }


def test_the_command_and_the_code_of_the_page_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder_of_photos(tmp_path / "photos", 8)
    monkeypatch.chdir(tmp_path)
    [line] = re.findall(r"^\$ snellen (.*)$", PAGE, re.MULTILINE)
    result = CliRunner().invoke(app, shlex.split(line))
    assert result.exit_code == 0, result.output
    assert "This judge sees blur; is blind to compression." in result.output
    names: dict[str, object] = {"Path": Path}
    [code] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    exec(code, names)
    assert 0 <= names["weight"] <= 1  # type: ignore[operator]
    files = {path.name for path in Path("audited").iterdir()}
    named = set(re.findall(r"`([a-z]+\.(?:html|json|csv|jsonl|db))`", PAGE))
    assert named <= files


def test_figures_of_the_page_are_those_of_the_code() -> None:
    assert f"*seen* is at least {SEES}" in PAGE
    assert all(label in PAGE for label in FAMILIES)
    assert (len(TAUGHT), len(UNSEEN)) == (3, 2)
    assert "three that `tune` trains with, two that it" in PAGE
