"""The pages of tournament, of two pictures and of the content index say what is so."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from asking import picture
from PIL import Image
from typer.main import get_command
from typer.testing import CliRunner, Result

from snellen import distortions
from snellen.cli import app

DOCS = Path(__file__).parents[2] / "docs"
JUDGE = "scripted:snellen.judges.demo:sharpness"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """photos/ with four contents, two of them blurred too; and two pictures beside it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    for seed in range(4):
        pixels = picture(seed).pixels
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{seed}.png")
        if seed < 2:
            worse = distortions.apply(pixels, "gaussian-blur", 4, seed=1)
            Image.fromarray(worse).save(tmp_path / "photos" / f"{seed}-blurred.png")
    Image.fromarray(picture(0).pixels).save(tmp_path / "sharp.png")
    Image.fromarray(worse).save(tmp_path / "blurred.png")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def commands(page: str, verb: str) -> list[list[str]]:
    text = (DOCS / page).read_text(encoding="utf-8")
    return [shlex.split(line) for line in re.findall(rf"^\$ snellen ({verb} .*)$", text, re.M)]


@pytest.mark.parametrize("page", ["tournament.md", "content-index.md"])
def test_the_code_of_the_page_runs(page: str, folder: Path) -> None:
    text = (DOCS / page).read_text(encoding="utf-8")
    for code in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S):
        names: dict[str, Any] = {}
        exec(code, names)
        assert names["found"] is not None


def test_the_tournament_of_the_page_ranks_a_folder(folder: Path) -> None:
    [command] = commands("tournament.md", "tournament")
    found = run(*command)
    assert found.exit_code == 0, found.output
    assert "position bias: 50.0% for the picture shown first" in found.output
    page = (folder / "ranking.html").read_text(encoding="utf-8")
    assert "Tournament of 6 pictures" in page
    assert "0-blurred.png" in page
    rows = (folder / "ranking.csv").read_text().splitlines()
    assert rows[0] == "rank,image,score,low,high,jod,jod_low,jod_high,compared,missing"
    assert {row.split(",")[1] for row in rows[-2:]} == {
        "photos/0-blurred.png",
        "photos/1-blurred.png",
    }
    told = json.loads(run(*command, "--json").output)
    assert len(told["meetings"]) == told["comparisons"] == 15
    assert told["items"][0]["rank"] == 1
    assert told["position_bias"]["pairs"] == 15


def test_a_broken_picture_is_listed_with_its_reason_and_the_exit_status(folder: Path) -> None:
    (folder / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    found = run("tournament", "photos", "--judge", JUDGE, "-o", "all.json", "-o", "all.html")
    assert found.exit_code == 2
    assert "1 picture without a score (photos/broken.png" in found.output
    last = json.loads((folder / "all.json").read_text())["items"][-1]
    assert (last["image"], last["rank"], last["score"]) == ("photos/broken.png", None, None)
    assert last["missing"]
    assert "broken.png" in (folder / "all.html").read_text()


def test_requests_that_make_no_sense_are_told_with_the_fix(folder: Path) -> None:
    for arguments, words in (
        (["tournament", "nowhere-*", "--judge", JUDGE], "0 of 1 can be used"),
        (["tournament", "sharp.png", "--judge", JUDGE], "1 of 1 can be used"),
        (["tournament", "photos", "--judge", JUDGE, "--model", "elo"], "unknown model 'elo'"),
        (["tournament", "photos", "--judge", JUDGE, "-o", "x.txt"], "End the name in"),
        (["compare", "sharp.png", "blurred.png"], "Add --judge"),
        (["compare", "sharp.png", "--judge", JUDGE], "compares two pictures, got 1"),
        (["explain", "sharp.png", "--judge", JUDGE, "--anchors", "sharp.png", "--method", "levels"],
         "--anchors is a method of its own"),
    ):  # fmt: skip
        found = run(*arguments)
        assert found.exit_code == 1
        assert words in str(found.exception), arguments


def test_two_pictures_are_compared_as_the_page_says(folder: Path) -> None:
    [command] = commands("compare.md", "compare sharp.png")
    found = run(*command)
    assert found.exit_code == 0, found.output
    assert "better  sharp.png: preferred with probability 0." in found.output
    assert "lean    +0.000" in found.output
    told = json.loads(run(*command, "--json", "--memory", "a.db").output)
    assert told["winner"] == "first"
    assert told["forward"] == pytest.approx(told["backward"])
    assert (folder / "a.db").exists()
    swapped = json.loads(run(*command[:1], *command[2:0:-1], *command[3:], "--json").output)
    assert swapped["winner"] == "second"
    assert swapped["preference"] == pytest.approx(1 - told["preference"])


def test_identical_pictures_tie_and_broken_ones_have_no_verdict(folder: Path) -> None:
    same = run("compare", "sharp.png", "photos/0.png", "--judge", JUDGE)
    assert same.exit_code == 0
    assert "identical; not asked" in same.output
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    broken = run("compare", "sharp.png", "broken.png", "--judge", JUDGE)
    assert broken.exit_code == 2
    assert "no verdict: " in broken.output


def test_every_option_of_the_tournament_is_on_its_page() -> None:
    command = get_command(app).commands["tournament"]  # type: ignore[attr-defined]
    text = (DOCS / "tournament.md").read_text(encoding="utf-8")
    options = [option for parameter in command.params for option in parameter.opts]
    assert [one for one in options if one.startswith("-") and f"`{one}" not in text] == []
