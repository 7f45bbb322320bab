"""The pages of the judges say what is so: their code runs, their options exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.main import get_command

from snellen import judges
from snellen.cli import app
from snellen.judges import Answer, conformance, doctor, load_judge

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "judges.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    """The fenced blocks of the page with exactly this after the fence."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugin of the page, installed as pip would: its module and its entry point."""
    [code], [table] = blocks("python plugin"), blocks("toml plugin")
    (tmp_path / "snellen_coin.py").write_text(code, encoding="utf-8")
    info = tmp_path / "snellen_coin-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: snellen-coin\nVersion: 1.0\n")
    group, entry = re.fullmatch(r'\[project\.entry-points\."(.+)"\]\n(.+)\n', table).groups()  # type: ignore[union-attr]
    (info / "entry_points.txt").write_text(f"[{group}]\n{entry.replace(chr(34), '')}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_code_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for code in blocks("python"):
        exec(code, names)
    assert names["answer"].mass == pytest.approx(0.9)
    assert (tmp_path / "answers.jsonl").read_text().count("\n") == 1


def test_the_plugin_of_the_page_is_a_judge(plugin: Path) -> None:
    judge = load_judge("coin:fair")
    [answer] = judge.answer([judges.choice("Heads?", options=("Yes", "No"))])
    assert answer == Answer.from_probabilities(("Yes", "No"), (0.5, 0.5))
    assert judges.schemes()["coin"].dist.name == "snellen-coin"  # type: ignore[union-attr]
    names: dict[str, Any] = {}
    [code] = blocks("python conformance")
    exec(code, names)
    for check in conformance.CHECKS:
        names["test_keeps_the_promise"](check)


def test_the_plugin_is_about_ten_lines() -> None:
    [code] = blocks("python plugin")
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 12


def test_the_table_of_the_page_can_be_read(tmp_path: Path) -> None:
    [rows] = [block for block in blocks("") if '"images"' in block]
    (tmp_path / "answers.jsonl").write_text(rows, encoding="utf-8")
    judge = load_judge(f"scripted:{tmp_path / 'answers.jsonl'}")
    [answer] = judge.answer([judges.choice("How is the quality?", options=("Good", "Poor"))])
    assert answer.mass == pytest.approx(0.9)


@pytest.mark.parametrize("verb", ["answers", "ask", "doctor", "models"])
def test_every_option_is_on_the_page_of_its_verb_and_no_other(verb: str) -> None:
    command = get_command(app).commands[verb]  # type: ignore[attr-defined]
    has = {option for parameter in command.params for option in parameter.opts}
    told = set(re.findall(r"`(--[a-z]+)", (DOCS / f"{verb}.md").read_text(encoding="utf-8")))
    # Of the verbs that it points to.
    foreign = {"models": {"--with", "--judge"}, "answers": {"--memory", "--options"}}.get(
        verb, set()
    )
    assert told - foreign == {option for option in has if option.startswith("--")}


def test_every_test_of_the_doctor_is_on_its_page() -> None:
    told = re.findall(
        r"^\| ([a-z][a-z -]+) \|", (DOCS / "doctor.md").read_text("utf-8"), re.MULTILINE
    )
    findings = doctor.examine(load_judge("scripted:judge_scripts:by_brightness"))
    assert [name for name in told if name not in ("test", "option")] == [
        finding.name for finding in findings if finding.name != "conformance"
    ]


def test_every_field_of_an_answer_on_the_page_exists() -> None:
    named = re.findall(r"`answer\.([a-z_]+)", PAGE)
    assert named
    assert all(hasattr(Answer, name) for name in named)


def test_the_public_names_are_what_they_say() -> None:
    assert sorted(judges.__all__) == judges.__all__
    assert all(hasattr(judges, name) for name in judges.__all__)
