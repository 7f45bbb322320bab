"""The list of verbs, and that a verb is imported only when it is asked for."""

from __future__ import annotations

import inspect
import json
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner

import snellen.cli
from snellen.cli import app
from snellen.cli.verbs import GROUPS

LINES = {name: line for verbs in GROUPS.values() for name, line in verbs.items()}
# Heavy for a start that only lists: what draws boxes, what reads pictures, what runs networks.
# What only other pictures than a JPEG on a disk need, and what would slow the score of one down.
UNUSED = {"asyncio", "pydantic", "numpy.ma", "PIL.AvifImagePlugin", "importlib.metadata", "scipy"}
HEAVY = {"rich", "numpy", "PIL", "onnxruntime", "scipy", "torch"}


def modules_of_verbs() -> dict[str, object]:
    found = {
        info.name: import_module(f"snellen.cli.{info.name}")
        for info in pkgutil.iter_modules(snellen.cli.__path__)
    }
    return {name: module for name, module in found.items() if hasattr(module, "command")}


def imported_by(*words: str) -> set[str]:
    """Names of all modules that a command has imported when it ends."""
    code = (
        "import json, sys; from snellen.cli import app\n"
        f"try: app({list(words)!r})\n"
        "except SystemExit: pass\n"
        "sys.stderr.write(json.dumps(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8", check=True
    )
    return set(json.loads(done.stderr))


def test_every_module_with_a_command_is_listed_once_and_no_other() -> None:
    names = [name for verbs in GROUPS.values() for name in verbs]
    assert sorted(names) == sorted(modules_of_verbs())


@pytest.mark.parametrize("name", LINES)
def test_the_list_says_what_the_verbs_own_help_begins_with(name: str) -> None:
    said = inspect.getdoc(import_module(f"snellen.cli.{name}").command)
    assert said is not None
    assert " ".join(said.split("\n\n")[0].split()) == LINES[name]


def test_the_list_is_shown_whole_under_its_headings() -> None:
    said = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "100"}).output
    flat = " ".join(said.split())
    for title, verbs in GROUPS.items():
        assert f"\n{title}:\n" in said
        for name, line in verbs.items():
            assert f" {name} {line}" in flat


def test_to_list_the_verbs_imports_none_of_them_and_nothing_heavy() -> None:
    there = imported_by("--help")
    assert not {f"snellen.cli.{name}" for name in LINES} & there
    assert not HEAVY & there


def test_a_score_imports_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    Image.fromarray(np.zeros((80, 90, 3), np.uint8)).save(photo)
    there = imported_by("score", str(photo), "--run", str(tmp_path / "run"))
    assert {"numpy", "onnxruntime", "snellen.reports.score_page"} <= there
    assert not UNUSED & there


def test_all_verbs_print_through_one_screen_that_leaves_names_alone() -> None:
    for info in pkgutil.iter_modules(snellen.cli.__path__):
        source = inspect.getsource(import_module(f"snellen.cli.{info.name}"))
        assert info.name == "screen" or not re.search(r"\bConsole\(", source), info.name


def test_a_verb_imports_no_other_verb() -> None:
    there = imported_by("models", "--help")
    assert "snellen.cli.models" in there
    assert not {f"snellen.cli.{name}" for name in LINES if name != "models"} & there


def test_a_verb_is_made_once_and_its_help_is_its_own() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    assert commands["score"] is commands["score"]
    assert list(commands) == list(LINES)
    assert len(commands) == len(LINES)
    assert "nonsense" not in commands


@pytest.mark.parametrize(
    ("typed", "meant"), [("scor", "score"), ("evalute", "evaluate"), ("distill", "distil")]
)
def test_a_misspelt_verb_is_told_what_was_meant(typed: str, meant: str) -> None:
    result = CliRunner().invoke(app, [typed])
    assert result.exit_code == 2
    assert f"'{meant}'" in result.output
    assert "Traceback" not in result.output


def test_a_fault_in_a_verbs_module_is_not_told_as_a_verb_that_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(name: str) -> None:
        raise KeyError("something else")

    monkeypatch.setattr("snellen.cli.verbs.import_module", broken)
    result = CliRunner().invoke(app, ["models"])
    assert isinstance(result.exception, KeyError)
    assert "No such command" not in result.output


def test_nothing_said_gives_the_list() -> None:
    result = CliRunner().invoke(app, [])
    assert "Pictures:" in result.output
