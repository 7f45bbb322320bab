"""`snellen compare` as a user meets it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from snellen import stats
from snellen.cli import app
from snellen.errors import InputError, SnellenError

N = 80


def snellen(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def compared(*words: object, exit_code: int = 0) -> dict[str, Any]:
    result = snellen("compare", *words, "--json", "--resamples", 200)
    assert result.exit_code == exit_code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def refused(*words: object) -> str:
    result = snellen("compare", *words)
    assert isinstance(result.exception, SnellenError), result.output
    return str(result.exception)


def table(path: Path, **columns: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
    return path


@pytest.fixture
def world(tmp_path: Path) -> dict[str, Any]:
    """Three scorers with little, more and much noise; ratings with distortions."""
    random = np.random.default_rng(3)
    names = [f"img{place:02}.png" for place in range(N)]
    mos = random.uniform(1, 5, N)
    scores = {
        name: mos + random.normal(0, noise, N)
        for name, noise in (("sharp", 0.3), ("fair", 0.9), ("dull", 3.0))
    }
    kind = [("blur", "noise")[place % 2] for place in range(N)]
    return {
        "names": names, "mos": mos, "scores": scores,
        "files": [
            table(tmp_path / f"{name}.csv", image=names, score=values)
            for name, values in scores.items()
        ],
        "rated": table(tmp_path / "mos.csv", image=names, mos=mos, distortion=kind),
    }  # fmt: skip


def test_ranks_and_tests_on_the_same_images(world: dict[str, Any]) -> None:
    found = compared(*world["files"], "--against", world["rated"])
    assert found["ranking"] == ["sharp", "fair", "dull"]
    assert found["best"] == ["sharp"]
    assert found["n"] == N
    direct = stats.compare(
        list(world["scores"].values()), world["mos"], names=list(world["scores"]), resamples=200
    )
    assert np.allclose(found["srcc"]["p_holm"], direct.p_holm)
    assert np.allclose(found["srcc"]["p_williams"], direct.p_williams)
    assert found["srcc"]["better"] == direct.better.tolist()
    assert np.allclose(found["srcc"]["difference"], -np.array(found["srcc"]["difference"]).T)


def test_says_how_many_images_would_tell_two_apart(world: dict[str, Any]) -> None:
    needed = compared(*world["files"], "--against", world["rated"])["images_needed"]["table"]
    assert needed[0][0] is None
    assert needed[0][1] == needed[1][0]
    assert needed[0][2] < needed[0][1]
    more = compared(*world["files"], "--against", world["rated"], "--power", 0.95)
    assert more["images_needed"]["table"][0][1] > needed[0][1]


def test_scorers_that_are_the_same_are_not_told_apart(
    tmp_path: Path, world: dict[str, Any]
) -> None:
    copy = table(tmp_path / "copy.csv", image=world["names"], score=world["scores"]["fair"])
    found = compared(world["files"][1], copy, "--against", world["rated"])
    assert found["srcc"]["p_holm"][0][1] == 1
    assert found["images_needed"]["table"][0][1] is None
    assert sorted(found["best"]) == ["copy", "fair"]


def test_only_images_that_all_scored_count(tmp_path: Path, world: dict[str, Any]) -> None:
    names, scores = world["names"], world["scores"]["fair"]
    few = table(tmp_path / "few.csv", image=names[10:], score=scores[10:])
    found = compared(world["files"][0], few, "--against", world["rated"], exit_code=2)
    assert (found["n"], found["left_out"]) == (N - 10, 10)
    assert {one["n"] for one in found["evaluations"]} == {N - 10}
    assert (
        sum("10 of 80 rated images are not in few.csv" in said for said in found["warnings"]) == 1
    )
    compared(world["files"][0], few, "--against", world["rated"], "--allow-missing")


def test_files_of_one_name_are_told_apart_by_their_directories(
    tmp_path: Path, world: dict[str, Any]
) -> None:
    files = [
        table(tmp_path / name / "v1" / "scores.csv", image=world["names"], score=values)
        for name, values in world["scores"].items()
    ]
    found = compared(*files, "--against", world["rated"])
    assert found["ranking"] == [f"{name}/v1/scores" for name in ("sharp", "fair", "dull")]


def test_one_file_given_twice_is_refused_by_its_own_name(world: dict[str, Any]) -> None:
    file = world["files"][0]
    said = refused(file, file, "--against", world["rated"])
    assert said.startswith("two scorers are both called 'sharp'")


def test_several_columns_of_one_file(tmp_path: Path, world: dict[str, Any]) -> None:
    wide = table(tmp_path / "wide.csv", image=world["names"], **world["scores"])
    found = compared(wide, "-c", "dull", "-c", "sharp", "--against", world["rated"])
    assert found["ranking"] == ["sharp", "dull"]
    assert "several columns of one file" in refused(
        wide, world["files"][0], "-c", "a", "-c", "b", "--against", world["rated"]
    )


def test_within_each_distortion(world: dict[str, Any]) -> None:
    found = compared(*world["files"], "--against", world["rated"])
    assert [part["name"] for part in found["parts"]] == ["blur", "noise"]
    odd = slice(0, N, 2)
    expected = stats.srcc(world["scores"]["fair"][odd], world["mos"][odd]).value
    assert found["parts"][0]["srcc"]["value"][1] == pytest.approx(expected)


def test_references_are_respected(tmp_path: Path, world: dict[str, Any]) -> None:
    reference = [f"ref{place // 8}" for place in range(N)]
    rated = table(tmp_path / "r.csv", image=world["names"], mos=world["mos"], reference=reference)
    found = compared(*world["files"], "--against", rated)
    assert found["srcc"]["p_williams"][0][1] is None
    assert found["srcc"]["p_holm"][0][2] < 0.05


def test_votes_bring_the_analysis_of_pairs(tmp_path: Path, world: dict[str, Any]) -> None:
    rated = table(
        tmp_path / "v.csv", image=world["names"], mos=world["mos"], std=np.full(N, 0.7),
        votes=np.full(N, 20),
    )  # fmt: skip
    found = compared(*world["files"], "--against", rated)
    right = dict(zip(found["scorers"], found["krasula"]["correct"], strict=True))
    assert right["sharp"] > right["fair"] > right["dull"]


def test_what_cannot_be_compared(world: dict[str, Any], tmp_path: Path) -> None:
    assert "--against" in refused(*world["files"])
    assert "1 scorer" in refused(world["files"][0], "--against", world["rated"])
    assert "both called" in refused(
        world["files"][0], world["files"][0], "--against", world["rated"]
    )
    result = snellen("compare", *world["files"], "--against", world["rated"], "-o", "x.txt")
    assert isinstance(result.exception, InputError)


def test_the_terminal_and_the_files(world: dict[str, Any], tmp_path: Path) -> None:
    outputs = [tmp_path / f"out.{kind}" for kind in ("html", "json", "csv")]
    options = [word for path in outputs for word in ("-o", path)]
    result = snellen(
        "compare", *world["files"], "--against", world["rated"], "--resamples", 200, *options
    )
    assert "sharp agrees best with people." in result.stdout
    assert "sharp − dull" in result.stdout
    everything = json.loads(outputs[1].read_text())
    assert everything == compared(*world["files"], "--against", world["rated"])
    with outputs[2].open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["image", "mos", "sharp", "fair", "dull"]
    assert len(rows) == N
