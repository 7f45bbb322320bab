"""The verbs ask, doctor and models, as they are typed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from judge_scripts import by_brightness, small
from PIL import Image
from typer.testing import CliRunner, Result

from snellen.cli import app
from snellen.errors import JudgeError, SnellenError
from snellen.judges import Answer, Capabilities, Question, ScriptedJudge, doctor
from snellen.judges.catalogue import MODELS

JUDGE = "scripted:judge_scripts:by_brightness"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=True)


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "a photo.png"
    Image.fromarray(small(1)).save(path)
    return str(path)


# --- ask --------------------------------------------------------------------------------------


def test_ask_prints_probabilities_mass_and_what_was_shown(photo: str) -> None:
    found = run("ask", photo, "How is it?", "--options", "Good, Poor", "--judge", JUDGE)
    assert found.exit_code == 0, found.output
    lines = found.output.splitlines()
    assert lines[0].startswith(f"judge  {JUDGE}#")
    good, poor = (float(line.split()[1]) for line in lines[1:3])
    assert [line.split()[0] for line in lines[1:3]] == ["Good", "Poor"]
    assert good + poor == pytest.approx(1, abs=1e-4)
    assert lines[3] == "mass   0.8000"
    assert lines[4] == "shown  a photo.png: 8×6 → 8×6"


def test_ask_as_json_says_the_same_to_programs(photo: str) -> None:
    found = run(
        *("ask", photo, photo, "How?", "--options", "bad,fair,good", "--kind", "score", "--json"),
        *("--judge", JUDGE, "--prefill", "The quality is"),
    )
    told = json.loads(found.output)
    p = told["probabilities"]
    assert list(p) == ["bad", "fair", "good"]
    assert told["expected"] == pytest.approx(0.5 * p["fair"] + p["good"])
    assert told["mass"] == pytest.approx(0.8)
    assert len(told["shown"]["images"]) == 2
    assert len(told["key"]) == 64


def test_ask_with_a_memory_asks_once(photo: str, tmp_path: Path) -> None:
    ask = ("ask", photo, "How?", "--options", "Good,Poor", "--judge", JUDGE)
    ask += ("--memory", str(tmp_path / "answers.db"))
    first, second = run(*ask), run(*ask)
    assert "memory: 0 answers from" in first.output
    assert "memory: 1 answers from" in second.output
    assert first.output.splitlines()[:5] == second.output.splitlines()[:5]


def test_ask_about_a_file_that_is_gone_says_why_and_exits_with_2(tmp_path: Path) -> None:
    ask = ("ask", str(tmp_path / "gone.png"), "How?", "--options", "Good,Poor", "--judge", JUDGE)
    found = run(*ask)
    assert found.exit_code == 2
    assert "no answer: " in found.output
    assert "gone.png" in found.output
    told = json.loads(run(*ask, "--json").output)
    assert "gone.png" in told["missing"]
    assert "probabilities" not in told


@pytest.mark.parametrize(
    ("judge", "options", "words"),
    [
        (JUDGE, "Good,good", "collide"),
        (JUDGE, "Good", "at least two options"),
        ("script:x", "Good,Poor", "Did you mean 'scripted'"),
    ],
)
def test_ask_nonsense_is_an_error_of_ours(photo: str, judge: str, options: str, words: str) -> None:
    found = run("ask", photo, "How?", "--judge", judge, "--options", options)
    assert isinstance(found.exception, SnellenError)
    assert words in str(found.exception)


def test_an_error_is_one_line_and_exit_1(photo: str) -> None:
    command = [sys.executable, "-m", "snellen", "ask", photo, "How?"]
    command += ["--judge", "script:x", "--options", "Good,Poor"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == ("snellen: unknown kind of judge 'script'. Did you mean 'scripted'?\n")


def test_ask_tells_bounds_and_notes(photo: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def listed(question: Question) -> Answer:
        return Answer.from_logprobs(
            question.options, (-0.5, -9.0), at_most=("Poor",), notes=("asked twice",)
        )

    monkeypatch.setattr("snellen.judges.load_judge", lambda name: ScriptedJudge(listed))
    found = run("ask", photo, "How?", "--options", "Good,Poor", "--judge", "any")
    assert "at most: not among the tokens listed" in found.output
    assert "note   asked twice" in found.output


# --- doctor -----------------------------------------------------------------------------------


class Spelling(ScriptedJudge):
    """A script that claims to have a tokenizer."""

    def spell(self, question: Question) -> dict[str, tuple[str, ...]]:
        if "A" in question.options:
            raise JudgeError("'A' and 'B' begin with the same token")
        return {o: ("excel", "lent") if o == "excellent" else (o,) for o in question.options}

    def describe(self) -> Mapping[str, str]:
        return {"precision": "float32: as asked"}


def verdicts(judge: ScriptedJudge, **options: bool) -> dict[str, doctor.Finding]:
    return {finding.name: finding for finding in doctor.examine(judge, **options)}


def test_doctor_finds_nothing_wrong_with_a_good_judge() -> None:
    found = verdicts(ScriptedJudge(by_brightness), full=True)
    assert {f.verdict for f in found.values()} <= {"good", "unknown"}
    assert found["sight"].verdict == found["mass"].verdict == "good"
    assert found["pre-fill"].verdict == "good"
    assert found["conformance"].saw.startswith("16 of 19 promises kept")


def blind(question: Question) -> dict[str, float]:
    return {option: 0.9 / len(question.options) for option in question.options}


def mumbling(question: Question) -> dict[str, float]:
    return {option: 1e-4 * value for option, value in by_brightness(question).items()}


def leaning(question: Question) -> dict[str, float]:
    rest = 0.1 / (len(question.options) - 1)
    return {o: 0.9 if i == 0 else rest for i, o in enumerate(question.options)}


@pytest.mark.parametrize(
    ("script", "can", "test", "verdict", "words"),
    [
        (blind, Capabilities("logits"), "sight", "bad", "chat template"),
        (blind, Capabilities("logits"), "pre-fill", "bad", "continues the last message"),
        (blind, Capabilities("given"), "pre-fill", "unknown", ""),
        (mumbling, Capabilities("logits"), "mass", "bad", "begin the answer"),
        (by_brightness, Capabilities("logits", mass=False), "mass", "unknown", ""),
        (by_brightness, Capabilities("logits", prefill=False), "pre-fill", "mind", "without one"),
        (by_brightness, Capabilities("logits", max_images=1), "two images", "mind", "levels"),
        (leaning, Capabilities("logits"), "two images", "mind", "both orders"),
        (leaning, Capabilities("logits"), "option order", "bad", "maker of the judge"),
        (leaning, Capabilities("given", lists=True), "option order", "mind", "both orders"),
        (by_brightness, Capabilities("text", samples=True), "determinism", "mind", "average"),
    ],
)
def test_doctor_finds_what_is_wrong_and_says_the_fix(
    script: object, can: Capabilities, test: str, verdict: str, words: str
) -> None:
    finding = verdicts(ScriptedJudge(script, "patient", can))[test]  # type: ignore[arg-type]
    assert (finding.verdict, words in finding.fix) == (verdict, True)


def test_doctor_hears_that_answers_change() -> None:
    calls = iter(range(10_000))

    def drifting(question: Question) -> dict[str, float]:
        shift = 1 + 0.0005 * next(calls)
        return {o: p / shift if o in "Ggood" else p for o, p in by_brightness(question).items()}

    finding = verdicts(ScriptedJudge(drifting, "drifting"))["determinism"]
    assert finding.verdict in ("mind", "bad")
    assert "float32" in finding.fix


def test_doctor_reads_the_spelling_of_options() -> None:
    finding = verdicts(Spelling(by_brightness))["options"]
    assert finding.verdict == "bad"
    assert "'A' and 'B' begin with the same token" in finding.saw


def test_doctor_counts_on_the_clock_it_is_given() -> None:
    ticks = iter((0.0, 100.0, 600.0))
    judge = ScriptedJudge(by_brightness)
    [finding] = [f for f in doctor.examine(judge, timer=lambda: next(ticks)) if f.name == "speed"]
    assert finding.saw == (
        "0.05 questions a second about one image; asked together 5.0 times as fast as one by one"
    )
    assert finding.verdict == "mind"


def test_doctor_on_the_command_line() -> None:
    found = run("doctor", "--judge", JUDGE)
    assert found.exit_code == 0, found.output
    assert "good    determinism: probabilities differ by 0.0e+00 when asked again" in found.output
    told = json.loads(run("doctor", "--judge", JUDGE, "--json").output)
    assert told["can"]["readout"] == "given"
    assert {finding["name"] for finding in told["findings"]} >= {"mass", "sight", "speed"}


def test_doctor_exits_with_2_where_nothing_is_answered() -> None:
    found = run("doctor", "--judge", "scripted:judge_scripts:failing")
    assert found.exit_code == 2
    assert "bad     answers: 0 of 6 plain questions answered; the script failed" in found.output


# --- models -----------------------------------------------------------------------------------


def test_models_lists_scorers_kinds_and_models_with_licences() -> None:
    told = json.loads(run("models", "--json").output)
    assert [scorer["name"] for scorer in told["scorers"]] == ["built-in"]
    assert [judge["name"] for judge in told["judges"]] == ["built-in", "built-in-base"]
    kinds = {kind["scheme"]: kind for kind in told["kinds"]}
    assert kinds["scripted"]["needs"] == kinds["onnx"]["needs"] == "nothing else"
    assert kinds["scripted"]["code_license"] == "Apache-2.0"
    assert kinds["hf"]["needs"] == "torch, transformers, accelerate"
    models = {model["name"]: model for model in told["models"]}
    assert len(models) == len(MODELS)
    assert models["Qwen/Qwen2.5-VL-3B-Instruct"]["commercial"] is False
    assert all(model["license"] and model["code_license"] for model in told["models"])
    sizes = [model["billions"] for model in told["models"]]
    assert sizes == sorted(sizes)


def test_models_names_can_be_copied_from_the_terminal() -> None:
    found = run("models")
    assert found.exit_code == 0
    for model in MODELS:
        assert f" {model.name} " in found.output


def test_models_says_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("snellen.judges.catalogue.find_spec", lambda name: None)
    kinds = json.loads(run("models", "--json").output)["kinds"]
    missing = {kind["scheme"]: kind["missing"] for kind in kinds}
    assert (missing["server"], missing["scripted"], missing["onnx"]) == ("openai", None, None)


def test_help_does_not_import_what_is_heavy() -> None:
    code = (
        "import sys; from snellen.cli import app\n"
        "sys.exit(', '.join({'numpy', 'torch', 'scipy', 'sqlite3', 'rich.table'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
