"""Labelling and auditing on a cluster of two machines, by the commands."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from deadly import POISON
from forty import make_textures
from typer.testing import CliRunner

pytest.importorskip("ray")

from snellen.cli import app
from snellen.images import content_hash
from snellen.runs import is_done

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("default"),  # Ray's own
]
JUDGE = "scripted:deadly:mortal"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    (tmp_path / "photos").mkdir()
    return make_textures(tmp_path / "photos")


def command(*words: str | Path) -> str:
    result = CliRunner().invoke(app, [*map(str, words)])
    assert result.exit_code == 0, result.output
    return result.output


def test_labels_are_those_of_one_machine_though_a_worker_is_killed(
    photos: Path, tmp_path: Path, machines: Any
) -> None:
    words = ("label", photos, "--judge", JUDGE, "--pairs-per-image", "1", "--run")
    command(*words, tmp_path / "here")
    poison = Path(os.environ[POISON])
    poison.write_text(content_hash((photos / "6.png").read_bytes()))
    command(*words, tmp_path / "there", "--engine", "ray", "--part", "3")
    assert not poison.exists()  # somebody died of it
    for rows in ("rows.jsonl", "pairs/rows.jsonl"):
        text = (tmp_path / "there" / rows).read_text("utf-8")
        assert text == (tmp_path / "here" / rows).read_text("utf-8")
        assert text.count("\n") >= 5
    assert is_done(tmp_path / "there")


def test_an_audit_is_that_of_one_machine(photos: Path, tmp_path: Path, machines: Any) -> None:
    words = (
        "audit", JUDGE, "--photos", photos, "--types", "gaussian-blur", "--side", "0",
        "--most", "3", "--thorough", "2", "--no-page", "--no-inside", "--run",
    )  # fmt: skip
    command(*words, tmp_path / "here")
    command(*words, tmp_path / "there", "--engine", "ray", "--part", "9")
    there, here = (
        (tmp_path / name / "rows.jsonl").read_text("utf-8") for name in ("there", "here")
    )
    assert there == here
    assert there.count("\n") > 10
    assert is_done(tmp_path / "there")
