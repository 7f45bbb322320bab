"""The verbs `rate` and `ratings` as they are typed, and what their page says of them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from study_maker import make_study, rate_all
from typer.main import get_command
from typer.testing import CliRunner

from snellen.cli import app
from snellen.errors import DataError, InputError, UnknownName

DOCS = (Path(__file__).parents[2] / "docs" / "rate.md").read_text(encoding="utf-8")


def run(*words: str) -> str:
    """What a verb prints; its errors are raised."""
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.fixture
def rated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a study that three people have finished."""
    monkeypatch.chdir(tmp_path)
    with make_study(tmp_path, n=20) as study:
        for name in ("anna", "ben", "cleo"):
            rate_all(study, study.join(name), noise=20)
    return tmp_path


def test_every_option_of_the_page_exists() -> None:
    verbs = get_command(app).commands  # type: ignore[attr-defined]
    known = {word for verb in ("rate", "ratings") for p in verbs[verb].params for word in p.opts}
    ours = re.sub(r"`python -m [^`]*`", "", DOCS)
    named = set(re.findall(r"(?<!\w)(--?[a-z][a-z-]*)", ours))
    assert named <= known


def test_the_commands_of_the_page_about_ratings_run(rated: Path) -> None:
    (rated / "elsewhere.csv").write_text("rater,image,score\nzoe,p03.png,4\n")
    commands = [
        line for line in re.findall(r"^snellen .+$", DOCS, re.M) if "rate photos" not in line
    ]
    assert len(commands) == 4
    for command in commands:
        output = run(*re.sub(r"\s+#.*", "", command).split()[1:])
        assert output.strip()
    assert (rated / "votes.csv").exists()
    assert json.loads((rated / "studio.json").read_text())


def test_what_people_said_in_the_terminal_and_as_json(rated: Path) -> None:
    output = run("ratings")
    assert "anna" in output
    assert "20 pictures rated" in output
    told = json.loads(run("ratings", "--json"))
    assert [rater["name"] for rater in told["raters"]] == ["anna", "ben", "cleo"]
    assert told["raters"][0]["ratings"] == 20


def test_plain_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"no study at ratings.db.*snellen rate"):
        run("ratings")
    with pytest.raises(UnknownName, match="unknown task 'stars'"):
        run("rate", str(tmp_path), "--task", "stars")
    make_study(tmp_path).close()
    with pytest.raises(InputError, match="nobody has rated"):
        run("ratings", "-o", "votes.csv")
    with pytest.raises(InputError, match="unknown form 'excel'"):
        run("ratings", "-o", "votes.csv", "--as", "excel")
    with pytest.raises((DataError, InputError), match=r"no table|no such"):
        run("ratings", "--import", "nowhere.csv")


def test_other_machines_are_let_in_only_under_a_name() -> None:
    from snellen.rating.serving import listen, serve

    with pytest.raises(InputError, match=r"lets other machines in.*--name"):
        serve(None, "0.0.0.0", 0, [], print)  # type: ignore[arg-type]
    taken = listen("127.0.0.1", 0)
    with pytest.raises(InputError, match=r"cannot listen.*another --port"):
        listen("127.0.0.1", taken.getsockname()[1])
    taken.close()


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="there is no Ctrl-C to send")
def test_the_verb_from_start_to_ctrl_c_and_again(tmp_path: Path) -> None:
    make_study(tmp_path / "made" if (tmp_path / "made").mkdir() is None else tmp_path).close()
    photos = tmp_path / "made" / "photos"
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    links = []
    for _ in range(2):
        words = [sys.executable, "-m", "snellen", "rate", str(photos), "--port", "0", "-n", "5"]
        process = subprocess.Popen(
            [*words, "--raters", "anna"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = []
        for line in process.stdout:
            told.append(line)
            if "Ctrl-C" in line:
                break
        text = "".join(told)
        assert "5 pictures of 30 pictures, kept in ratings.db" in text
        assert "left out, cannot be read: 1 picture" in text
        link = re.search(r"anna\s+(\S+)", text)
        assert link is not None
        links.append(link[1].rsplit("/", 1)[1])
        with urllib.request.urlopen(link[1], timeout=30) as page:
            assert b"Rating pictures" in page.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) in (0, 130)
        process.stdout.close()
    assert links[0] == links[1]
