"""`snellen score` as it is typed: what it prints, writes and returns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import standin
from standin import StandIn, make_folder
from typer.main import get_command
from typer.testing import CliRunner, Result

import snellen.scorers
from snellen.cli import app
from snellen.cli.score import NOTHING_DONE, SOME_MISSING, STOPPED
from snellen.engine import Progress
from snellen.errors import InputError
from snellen.table import COLUMNS, Table


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory, and a scorer without a network under the name built-in."""
    monkeypatch.chdir(tmp_path)

    def load(name: str, crops: int | None = None) -> StandIn:
        return StandIn(f"{name}@1?crops={crops}")

    monkeypatch.setattr(snellen.scorers, "load_scorer", load)
    make_folder(tmp_path / "photos", 6)
    return tmp_path


def call(*words: str) -> Result:
    result = CliRunner().invoke(app, ["score", *words])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def real(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """The command in a process of its own, with the real `built-in`."""
    command = [sys.executable, "-m", "snellen", "score", *words]
    return subprocess.run(command, capture_output=True, input=stdin, check=False)


def test_all_scored_is_0_and_says_where_everything_lies(home: Path) -> None:
    result = call("photos", "-o", "scores.csv", "-o", "scores.jsonl")
    assert result.exit_code == 0
    for text in ("6 of 6 scored", "scores.csv", "scores.jsonl", "snellen-runs", "report.html"):
        assert text in result.output
    (run,) = (home / "snellen-runs").iterdir()
    assert (run / "report.html").stat().st_size > 1000
    assert len((home / "scores.csv").read_text().splitlines()) == 7
    assert len((home / "scores.jsonl").read_text().splitlines()) == 6


def test_some_missing_is_2_and_says_why(home: Path) -> None:
    (home / "photos" / "list.jpg").write_text("milk, bread and butter, and what else is needed\n")
    (home / "photos" / "none.jpg").write_bytes(b"")
    result = call("photos")
    assert result.exit_code == 2
    assert "6 of 8 scored, 2 missing (NotAnImage 2)" in result.output
    assert "list.jpg: it is text, not an image" in result.output


def test_none_scored_is_1(home: Path) -> None:
    (home / "none.jpg").write_bytes(b"")
    result = call("none.jpg")
    assert result.exit_code == 1
    assert "0 of 1 scored, 1 missing" in result.output


def test_the_worst_are_listed_worst_first(home: Path) -> None:
    result = call("photos", "--worst", "2", "--run", "run")
    names = [os.path.basename(name) for name in Table.open(home / "run").worst(3)["image"]]
    shown = [line for line in result.output.splitlines() if ".jpg" in line]
    assert [name in line for name, line in zip(names, shown, strict=False)] == [True, True]
    assert len(shown) == 2
    assert "noise" in shown[0]
    assert "strong" in shown[0]  # severity 2.6


def test_below_must_be_a_number(home: Path) -> None:
    with pytest.raises(InputError, match="--below must be a number"):
        call("photos", "--below", "nan")
    assert not (home / "snellen-runs").exists()


def test_below_lists_all_under_a_score_and_keeps_the_exit_status(home: Path) -> None:
    scores = sorted(snellen.score("photos", StandIn(), run="other")["score"])
    result = call("photos", "--below", str(scores[4]))
    assert result.exit_code == 0
    assert sum(".jpg" in line for line in result.output.splitlines()) == 4


def test_json_is_one_object_for_programs(home: Path) -> None:
    (home / "photos" / "none.jpg").write_bytes(b"")
    result = call("photos", "--json", "--worst", "1", "--no-page")
    summary = json.loads(result.stdout)
    assert (summary["images"], summary["scored"], summary["missing"]) == (7, 6, 1)
    assert summary["reasons"] == {"NotAnImage": 1}
    assert summary["report"] is None
    assert len(summary["worst"]) == 1


def test_quiet_prints_nothing(home: Path) -> None:
    assert call("photos", "--quiet").output == ""


def test_names_are_never_read_as_markup(home: Path) -> None:
    odd = home / "photos" / "a :cat:"
    odd.mkdir()
    (odd / "[red]x[bold].jpg").write_bytes(standin.jpeg(9))
    said = call("photos", "--run", "my :dog:").output
    for name in ("[red]x[bold].jpg", "a :cat:", "my :dog:"):
        assert name in said


def test_the_same_command_goes_on_and_fresh_begins_again(home: Path) -> None:
    call("photos")
    (run,) = (home / "snellen-runs").iterdir()
    first = (run / "rows.jsonl").stat().st_mtime_ns
    call("photos")
    assert (run / "rows.jsonl").stat().st_mtime_ns == first
    call("photos", "--fresh")
    assert (run / "rows.jsonl").stat().st_mtime_ns > first
    assert len(list((home / "snellen-runs").iterdir())) == 1


def test_the_dials_reach_the_scorer_and_the_record(home: Path) -> None:
    call("photos", "--crops", "12", "--jpeg-scale", "2", "--max-megapixels", "50", "--run", "run")
    facts = json.loads((home / "run" / "run.json").read_text())
    assert facts["scorer"] == "built-in@1?crops=12"
    options = {"scorer": "built-in", "crops": 12, "jpeg_scale": 2, "max_megapixels": 50.0}
    assert facts["options"] == options
    row = Table.open(home / "run")[0]
    assert json.loads(row["view"])["scale"] == 2
    assert (row["width"], row["height"]) == (36, 24)  # of the original


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nowhere"], "nowhere does not exist"),
        (["photos", "-o", "scores.xls"], "'.xls' names no table"),
        (["photos", "-o", "no/scores.csv"], "there is no folder no"),
        (["photos", "--with", "bilt-in"], "Did you mean 'built-in'?"),
        (["photos", "--jpeg-scale", "3"], "must be 1, 2, 4 or 8"),
        (["photos", "--run", "photos"], "no run directory"),
    ],
)
def test_a_senseless_request_is_one_line_and_1(words: list[str], message: str) -> None:
    result = real(*words)
    assert result.returncode == 1
    assert result.stdout == b""
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith("snellen: ")
    assert message in line


