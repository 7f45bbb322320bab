"""The page about clusters says what is so."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from snellen.cli import app
from snellen.cli.engines import Engine, Where, WhereRows
from snellen.errors import InputError, MissingExtra
from snellen.scale.auditing import PART as AUDIT_PART
from snellen.scale.labelling import PART as LABEL_PART
from snellen.scale.scoring import PART

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cluster.md").read_text("utf-8")
OPTIONS = ("--engine", "--address", "--workers", "--cpus", "--gpus", "--shards", "--part")


@pytest.mark.parametrize("verb", ["score", "label", "audit"])
def test_every_option_of_the_cluster_is_there_and_documented(verb: str) -> None:
    there = {option for one in get_command(app).commands[verb].params for option in one.opts}  # type: ignore[attr-defined]
    for option in OPTIONS:
        assert option in there
        assert f"`{option}" in PAGE
    assert "`--no-gather`" in PAGE


def test_the_sizes_of_parts_are_those_of_the_page() -> None:
    assert f"({PART}; {LABEL_PART} of `label` and `audit`)" in PAGE
    assert LABEL_PART == AUDIT_PART


def test_snippets_of_python_are_python() -> None:
    for text in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        ast.parse(text)


@pytest.mark.skipif(sys.platform == "win32", reason="a script of bash")
def test_the_script_of_a_real_cluster_is_whole_and_says_how_it_is_used() -> None:
    script = str(ROOT / "runs" / "cluster.sh")
    subprocess.run(["bash", "-n", script], check=True)
    without = subprocess.run(["bash", script], capture_output=True, text=True)
    assert without.returncode == 1
    assert "usage: runs/cluster.sh head | worker" in without.stderr
    options = set(re.findall(r"--[a-z-]+", Path(script).read_text("utf-8")))
    verb = get_command(app).commands["score"]  # type: ignore[attr-defined]
    known = {option for one in verb.params for option in (*one.opts, *one.secondary_opts)}
    assert options - known <= {"--quiet", "--head", "--port", "--num-cpus", "--address"}


def test_options_of_the_other_engine_are_refused_and_not_ignored() -> None:
    with pytest.raises(InputError, match=r"--gpus has no effect with --engine local.*Add --engine"):
        Where(gpus=1).check()
    with pytest.raises(InputError, match="--no-gather has no effect"):
        WhereRows(gather=False).check()
    with pytest.raises(InputError, match="--jobs has no effect with --engine ray"):
        Where(Engine.ray, gpus=1).check(jobs=2)
    Where().check(jobs=2)
    WhereRows(Engine.ray, "auto", 2, 1, 0.5, "s3://b", 9, False).check(jobs=None)


def test_without_ray_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtra, match=r"ray is needed .* Run: pip install 'snellen\[ray\]'"):
        Where().cluster()
