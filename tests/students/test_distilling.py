"""Distilling: losses are what they say, a student ranks as its teacher, kills cost little."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import norm, spearmanr
from student_pictures import SHARPNESS, write_pictures

torch = pytest.importorskip("torch", reason="needs torch: make test-torch")

from snellen.errors import ConstantValues, InputError, ScorerError, TooFewRatings  # noqa: E402
from snellen.judges import load_judge  # noqa: E402
from snellen.scoring import make_method  # noqa: E402
from snellen.students.distilling import CHECKPOINT, Lesson, Recipe, distil  # noqa: E402
from snellen.students.features import look_at  # noqa: E402
from snellen.students.labelling import Order, label  # noqa: E402
from snellen.students.labels import Labels, read_labels  # noqa: E402
from snellen.students.losses import levels_of, pairs_loss, points_loss  # noqa: E402
from snellen.students.model import StudentModel, new_student, open_student  # noqa: E402

pytestmark = pytest.mark.torch


def test_levels_are_the_mass_of_a_normal_about_each_grade() -> None:
    score, log_variance = torch.tensor([3.2, 1.0]), torch.tensor([0.0, math.log(0.25)])
    found = levels_of(score, log_variance)
    for row, (mean, std) in zip(found, ((3.2, 1.0), (1.0, 0.5)), strict=True):
        edges = norm.cdf([-np.inf, 1.5, 2.5, 3.5, 4.5, np.inf], mean, std)
        assert row.tolist() == pytest.approx(np.diff(edges), abs=1e-5)


def test_points_cost_nothing_where_student_and_teacher_agree_and_are_weighted() -> None:
    score, log_variance = torch.tensor([3.2, 2.0]), torch.tensor([0.1, -0.4])
    own = levels_of(score, log_variance)
    weight = torch.ones(2)
    assert float(points_loss(score, log_variance, own, weight)) == pytest.approx(0, abs=1e-5)
    other = own.flip(0)
    both = float(points_loss(score, log_variance, other, weight))
    assert both > 0.1
    first = float(points_loss(score, log_variance, other, torch.tensor([1.0, 0.0])))
    second = float(points_loss(score, log_variance, other, torch.tensor([0.0, 1.0])))
    assert both == pytest.approx((first + second) / 2, rel=1e-5)


def test_pairs_follow_thurstone() -> None:
    one = torch.tensor([3.0]), torch.tensor([0.0])
    other = torch.tensor([2.0]), torch.tensor([0.0])
    p = torch.tensor([float(norm.cdf(1 / math.sqrt(2)))])
    weight = torch.ones(1)
    assert float(pairs_loss(one, other, p, weight)) == pytest.approx(0, abs=1e-5)
    wrong = float(pairs_loss(one, other, 1 - p, weight))
    expected = 1 - 2 * math.sqrt(float(p) * (1 - float(p)))
    assert wrong == pytest.approx(expected, abs=1e-4)


@pytest.fixture(scope="module")
def start() -> StudentModel:
    return new_student()


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Labels:
    folder = tmp_path_factory.mktemp("teacher")
    write_pictures(folder / "photos", 40)
    judge, method = load_judge(SHARPNESS), make_method("levels")
    label([str(folder / "photos")], judge, method, Order(4), folder / "labels")
    return read_labels([folder / "labels"])


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


def copy_of(student: StudentModel) -> StudentModel:
    import copy

    return StudentModel(copy.deepcopy(student.network), student.policy, dict(student.card))


def test_a_student_comes_to_rank_as_its_teacher(
    start: StudentModel, labels: Labels, cache: Path, tmp_path: Path
) -> None:
    before = look_at(start, labels.paths, cache=cache)
    looks: list[tuple[int, float]] = []
    student = distil(
        copy_of(start), labels, Recipe(epochs=200), tmp_path / "s", cache=cache,
        told=lambda epoch, of, loss: looks.append((epoch, loss)),
    )  # fmt: skip
    after = look_at(student, labels.paths, cache=cache)
    held = Lesson.of(labels, Recipe()).held.numpy()
    gap_before = np.abs(before.scores - labels.score)[held].mean()
    gap_after = np.abs(after.scores - labels.score)[held].mean()
    assert gap_after < 0.7 * gap_before
    assert spearmanr(after.scores, labels.score)[0] > 0.9
    card = student.card["distilled"]
    assert card["held_out"] == pytest.approx(min(loss for _, loss in looks), abs=1e-4)
    assert card["held_out"] < card["held_out_before"]
    assert (card["pictures"], card["pairs"]) == (40, len(labels.first))
    assert not (tmp_path / "s" / CHECKPOINT).exists()
    back = open_student(tmp_path / "s")
    assert back.card["teacher"]["judge"] == labels.teacher
    assert np.array_equal(look_at(back, labels.paths, cache=cache).scores, after.scores)


def test_without_pairs_the_levels_of_held_out_pictures_say_when_to_stop(
    start: StudentModel, labels: Labels, cache: Path, tmp_path: Path
) -> None:
    none, empty = np.zeros(0, np.intp), np.zeros(0)
    alone = replace(
        labels, first=none, second=none, p=empty, pair_reliability=empty, disagreement=empty
    )
    looks: list[tuple[int, float]] = []
    student = distil(
        copy_of(start), alone, Recipe(epochs=100), tmp_path / "s", cache=cache,
        told=lambda epoch, of, loss: looks.append((epoch, loss)),
    )  # fmt: skip
    after = look_at(student, alone.paths, cache=cache)
    assert spearmanr(after.scores, alone.score)[0] > 0.9
    card = student.card["distilled"]
    assert card["pairs"] == 0
    assert card["held_out"] == pytest.approx(min(loss for _, loss in looks), abs=1e-4)
    held = np.flatnonzero(Lesson.of(alone, Recipe()).held.numpy())
    raw = torch.from_numpy(np.ascontiguousarray(after.raw[held]))
    said, levels = student.network.head(raw), torch.from_numpy(alone.levels[held]).float()
    loss = points_loss(*said, levels, torch.ones(len(held)))
    assert card["held_out"] == pytest.approx(loss.item(), abs=1e-4)


def test_a_killed_training_goes_on_from_its_checkpoint(
    start: StudentModel, labels: Labels, cache: Path, tmp_path: Path
) -> None:
    class Killed(Exception):
        pass

    def kill(epoch: int, epochs: int, loss: float) -> None:
        if epoch == 50:
            raise Killed

    recipe = Recipe(epochs=100)
    with pytest.raises(Killed):
        distil(copy_of(start), labels, recipe, tmp_path / "a", cache=cache, told=kill)
    epochs: list[int] = []
    resumed = distil(
        copy_of(start), labels, recipe, tmp_path / "a", cache=cache,
        told=lambda epoch, of, loss: epochs.append(epoch),
    )  # fmt: skip
    assert epochs == [75, 100]
    whole = distil(copy_of(start), labels, recipe, tmp_path / "b", cache=cache)
    assert resumed.identity() == whole.identity()
    other = Recipe(epochs=25)  # another recipe begins anew
    assert distil(copy_of(start), labels, other, tmp_path / "a", cache=cache).card["distilled"][
        "epochs"
    ] == 25  # fmt: skip


def test_weights_of_labels_reach_the_lesson(labels: Labels) -> None:
    trusted = replace(labels, audit=np.linspace(0, 1, len(labels)))
    full = Lesson.of(trusted, Recipe(use_reliability=True))
    assert full.weight.numpy() == pytest.approx(trusted.audit * labels.reliability, abs=1e-6)
    plain = Lesson.of(trusted, Recipe(use_reliability=False, use_audit=False))
    assert plain.weight.tolist() == [1.0] * len(labels)
    assert plain.pair_weight.tolist() == [1.0] * len(labels.first)
    assert bool(full.pair_held.any())
    crossing = full.held[full.first] | full.held[full.second]
    assert torch.equal(crossing, full.pair_held)


def test_the_body_learns_too_when_it_is_told_to(
    start: StudentModel, labels: Labels, cache: Path, tmp_path: Path
) -> None:
    few = replace(
        labels, paths=labels.paths[:20], hashes=labels.hashes[:20], levels=labels.levels[:20],
        score=labels.score[:20], reliability=labels.reliability[:20], audit=labels.audit[:20],
        first=np.array([0, 2]), second=np.array([1, 3]), p=np.array([0.9, 0.2]),
        pair_reliability=np.ones(2), disagreement=np.zeros(2),
    )  # fmt: skip
    student = copy_of(start)
    before = student.body_identity()
    distil(student, few, Recipe(tune="all", epochs=1), tmp_path / "s", cache=cache)
    assert student.body_identity() != before
    assert student.card["distilled"]["held_out"] <= student.card["distilled"]["held_out_before"]


def test_too_few_labels_and_senseless_recipes_are_refused(
    start: StudentModel, labels: Labels, cache: Path, tmp_path: Path
) -> None:
    gone = replace(labels, paths=[tmp_path / "gone.png"] * len(labels))
    with pytest.raises(TooFewRatings, match="0 labelled pictures can be read"):
        distil(copy_of(start), gone, Recipe(), tmp_path / "s", cache=cache)
    with pytest.raises(InputError, match="λ is -1"):
        distil(copy_of(start), labels, Recipe(pair_weight=-1), tmp_path / "s", cache=cache)
    flat = replace(labels, levels=np.full((len(labels), 5), 0.2))
    with pytest.raises(ConstantValues, match="the teacher said the same of all 40 pictures"):
        distil(copy_of(start), flat, Recipe(pair_weight=0), tmp_path / "s", cache=cache)


def test_a_folder_that_is_no_student_is_told(tmp_path: Path, start: StudentModel) -> None:
    with pytest.raises(ScorerError, match=r"holds no student.*snellen distil"):
        open_student(tmp_path)
    start.save(tmp_path / "s")
    (tmp_path / "s" / "network.pt").write_bytes(b"torn")
    with pytest.raises(ScorerError, match="is damaged"):
        open_student(tmp_path / "s")
