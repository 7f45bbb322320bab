"""Labels and audits asked for by workers are those of one machine, row by row."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path

import pyarrow.parquet
import pytest
from elsewhere import Elsewhere
from forty import make_textures

from snellen.audit import audit
from snellen.audit.material import from_photos
from snellen.errors import JudgeError, RunError
from snellen.judges import load_judge
from snellen.runs import Request
from snellen.scale.absent import who_is
from snellen.scale.auditing import AuditElsewhere
from snellen.scale.labelling import label_on_ray
from snellen.scoring import make_method
from snellen.students.labelling import Order, label

JUDGE = "scripted:snellen.judges.demo:sharpness"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_textures(tmp_path_factory.mktemp("photos"))


def test_labels_and_pairs(photos: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    paths, cluster = [str(photos), str(tmp_path / "broken.png")], Elsewhere()
    there = label_on_ray(paths, JUDGE, "levels", Order(4), cluster, tmp_path / "there", part=3)  # type: ignore[arg-type]
    here = label(paths, load_judge(JUDGE), make_method("levels"), Order(4), tmp_path / "here")
    for rows in ("rows.jsonl", "pairs/rows.jsonl"):
        text = (tmp_path / "there" / rows).read_text()
        assert text == (tmp_path / "here" / rows).read_text()
    assert (there.pictures, there.missing, there.pairs) == (11, 1, here.pairs)
    assert (there.asked, there.missing_pairs) == (0, 0)
    for what, count in (("pictures", 11), ("pairs", here.pairs)):
        table = pyarrow.parquet.read_table(tmp_path / "there" / "shards" / what)
        assert table.num_rows == count


def test_labels_taken_up_again_ask_only_for_what_is_missing(photos: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    paths, cluster = [str(photos), str(bad)], Elsewhere()
    label_on_ray(paths, JUDGE, "levels", Order(4), cluster, tmp_path / "run", part=3)  # type: ignore[arg-type]
    shards = sorted((tmp_path / "run" / "shards").rglob("*.parquet"))
    cluster.did.clear()
    label_on_ray(paths, JUDGE, "levels", Order(4), cluster, tmp_path / "run", part=3)  # type: ignore[arg-type]
    assert len(cluster.did) == 1
    assert set(shards) <= set((tmp_path / "run" / "shards").rglob("*.parquet"))


def test_an_audit(photos: Path, tmp_path: Path) -> None:
    material = from_photos([str(photos)], types=["gaussian-blur", "jpeg"], side=0, most=4)
    assert pickle.loads(pickle.dumps(material)).items == material.items
    judge, method = load_judge(JUDGE), make_method("levels")
    request = Request("audit", (str(photos),), {"judges": [judge.name]})
    here = audit([judge], material, method, request, directory=tmp_path / "here", thorough=6)
    cluster, known = Elsewhere(), who_is(JUDGE)
    place = tmp_path / "there"
    elsewhere = AuditElsewhere(
        cluster, (JUDGE,), "levels", (known,), material,  # type: ignore[arg-type]
        str(place / "shards"), request.identity, part=5,
    )  # fmt: skip
    there = audit(
        [known], material, method, request, directory=place, thorough=6, elsewhere=elsewhere
    )
    assert (place / "rows.jsonl").read_text() == (tmp_path / "here" / "rows.jsonl").read_text()
    assert there.findings[0].headline == here.findings[0].headline
    assert "not in this process" in there.findings[0].skipped["alignment"]
    cluster.did.clear()
    audit([known], material, method, request, directory=place, thorough=6, elsewhere=elsewhere)
    assert cluster.did == []


def test_a_judge_of_the_workers_is_not_asked_here_and_must_be_the_same() -> None:
    known = Elsewhere().ask(partial(who_is, JUDGE))
    assert known.name == load_judge(JUDGE).name
    with pytest.raises(JudgeError, match="on the workers"):
        known.answer([])
    other = load_judge("scripted:snellen.judges.demo:sharpness")
    other.name = "another"  # type: ignore[misc]
    with pytest.raises(RunError, match="a worker has the judge another"):
        known.check_same(other)
