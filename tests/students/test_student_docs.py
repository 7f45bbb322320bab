"""The pages of label, distil, calibrate, choose and export: their commands run, options exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from student_pictures import falling, write_pictures, write_ratings
from typer.main import get_command
from typer.testing import CliRunner

from snellen.cli import app

DOCS = Path(__file__).parents[2] / "docs"
VERBS = ("label", "distil", "calibrate", "choose", "export")
COUNT = 24


def page(verb: str) -> str:
    return (DOCS / f"{verb}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_on_the_page_of_its_verb_and_no_other(verb: str) -> None:
    command = get_command(app).commands[verb]  # type: ignore[attr-defined]
    has = {
        option
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--")
    }
    rows = [line for line in page(verb).splitlines() if line.startswith("| `")]
    told = set(re.findall(r"(--[a-z-]+)", "\n".join(row.split("|")[1] for row in rows)))
    told |= set(re.findall(r"`(--no-reliability)` is the default", page(verb)))
    assert told == has


@pytest.mark.torch
def test_the_commands_of_the_pages_make_a_student_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch", reason="needs torch: make test-torch")
    names = [path.name for path in write_pictures(tmp_path / "photos", COUNT, side=128)]
    (tmp_path / "ratings").mkdir()
    write_ratings(
        tmp_path / "ratings" / "mos.csv", [f"../photos/{name}" for name in names], falling(COUNT)
    )
    monkeypatch.chdir(tmp_path)
    said = {}
    for verb in VERBS:
        for line in re.findall(r"^\$ snellen (.+)$", page(verb), re.MULTILINE):
            result = CliRunner().invoke(app, shlex.split(line), catch_exceptions=False)
            assert result.exit_code == 0, (line, result.output)
            said[verb] = result.output
    assert f"{COUNT} of {COUNT} pictures labelled" in said["label"]
    assert "held-out loss" in said["distil"]
    assert "cross-conformal, 95 %" in said["calibrate"]
    assert (tmp_path / "next.csv").read_text().count("\n") == 6
    assert (tmp_path / "student-calibrated" / "calibration.html").stat().st_size > 5000
    html = (tmp_path / "student-calibrated" / "calibration.html").read_text("utf-8")
    assert "24 rated images" in html or "24 images" in html
    names_there: dict[str, object] = {}
    for name in ("export", "students"):
        for code in re.findall(r"^```python\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL):
            exec(code, names_there)
    assert 0 <= float(names_there["mean_score"]) <= 100  # type: ignore[arg-type]
    assert names_there["done"].student.opinion is not None  # type: ignore[attr-defined]
