"""Labels of a teacher: asked once, resumed, sharded, weighed, and refused where they do not fit."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from archive_files import zipped
from student_pictures import SHARPNESS, write_pictures
from typer.testing import CliRunner

from snellen.audit.reliability import OfFamily, Reliability
from snellen.cli import app
from snellen.errors import DataError, InputError, JudgeError, RunError
from snellen.images import read
from snellen.judges import Answer, Capabilities, Question, load_judge
from snellen.judges.scripted import ScriptedJudge
from snellen.scorers.base import FAMILIES
from snellen.scoring import make_method
from snellen.students.labelling import Forecast, Labelled, Order, label
from snellen.students.labels import Labels, read_labels
from snellen.students.reliability import decidedness, five_levels

COUNT = 12
PAIRED = Order(pairs_per_image=4)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    write_pictures(folder, COUNT, side=48)
    return folder


def run(photos: Path, folder: Path, order: Order | None = None, **options: object) -> Labelled:
    judge = options.pop("judge", None) or load_judge(SHARPNESS)
    return label([str(photos)], judge, make_method("levels"), order or PAIRED, folder, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def labels(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Labelled, Labels]:
    folder = tmp_path_factory.mktemp("run") / "labels"
    return run(photos, folder), read_labels([folder])


def test_every_picture_has_levels_and_every_pair_both_orders(
    labels: tuple[Labelled, Labels],
) -> None:
    done, found = labels
    assert (done.missing, done.missing_pairs) == (0, 0)
    assert len(found) == COUNT
    assert found.levels.sum(1) == pytest.approx(np.ones(COUNT))
    assert found.levels @ np.arange(5) * 25 == pytest.approx(found.score, abs=1e-6)
    assert ((found.reliability >= 0) & (found.reliability <= 1)).all()
    assert (found.audit == 1).all()
    assert done.asked == COUNT + 2 * len(found.first)
    # The teacher looks at sharpness: it prefers the sharper of each pair.
    better = found.score[found.first] > found.score[found.second]
    assert ((found.p > 0.5) == better).all()
    assert found.disagreement == pytest.approx(np.zeros(len(found.p)), abs=1e-9)


def test_pictures_in_an_archive_are_labelled_as_files_and_found_again(
    photos: Path, labels: tuple[Labelled, Labels], tmp_path: Path
) -> None:
    files = {path.name: path.read_bytes() for path in photos.iterdir()}
    (tmp_path / "p.zip").write_bytes(zipped(files))
    run(tmp_path / "p.zip", tmp_path / "a")
    found = read_labels([tmp_path / "a"])
    assert found.hashes == labels[1].hashes
    assert found.score == pytest.approx(labels[1].score)
    assert [read(path).hash for path in found.paths] == found.hashes


def test_each_picture_is_in_four_pairs_half_of_them_close(
    labels: tuple[Labelled, Labels],
) -> None:
    found = labels[1]
    seen = np.bincount(np.concatenate([found.first, found.second]), minlength=COUNT)
    assert (seen == 4).all()
    assert len({frozenset(pair) for pair in zip(found.first, found.second, strict=True)}) == 24
    rank = np.argsort(np.argsort(found.score))
    gaps = np.sort(np.abs(rank[found.first] - rank[found.second]))
    assert gaps[:12].max() <= 3


def test_the_same_command_again_asks_nothing_and_changes_nothing(
    photos: Path, tmp_path: Path
) -> None:
    run(photos, tmp_path / "a")
    before = read_labels([tmp_path / "a"]).identity()
    again = run(photos, tmp_path / "a")
    assert again.asked == 0
    assert read_labels([tmp_path / "a"]).identity() == before
    fresh = run(photos, tmp_path / "a", fresh=True)
    assert fresh.asked == 0  # the answers are kept
    assert fresh.remembered > 0


def test_a_stopped_run_goes_on_where_it_was(photos: Path, tmp_path: Path) -> None:
    class Stopping:
        """A judge that is interrupted at the tenth question."""

        def __init__(self) -> None:
            self.inner, self.left = load_judge(SHARPNESS), 10
            self.name, self.can = self.inner.name, self.inner.can

        def answer(self, questions: list[Question]) -> list[Answer]:
            self.left -= len(questions)
            if self.left < 0:
                raise KeyboardInterrupt
            return self.inner.answer(questions)

    with pytest.raises(KeyboardInterrupt):
        run(photos, tmp_path / "a", judge=Stopping())
    with pytest.raises(RunError, match=r"not finished.*--unfinished"):
        read_labels([tmp_path / "a"])
    half = read_labels([tmp_path / "a"], unfinished=True)
    assert 0 < len(half) < COUNT
    assert "Not finished" in half.notes[-1]
    rest = run(photos, tmp_path / "a")
    assert 0 < rest.asked < COUNT + 48
    assert len(read_labels([tmp_path / "a"])) == COUNT


def test_shards_hold_every_picture_once_and_are_read_together(photos: Path, tmp_path: Path) -> None:
    folders = [tmp_path / str(which) for which in (1, 2, 3)]
    for which, folder in enumerate(folders, start=1):
        run(photos, folder, Order(4, (which, 3)), memory=tmp_path / "answers.db")
    found = read_labels(folders)
    assert len(found) == COUNT
    assert sum(len(read_labels([folder])) for folder in folders) == COUNT
    with pytest.raises(InputError, match="no shard 4 of 3"):
        run(photos, tmp_path / "x", Order(shard=(4, 3)))


def test_the_forecast_comes_first_and_can_be_all(photos: Path, tmp_path: Path) -> None:
    told: list[Forecast] = []
    run(photos, tmp_path / "a", only_forecast=True, foretold=told.append)
    [first] = told
    assert (first.pictures, first.pairs) == (COUNT - 2, 24)
    assert first.questions == COUNT - 2 + 48
    assert first.seconds is not None
    assert first.seconds > 0
    assert first.tokens is None  # a script counts none
    done = run(photos, tmp_path / "a", foretold=told.append)
    assert done.missing == 0
    assert told[1].pictures <= COUNT - 4


def test_labels_of_another_judge_do_not_mix(photos: Path, tmp_path: Path) -> None:
    other = ScriptedJudge(lambda question: {o: 1 / len(question.options) for o in question.options})
    run(photos, tmp_path / "a")
    run(photos, tmp_path / "b", judge=other)
    with pytest.raises(DataError, match="different judges do not mix"):
        read_labels([tmp_path / "a", tmp_path / "b"])
    with pytest.raises(RunError, match=r"no run of labels.*snellen label"):
        read_labels([tmp_path])
    undecided = read_labels([tmp_path / "b"])
    assert undecided.reliability == pytest.approx(np.zeros(COUNT), abs=1e-9)
    with pytest.raises(RunError, match="another request"):
        run(photos, tmp_path / "a", judge=other)


def test_a_picture_that_cannot_be_read_is_a_row_with_its_reason(tmp_path: Path) -> None:
    write_pictures(tmp_path / "photos", 4, side=48)
    (tmp_path / "photos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    done = run(tmp_path / "photos", tmp_path / "a")
    assert done.missing == 1
    found = read_labels([tmp_path / "a"])
    assert len(found) == 4
    assert "1 picture without a label" in found.notes[0]


def test_copies_are_labelled_once(tmp_path: Path) -> None:
    [path, *_] = write_pictures(tmp_path / "photos", 3, side=48)
    (tmp_path / "photos" / "copy.png").write_bytes(path.read_bytes())
    done = run(tmp_path / "photos", tmp_path / "a")
    assert done.pictures == 3
    assert "1 copies of other pictures" in done.notes[0]


def test_a_judge_that_sees_one_image_labels_points_alone(photos: Path, tmp_path: Path) -> None:
    inner = load_judge(SHARPNESS)
    judge = ScriptedJudge(inner._script, "one", Capabilities("given", max_images=1))  # type: ignore[attr-defined]
    with pytest.raises(JudgeError, match="Leave out --pairs-per-image"):
        run(photos, tmp_path / "a", judge=judge)
    done = run(photos, tmp_path / "a", Order(), judge=judge)
    assert (done.missing, done.pairs) == (0, 0)


def test_no_pair_is_asked_about_unless_told_to(photos: Path, tmp_path: Path) -> None:
    told: list[Forecast] = []
    done = run(photos, tmp_path / "a", Order(), foretold=told.append)
    assert (done.pictures, done.pairs, done.asked) == (COUNT, 0, COUNT)
    assert (told[0].pairs, told[0].questions) == (0, COUNT - 2)
    found = read_labels([tmp_path / "a"])
    assert (len(found), len(found.first)) == (COUNT, 0)
    said = CliRunner().invoke(
        app, ["label", str(photos), "--judge", SHARPNESS, "--run", str(tmp_path / "b")]
    )
    assert f"{COUNT} of {COUNT} pictures labelled" in said.output
    assert not re.search(r"\d pairs?\b", said.output)


def audited(judge: str, seen: dict[str, float]) -> Reliability:
    families = {name: OfFamily(value, 0.0, 1.0, 9, {}) for name, value in seen.items()}
    return Reliability(judge, "levels", 0.5, families)


def test_an_audit_weighs_labels_by_what_the_judge_is_blind_to(photos: Path, tmp_path: Path) -> None:
    seen = {name: 0.2 if name == "blur" else 0.9 for name in FAMILIES}
    audit = audited(load_judge(SHARPNESS).name, seen)
    run(photos, tmp_path / "a", Order(audit=audit))
    found = read_labels([tmp_path / "a"])
    assert ((found.audit >= 0.2) & (found.audit <= 0.9)).all()
    names = [path.name for path in found.paths]
    assert found.audit[names.index("011.png")] < found.audit[names.index("000.png")]  # blurred most


def test_an_audit_of_another_judge_is_refused(photos: Path, tmp_path: Path) -> None:
    other = audited("somebody", dict.fromkeys(FAMILIES, 0.5))
    with pytest.raises(InputError, match="the audit is of somebody"):
        run(photos, tmp_path / "a", Order(audit=other))


def test_decidedness_and_levels_of_a_plain_score() -> None:
    assert decidedness([0.2] * 5) == pytest.approx(0)
    assert decidedness([1, 0, 0]) == 1
    assert 0 < decidedness([0.7, 0.3]) < 1
    levels = five_levels(62.5, None)
    assert sum(levels) == pytest.approx(1)
    assert np.dot(levels, [0, 25, 50, 75, 100]) == pytest.approx(62.5)


def test_another_kind_of_run_is_refused(tmp_path: Path, photos: Path) -> None:
    from snellen.engine import score

    score(str(photos / "000.png"), run=tmp_path / "scores")
    with pytest.raises(RunError, match="not of labels"):
        read_labels([tmp_path / "scores"])
