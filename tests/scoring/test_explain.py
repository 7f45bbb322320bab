"""`snellen explain`, and `snellen score` with a judge: text, JSON, page, resuming, refusals."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from asking import judge, picture
from PIL import Image
from typer.testing import CliRunner

import snellen
from snellen.cli import app
from snellen.errors import SnellenError
from snellen.judges import Question
from snellen.judges.demo import sharpness
from snellen.reports.explain_page import write_explain_page
from snellen.scoring import JudgeScorer, explain, make_method

DEMO = "scripted:snellen.judges.demo:sharpness"


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "photos"
    folder.mkdir()
    for seed in range(3):
        Image.fromarray(picture(seed).pixels).save(folder / f"{seed}.png")
    return folder


def run(*words: str) -> tuple[int, str]:
    found = CliRunner().invoke(app, list(words))
    return found.exit_code, found.output


def test_json_holds_every_question_and_adds_up(photos: Path) -> None:
    status, text = run(
        "explain", "photos/0.png", "--judge", DEMO, "--method", "debias", "--as-published", "--json"
    )
    assert status == 0
    found = json.loads(text)
    assert len(found["evidence"]) == 8
    assert found["score"] == pytest.approx(sum(one["contribution"] for one in found["evidence"]))
    assert found["evidence"][0]["shown"] == ["zoom-blur, level 3", "picture"]
    assert set(found["evidence"][0]["probabilities"]) == {"Good", "Poor"}
    assert Path("snellen-runs/answers.db").exists()


def test_text_tells_score_copies_questions_and_what_was_said_alone(photos: Path) -> None:
    status, text = run("explain", "photos/0.png", "--judge", DEMO, "--copies", "2")
    assert status == 0
    assert re.search(r"^score  \d+\.\d, 95 % interval", text, re.MULTILINE)
    assert re.search(r"^alone  \d+\.\d; the copies change it by [+-]\d", text, re.MULTILINE)
    assert "zoom-blur" in text
    assert "spatter" not in text
    assert "asked  The visual quality of the first image is poor." in text


def test_the_page_shows_the_picture_and_each_copy(photos: Path) -> None:
    status, text = run(
        "explain", "photos/0.png", "--judge", DEMO, "--copies", "4", "-o", "why.html"
    )
    assert status == 0, text
    page = Path("why.html").read_text(encoding="utf-8")
    assert page.count("data:image/jpeg;base64,") == 5
    assert len({*re.findall(r"base64,([^\"]+)", page)}) == 5  # all of them different
    assert page.count('class="panel question"') == 5  # the picture alone, too


def test_the_page_cannot_be_broken_by_what_a_judge_says(tmp_path: Path) -> None:
    def say(question: Question) -> dict[str, float] | None:
        if question.images[0].name.startswith("fog"):
            raise ValueError("<script>alert(1)</script>")
        return dict.fromkeys(question.options, 0.2)

    found = explain(picture(), JudgeScorer(judge(say), make_method("debias", copies=4)))
    page = write_explain_page(tmp_path / "p.html", "<b>.png", found).read_text(encoding="utf-8")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "To know before reading on" in page  # one answer is missing


def test_a_judge_that_says_nothing_is_a_reason_and_status_2(photos: Path) -> None:
    status, text = run("explain", "photos/0.png", "--judge", "scripted:asking:silent")
    assert status == 2, text
    assert "no answer can be read" in text


def test_a_page_must_be_named_as_one(photos: Path) -> None:
    found = CliRunner().invoke(app, ["explain", "photos/0.png", "--judge", DEMO, "-o", "why.pdf"])
    assert found.exit_code != 0
    assert "End the name in .html" in str(found.exception)


def test_score_with_a_judge_keeps_evidence_and_asks_nothing_twice(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, text = run(
        "score", "photos", "--with", DEMO, "--method", "debias", "--copies", "2", "--run", "run",
        "-o", "s.csv", "--jobs", "2",
    )  # fmt: skip
    assert status == 0, text
    table = snellen.Table.open(Path("run"))
    assert all(0 <= value <= 100 for value in table["score"])
    assert table["problem"] == [None] * 3
    evidence = json.loads(table["evidence"][0])
    assert [one["label"] for one in evidence] == [
        "beside zoom-blur, level 3 + darken, level 5", "beside fog, level 4", "alone",
    ]  # fmt: skip
    assert "debias(zoom-blur:3+darken:5,fog:4" in table["scorer"][0]
    asked: list[Question] = []

    def counting(question: Question) -> dict[str, float] | None:
        asked.append(question)
        return dict(sharpness(question) or {})

    scorer = JudgeScorer(snellen.load_judge(DEMO), make_method("debias", copies=2))
    monkeypatch.setattr(scorer.judge, "_script", counting)
    again = snellen.score("photos", scorer, run="run2", memory="run/answers.db")
    assert asked == []
    assert list(again["score"]) == list(table["score"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--with", DEMO, "--crops", "3"), "no effect on a judge"),
        (("--method", "debia"), "debias"),
        (("--copies", "2", "--as-published"), "copies of its own"),
    ],
)
def test_dials_that_do_not_fit_are_refused(photos: Path, words: tuple[str, ...], told: str) -> None:
    found = CliRunner().invoke(app, ["score", "photos", *words])
    assert isinstance(found.exception, SnellenError)
    assert told in str(found.exception)


def test_the_worst_is_found_by_a_judge(photos: Path) -> None:
    blurred = Image.open(photos / "0.png").resize((8, 6)).resize((64, 48), Image.Resampling.BICUBIC)
    blurred.save(photos / "blurred.png")
    table = snellen.score(photos, DEMO, method="levels", run="run")
    assert Path(table.worst(1)["image"][0]).name == "blurred.png"
    assert np.ptp(table["score"]) > 5