def test_a_list_on_standard_input(home: Path) -> None:
    listed = b"photos/p00001.jpg\nphotos/p00002.jpg\nphotos/gone.jpg\n"
    result = real("-", "--no-page", stdin=listed)
    assert result.returncode == 2
    assert b"2 of 3 scored, 1 missing (UnreadableImage 1)" in result.stdout
    assert result.stderr == b""  # no bar where there is no terminal


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal to a terminal program")
def test_ctrl_c_saves_says_how_to_go_on_and_is_130(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import sys, snellen.scorers\n"
        "from standin import StandIn\n"
        "snellen.scorers.load_scorer = lambda *a, **k: StandIn(seconds=0.05)\n"
        "sys.argv = ['snellen', 'score', 'photos', '--run', 'run', '--jobs', '1']\n"
        "from snellen.cli import run\n"
        "run()\n"
    )
    make_folder(home / "photos", 200)
    import pty

    master, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.DEVNULL,
        stderr=terminal,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(standin.__file__).parent),
            "TERM": "xterm",
            "COLUMNS": "100",
        },
    )
    os.close(terminal)
    rows = home / "run" / "rows.jsonl"
    while not (rows.exists() and rows.stat().st_size) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    shown = b""
    while True:
        try:
            part = os.read(master, 4096)
        except OSError:  # Linux's way to say that the terminal has no writer any more
            break
        if not part:
            break
        shown += part
    os.close(master)
    assert process.wait() == 130
    assert b"the same command again goes on" in shown
    assert b"scoring" in shown  # the bar
    kept = len(Table.open(home / "run"))
    assert 0 < kept < 200
    monkeypatch.setattr(snellen.scorers, "load_scorer", lambda *a, **k: StandIn())
    told: list[Progress] = []
    snellen.score("photos", "built-in", run="run", progress=told.append)
    assert told[0].kept == kept


def test_every_option_column_and_exit_status_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "score.md").read_text(encoding="utf-8")
    verb = get_command(app).commands["score"]  # type: ignore[attr-defined]
    for option in verb.params:
        words = [word for word in (*option.opts, *option.secondary_opts) if word[0] == "-"]
        assert not words or any(f"`{word}" in text for word in words), words
    for name in COLUMNS:
        assert f"`{name}`" in text, name
    for status in (0, SOME_MISSING, NOTHING_DONE, STOPPED):
        assert f"| {status} |" in text
