"""`snellen answers`: what is remembered, its export and its replay."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from judge_scripts import small
from PIL import Image
from typer.testing import CliRunner, Result

from snellen.cli import app
from snellen.errors import AnswerFileError, UnknownName

JUDGE = "scripted:judge_scripts:by_brightness"
PAGE = Path(__file__).parents[2] / "docs" / "answers.md"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a photo, which is where the commands are run."""
    Image.fromarray(small(1)).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(judge: str, *more: str) -> Result:
    return run("ask", "photo.png", "How?", "--options", "Good,Poor", "--judge", judge, *more)


def test_the_export_is_a_judge_that_says_the_same(folder: Path) -> None:
    first = json.loads(ask(JUDGE, "--memory", "a.db", "--json").output)
    told = run("answers", "a.db", "--export", "a.jsonl")
    assert "1 answers written to a.jsonl" in told.output
    assert first["judge"] in told.output
    again = json.loads(ask("scripted:a.jsonl", "--json").output)
    assert again["probabilities"] == first["probabilities"]
    [line] = (folder / "a.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["key"] == first["key"]


def test_one_judge_of_several(folder: Path) -> None:
    names = [
        json.loads(ask(judge, "--memory", "a.db", "--json").output)["judge"]
        for judge in (JUDGE, "scripted:snellen.judges.demo:sharpness")
    ]
    told = json.loads(run("answers", "a.db", "--json").output)
    assert told == {"judges": dict.fromkeys(sorted(names), 1), "exported": None}
    run("answers", "a.db", "--judge", names[1], "--export", "one.jsonl")
    [line] = (folder / "one.jsonl").read_text("utf-8").splitlines()
    assert json.loads(line)["judge"] == names[1]
    assert isinstance(run("answers", "a.db", "--judge", "nobody").exception, UnknownName)


def test_what_is_no_file_of_answers_is_refused(folder: Path) -> None:
    assert isinstance(run("answers", "gone.db").exception, AnswerFileError)
    assert not (folder / "gone.db").exists()
    assert isinstance(run("answers", "photo.png").exception, AnswerFileError)


def test_damage_is_found_by_check(folder: Path) -> None:
    ask(JUDGE, "--memory", "a.db")
    assert run("answers", "a.db", "--check").exit_code == 0
    data = bytearray((folder / "a.db").read_bytes())
    data[-3000:] = b"\xff" * 3000
    (folder / "a.db").write_bytes(data)
    assert isinstance(run("answers", "a.db", "--check").exception, AnswerFileError)


def test_the_commands_of_the_page_run(folder: Path) -> None:
    [block] = re.findall(r"^```console\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    typed = [line.removeprefix("$ snellen ") for line in block.splitlines() if line[0] == "$"]
    results = [run(*shlex.split(line)) for line in typed]
    assert [result.exit_code for result in results] == [0, 0, 0]
    assert "1 answers written to answers.jsonl" in results[1].output
