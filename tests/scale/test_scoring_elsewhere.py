"""What a cluster is told to do, without one: the rows, the shards, and what is done again."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from deadly import Deadly, Named
from elsewhere import Elsewhere
from forty import make_photos, picture

import snellen
from snellen.errors import NothingFound, RunError
from snellen.images import content_hash
from snellen.runs import Progress, is_done
from snellen.scale import score_on_ray
from snellen.scale.scoring import Done


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_photos(tmp_path / "photos")


@pytest.fixture
def cluster() -> Elsewhere:
    return Elsewhere()


def run(paths: Any, place: Path, cluster: Elsewhere, scorer: Any = None, **more: Any) -> Done:
    scorer = scorer or Deadly()
    return score_on_ray(paths, scorer, cluster, run=place, part=4, **more)  # type: ignore[arg-type]


def rows(run: Path) -> list[dict[str, Any]]:
    """Rows as they lie in a run, without where their thumbnails are."""
    lines = (run / "rows.jsonl").read_text().splitlines()
    return [{**json.loads(line), "thumbnail": None} for line in lines]


def shards(run: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (run / "shards").glob("*.parquet")}


def test_rows_thumbnails_and_counts_are_those_of_one_machine(
    photos: Path, tmp_path: Path, cluster: Elsewhere
) -> None:
    told: list[Progress] = []
    done = run(photos, tmp_path / "there", cluster, progress=told.append)
    local = snellen.score(photos, Deadly(), run=tmp_path / "here")
    assert done.table is not None
    assert list(done.table) == list(local)
    assert rows(tmp_path / "there") == rows(tmp_path / "here")
    assert (done.images, done.missing) == (42, 1)
    assert (told[0], told[-1]) == (Progress(42, 0, 0, 0), Progress(42, 42, 0, 1))
    there, here = tmp_path / "there" / "thumbnails.bin", tmp_path / "here" / "thumbnails.bin"
    assert there.read_bytes() == here.read_bytes()
    assert is_done(tmp_path / "there")


def test_a_shard_is_a_table_that_anything_reads(
    photos: Path, tmp_path: Path, cluster: Elsewhere
) -> None:
    done = run(photos, tmp_path / "run", cluster, gather=False)
    assert done.table is None
    table = pyarrow.parquet.read_table(tmp_path / "run" / "shards")
    assert table.num_rows == 42
    assert table.column("score").null_count == 1
    assert table.column("thumbnail")[0].as_py().startswith(b"\xff\xd8")
    assert not (tmp_path / "run" / "rows.jsonl").read_text()


def test_a_run_taken_up_again_does_only_what_is_left(
    photos: Path, tmp_path: Path, cluster: Elsewhere
) -> None:
    place = tmp_path / "run"
    run(photos, place, cluster)
    before = shards(place)
    gone, torn = sorted(name for name in before if name.endswith("-0.parquet"))[:2]
    (place / "shards" / gone).unlink()
    (place / "shards" / torn).write_bytes((place / "shards" / torn).read_bytes()[:-9])
    cluster.did.clear()
    done = run(photos, place, cluster)
    bad = next(name for name in before if name.endswith("-1.parquet"))
    assert sorted(cluster.did) == sorted(name[:20] for name in (gone, torn, bad))
    assert {name for name, time in shards(place).items() if before[name] != time} == {
        gone, torn, bad
    }  # fmt: skip
    assert (done.images, done.missing) == (42, 1)


def test_what_is_missing_is_tried_again_and_the_rest_of_its_part_kept(
    photos: Path, tmp_path: Path, cluster: Elsewhere
) -> None:
    place = tmp_path / "run"
    assert run(photos, place, cluster, Deadly(fails=True)).missing == 42
    told: list[Progress] = []
    done = run(photos, place, cluster, progress=told.append)
    assert (done.missing, told[0].kept) == (1, 0)
    told.clear()
    cluster.did.clear()
    run(photos, place, cluster, progress=told.append)
    assert len(cluster.did) == 1
    assert (told[0].kept, told[-1].done, told[-1].missing) == (41, 42, 1)


def test_files_that_come_change_and_go_between_two_calls(
    photos: Path, tmp_path: Path, cluster: Elsewhere
) -> None:
    place = tmp_path / "run"
    run(photos, place, cluster)
    before = set(shards(place))
    (photos / "03.png").unlink()
    (photos / "05.png").write_bytes(picture(200))
    (photos / "more" / "new.png").write_bytes(picture(201))
    done = run(photos, place, cluster)
    assert done.table is not None
    assert list(done.table) == list(snellen.score(photos, Deadly(), run=tmp_path / "here"))
    assert before & set(shards(place))  # parts that nothing changed in
    found = pyarrow.parquet.read_table(place / "shards").column("image").to_pylist()
    assert sorted(found) == done.table["image"]  # and no shard of before is left


def test_a_damaged_shard_is_said_and_made_anew_by_the_next_call(
    photos: Path, tmp_path: Path, cluster: Elsewhere
) -> None:
    place = tmp_path / "run"
    whole = run(photos, place, cluster)
    assert whole.table is not None
    before = list(whole.table)
    victim = place / "shards" / max(shards(place))
    data = bytearray(victim.read_bytes())
    data[60:200] = bytes(140)  # its footer is as it was
    victim.write_bytes(data)
    with pytest.raises(RunError, match=r"is damaged .* Run the same command again"):
        run(photos, place, cluster)
    done = run(photos, place, cluster)
    assert done.table is not None
    assert list(done.table) == before


def test_pictures_in_tables_and_archives_beside_files(
    photos: Path, tmp_path: Path, cluster: Elsewhere
) -> None:
    table, archive = tmp_path / "t.parquet", tmp_path / "z.zip"
    data = [picture(3), None, picture(4), b"no picture"]
    pyarrow.parquet.write_table(pyarrow.table({"bytes": data}), table)
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("inside/05.png", picture(5))
    done = run([photos, str(table), str(archive)], tmp_path / "run", cluster)
    assert done.table is not None
    names = done.table["image"]
    assert names == sorted(names)
    assert len(names) == 42 + 4 + 1
    by_name = {row["image"]: row for row in done.table}
    inside = [by_name[name] for name in names if "parquet#" in name]
    scores = [by_name[str(photos / f"{number:02d}.png")]["score"] for number in (3, 4, 5)]
    assert [row["score"] for row in inside] == [scores[0], None, scores[1], None]
    assert inside[0]["hash"] == content_hash(picture(3))
    assert "empty" in inside[1]["missing"]
    [packed_row] = [row for name, row in by_name.items() if "z.zip" in name]
    assert packed_row["score"] == scores[2]


def test_a_worker_whose_scorer_is_another_ends_the_run(
    photos: Path, tmp_path: Path, cluster: Elsewhere
) -> None:
    with pytest.raises(RunError, match=r"a worker has the scorer named@.*on every machine"):
        run(photos, tmp_path / "run", cluster, Named())


def test_fresh_forgets_the_shards(photos: Path, tmp_path: Path, cluster: Elsewhere) -> None:
    run(photos, tmp_path / "run", cluster)
    parts = len(cluster.did)
    run(photos, tmp_path / "run", cluster, fresh=True)
    assert len(cluster.did) == 2 * parts


def test_nothing_to_score_is_an_error(tmp_path: Path, cluster: Elsewhere) -> None:
    with pytest.raises(NothingFound):
        run(tmp_path / "nowhere", tmp_path / "run", cluster)
