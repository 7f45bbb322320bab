"""Scoring on a cluster of two machines, in the middle of which workers and machines die."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from forty import make_photos, picture

pytest.importorskip("ray")

import pyarrow
import pyarrow.parquet
from deadly import Deadly, Named
from typer.testing import CliRunner

import snellen
from snellen.cli import app
from snellen.errors import InputError, RunError
from snellen.images import content_hash
from snellen.runs import Progress
from snellen.scale import Cluster, score_on_ray

pytestmark = [
    pytest.mark.ray,
    pytest.mark.filterwarnings("default"),  # Ray's own
]


@pytest.fixture
def cluster(machines: Any) -> Iterator[Cluster]:
    with Cluster() as cluster:
        assert cluster.workers == len(machines.list_all_nodes())
        yield cluster


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_photos(tmp_path / "photos")


def rows(run: Path) -> list[dict[str, Any]]:
    """Rows as they lie in a run, without where their thumbnails are."""
    lines = (run / "rows.jsonl").read_text().splitlines()
    return [{**json.loads(line), "thumbnail": None} for line in lines]


def shard_times(run: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (run / "shards").glob("*.parquet")}


def test_a_worker_killed_in_the_middle_costs_only_what_it_was_at(
    photos: Path, tmp_path: Path, cluster: Cluster
) -> None:
    flag = tmp_path / "died"
    scorer = Deadly(kills=content_hash(picture(21)), flag=str(flag))
    told: list[Progress] = []
    done = score_on_ray(photos, scorer, cluster, run=tmp_path / "ray", part=4, progress=told.append)
    assert flag.exists()
    local = snellen.score(photos, Deadly(), run=tmp_path / "local")
    assert done.table is not None
    assert list(done.table) == list(local)
    assert rows(tmp_path / "ray") == rows(tmp_path / "local")
    assert (done.images, done.missing) == (42, 1)
    assert told[0] == Progress(42, 0, 0, 0)
    assert told[-1] == Progress(42, 42, 0, 1)
    thumbnails = (tmp_path / "ray" / "thumbnails.bin").read_bytes()
    assert thumbnails == (tmp_path / "local" / "thumbnails.bin").read_bytes()


def test_a_run_taken_up_again_does_only_what_is_left(
    photos: Path, tmp_path: Path, cluster: Cluster
) -> None:
    run = tmp_path / "run"
    score_on_ray(photos, Deadly(), cluster, run=run, part=4)
    before = shard_times(run)
    whole = rows(run)
    gone, torn = sorted(name for name in before if name.endswith("-0.parquet"))[:2]
    (run / "shards" / gone).unlink()
    (run / "shards" / torn).write_bytes((run / "shards" / torn).read_bytes()[:-9])
    (photos / "text.jpg").write_bytes(picture(77))  # what is missing is tried again
    told: list[Progress] = []
    done = score_on_ray(photos, Deadly(), cluster, run=run, part=4, progress=told.append)
    after = shard_times(run)
    assert (done.images, done.missing) == (42, 0)
    assert told[0].kept >= 30
    assert sum(before[name] == after.get(name) for name in before) == len(before) - 3
    assert [row for row in rows(run) if "text" not in row["image"]] == [
        row for row in whole if "text" not in row["image"]
    ]
    again = shard_times(run)
    score_on_ray(photos, Deadly(), cluster, run=run, part=4)
    assert shard_times(run) == again


def test_files_that_come_change_and_go_between_two_calls(
    photos: Path, tmp_path: Path, cluster: Cluster
) -> None:
    run = tmp_path / "run"
    score_on_ray(photos, Deadly(), cluster, run=run, part=4)
    (photos / "03.png").unlink()
    (photos / "05.png").write_bytes(picture(200))
    (photos / "more" / "new.png").write_bytes(picture(201))
    done = score_on_ray(photos, Deadly(), cluster, run=run, part=4)
    assert done.table is not None
    assert list(done.table) == list(snellen.score(photos, Deadly(), run=tmp_path / "local"))


def test_pictures_in_a_table_beside_files(photos: Path, tmp_path: Path, cluster: Cluster) -> None:
    table = tmp_path / "t.parquet"
    data = [picture(3), None, picture(4), b"no picture"]
    pyarrow.parquet.write_table(pyarrow.table({"bytes": data}), table)
    done = score_on_ray([photos, str(table)], Deadly(), cluster, run=tmp_path / "run", part=4)
    assert done.table is not None
    assert done.table["image"] == sorted(done.table["image"])
    inside = [row for row in done.table if "parquet#" in row["image"]]
    files = {row["image"]: row for row in done.table}
    assert [row["score"] for row in inside] == [
        files[str(photos / "03.png")]["score"], None, files[str(photos / "04.png")]["score"], None
    ]  # fmt: skip
    assert inside[0]["hash"] == content_hash(picture(3))
    assert "empty" in inside[1]["missing"]


def test_a_picture_that_kills_every_worker_is_named_and_the_rest_is_kept(
    photos: Path, tmp_path: Path, cluster: Cluster
) -> None:
    scorer = Deadly(kills=content_hash(picture(21)))
    # A part that waits behind the deadly one in the same worker may die with it each time.
    with pytest.raises(RunError, match=r"[12] parts are left.*begins with .*\.png.*is kept"):
        score_on_ray(photos, scorer, cluster, run=tmp_path / "run", part=4)
    done = score_on_ray(photos, Deadly(), cluster, run=tmp_path / "run", part=4)
    assert done.missing == 1


def test_a_worker_whose_scorer_is_another_ends_the_run(
    photos: Path, tmp_path: Path, cluster: Cluster
) -> None:
    with pytest.raises(RunError, match=r"a worker has the scorer named@.*on every machine"):
        score_on_ray(photos, Named(), cluster, run=tmp_path / "run")


def test_the_command_on_a_cluster(photos: Path, tmp_path: Path, machines: Any) -> None:
    words = ["score", str(photos), "--engine", "ray", "--run", str(tmp_path / "run"), "--part", "9"]
    result = CliRunner().invoke(app, [*words, "--crops", "1", "-o", str(tmp_path / "t.csv")])
    assert result.exit_code == 2, result.output
    assert "41 of 42 scored, 1 missing (NotAnImage 1)" in result.output
    assert (tmp_path / "run" / "report.html").exists()
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 43
    left = [*words, "--crops", "1", "--no-gather", "--json", "--shards", str(tmp_path / "apart")]
    result = CliRunner().invoke(app, left)
    assert result.exit_code == 2, result.output
    told = json.loads(result.output)
    assert (told["images"], told["missing"]) == (42, 1)
    files = list((tmp_path / "apart").glob("*.parquet"))
    assert pyarrow.parquet.read_table(files).num_rows == 42


def test_no_room_for_a_worker_is_one_line(machines: Any) -> None:
    with pytest.raises(InputError, match="2 CPUs and 0 GPUs, and each worker takes 1 and 1"):
        Cluster(gpus=1)


def test_a_machine_lost_in_the_middle_costs_only_what_it_was_at(
    photos: Path, tmp_path: Path, machines: Any
) -> None:
    """The last test: one machine is left behind it."""
    [lost] = list(machines.worker_nodes)

    def lose(progress: Progress) -> None:
        if progress.done >= 8 and machines.worker_nodes:
            machines.remove_node(lost, allow_graceful=False)

    with Cluster() as cluster:
        done = score_on_ray(photos, Deadly(), cluster, run=tmp_path / "run", part=2, progress=lose)
    assert not machines.worker_nodes
    assert done.table is not None
    assert list(done.table) == list(snellen.score(photos, Deadly(), run=tmp_path / "local"))
