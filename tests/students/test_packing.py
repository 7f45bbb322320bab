"""One file, one score: what is exported, what torch says and what calibration promised agree."""

from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from student_pictures import falling, write_photos, write_ratings

torch = pytest.importorskip("torch", reason="needs torch: make test-torch")

from snellen.errors import ConstantValues, InputError, TooFewRatings  # noqa: E402
from snellen.images import read  # noqa: E402
from snellen.scorers import load_scorer  # noqa: E402
from snellen.students.body import BuiltInBody  # noqa: E402
from snellen.students.calibrating import Calibrated, calibrate, figures_of  # noqa: E402
from snellen.students.card import lines_of  # noqa: E402
from snellen.students.features import look_at  # noqa: E402
from snellen.students.head import StudentNetwork, start_head  # noqa: E402
from snellen.students.loss import QualityLoss, QualityMetric, QualityScore  # noqa: E402
from snellen.students.model import StudentModel, open_student  # noqa: E402
from snellen.students.packing import pack  # noqa: E402
from snellen.students.ratings import read_opinions  # noqa: E402
from snellen.students.second import SecondOpinion  # noqa: E402

pytestmark = pytest.mark.torch
COUNT = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rated")
    names = [path.name for path in write_photos(folder, COUNT)]
    write_ratings(folder / "mos.csv", names, falling(COUNT))
    return folder


@pytest.fixture(scope="module")
def built_in() -> StudentModel:
    return open_student("built-in")


@pytest.fixture(scope="module")
def done(built_in: StudentModel, folder: Path) -> Calibrated:
    ratings = read_opinions(folder / "mos.csv")
    return calibrate(built_in, ratings, folder, cache=folder / "cache")


def test_the_built_in_student_is_the_built_in_scorer(
    built_in: StudentModel, folder: Path, tmp_path: Path
) -> None:
    """But for a fraction: its trunk works in floats, the shipped one's in whole numbers."""
    pack(built_in, tmp_path / "s.onnx")
    own, shipped = load_scorer(tmp_path / "s.onnx"), load_scorer("built-in")
    for path in sorted(folder.glob("*.png"))[::10]:
        a, b = own.score(read(path)), shipped.score(read(path))
        assert a.value == pytest.approx(b.value, abs=1)
        assert a.families == pytest.approx(b.families, abs=0.03)
        assert a.severity == pytest.approx(b.severity, abs=0.4)
        assert [cell.score for cell in a.cells] == pytest.approx(
            [cell.score for cell in b.cells], abs=4
        )


def test_the_file_says_what_the_calibrated_student_says(
    done: Calibrated, folder: Path, tmp_path: Path
) -> None:
    done.student.save(tmp_path / "student")
    student = open_student(tmp_path / "student")
    card = pack(student, tmp_path / "s.onnx", name="mine", licence="Apache-2.0")
    scorer = load_scorer(tmp_path / "s.onnx")
    assert scorer.name.startswith("mine@")
    assert card["calibration"]["n"] == COUNT
    looked = look_at(student, sorted(folder.glob("*.png"))[:4], cache=folder / "cache")
    assert student.opinion is not None
    expected = student.opinion(looked.scores, looked.features)
    for path, value in zip(looked.paths, expected, strict=True):
        found = scorer.score(read(path))
        assert found.value == pytest.approx(np.clip(value, 0, 100), abs=0.02)
        assert found.high - found.value == pytest.approx(
            min(done.calibration.half, 100 - found.value), abs=0.05
        )
    said = "\n".join(lines_of(card))
    assert "Apache-2.0" in said
    assert f"on {COUNT} rated images" in said
    assert "people's 1 to 5 is 0 to 100" in said


def test_ratings_move_the_scores_onto_peoples_scale(done: Calibrated, folder: Path) -> None:
    truth = (np.array(falling(COUNT)) - 1) * 25
    order = {Path(name).name: row for row, name in enumerate(done.image)}
    said = np.array([done.predicted[order[f"{i:03}.png"]] for i in range(COUNT)])
    error = float(np.sqrt(np.mean((said - truth) ** 2)))
    assert error < 0.7 * truth.std()
    assert done.checked.srcc.value > done.checked.before[0].value
    plain = figures_of(done)
    assert plain["n"] == COUNT
    assert json.loads(json.dumps(plain))["calibration"]["scale"] == [1, 5]
    in_units = plain["cross_validated"]["calibrated"]["rmse"][0]
    assert in_units == pytest.approx(error / 25, abs=1e-3)  # of the ratings: 1 to 5


def test_a_budget_keeps_the_rest_to_judge_by(built_in: StudentModel, folder: Path) -> None:
    ratings = read_opinions(folder / "mos.csv")
    done = calibrate(built_in, ratings, folder, budget=12, curve=False, cache=folder / "cache")
    assert len(done.opinions) == 12
    assert done.held_out is not None
    assert len(done.held_out.predicted) == COUNT - 12
    with pytest.raises(TooFewRatings, match="budget of 5"):
        calibrate(built_in, ratings, folder, budget=5, cache=folder / "cache")


def test_ratings_of_images_that_are_not_there_are_counted(
    built_in: StudentModel, folder: Path, tmp_path: Path
) -> None:
    names = [f"{i:03}.png" for i in range(15)] + ["gone.png", "away.png"]
    (folder / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    path = write_ratings(tmp_path / "m.csv", [*names, "torn.png"], [*falling(17), 3.0])
    done = calibrate(built_in, read_opinions(path), folder, curve=False, cache=folder / "cache")
    (folder / "torn.png").unlink()
    told = " ".join(done.notes)
    assert "2 rated images not found and left out: gone.png, away.png" in told
    assert "1 rated image cannot be read" in told
    assert len(done.opinions) == 15
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder, elsewhere / "deep" / "photos", ignore=shutil.ignore_patterns("cache"))
    found = calibrate(
        built_in, read_opinions(path), elsewhere, search=True, curve=False, cache=folder / "cache"
    )
    assert len(found.opinions) == 15
    few = write_ratings(tmp_path / "few.csv", names[10:], falling(7))
    with pytest.raises(TooFewRatings, match="5 of 7 rated images can be used"):
        calibrate(built_in, read_opinions(few), folder, cache=folder / "cache")


def test_a_reversed_scale_is_asked_about_and_never_turned(
    built_in: StudentModel, folder: Path, tmp_path: Path
) -> None:
    looked = look_at(built_in, sorted(folder.glob("*.png")), cache=folder / "cache")
    worst_first = [looked.paths[row].name for row in np.argsort(looked.scores)]
    path = write_ratings(tmp_path / "m.csv", worst_first, falling(COUNT))
    with pytest.raises(InputError, match=r"scale may be reversed.*--lower-is-better"):
        calibrate(built_in, read_opinions(path), folder, cache=folder / "cache")
    turned = read_opinions(path, lower_is_better=True, scale=(1, 5))
    done = calibrate(built_in, turned, folder, trusted=True, curve=False, cache=folder / "cache")
    assert done.checked.srcc.value > 0.5
    meant = calibrate(
        built_in, read_opinions(path), folder, trusted=True, curve=False, cache=folder / "cache"
    )
    assert meant.opinions[0] != done.opinions[0]
    assert "since you said which end is better: the ratings fall" in meant.notes[-1]


def test_a_student_that_scores_all_alike_is_refused_plainly(
    built_in: StudentModel, folder: Path
) -> None:
    flat = StudentModel(copy.deepcopy(built_in.network), built_in.policy, dict(built_in.card))
    head = flat.network.head
    for parameter in head.parameters():
        parameter.data.zero_()
    head.weight.zero_()
    head.strength.zero_()
    with pytest.raises(ConstantValues, match=r"the same score, 57\.5: it has no ranking"):
        calibrate(flat, read_opinions(folder / "mos.csv"), folder, cache=folder / "cache")


def test_too_few_references_are_told(built_in: StudentModel, folder: Path, tmp_path: Path) -> None:
    rows = [f"{i:03}.png,{4.5 - i / 10},r{i % 2}" for i in range(COUNT)]
    (tmp_path / "m.csv").write_text("image,mos,reference\n" + "\n".join(rows) + "\n")
    with pytest.raises(TooFewRatings, match=r"30 rated images are made from 2 references.*column"):
        calibrate(built_in, read_opinions(tmp_path / "m.csv"), folder, cache=folder / "cache")


def test_pairs_calibrate_too(built_in: StudentModel, folder: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    rows = []
    for _ in range(200):
        a, b = rng.choice(COUNT, 2, replace=False)
        better = "first" if a + rng.normal(0, 2) < b else "second"
        rows.append(f"{a:03}.png,{b:03}.png,{better}")
    (tmp_path / "pairs.csv").write_text("first,second,preferred\n" + "\n".join(rows) + "\n")
    ratings = read_opinions(tmp_path / "pairs.csv")
    done = calibrate(built_in, ratings, folder, curve=False, cache=folder / "cache")
    assert done.checked.srcc.value > 0.5
    assert done.student.card["calibration"]["scale"] is None
    # No scale: the student's own mean stays
    looked = look_at(built_in, [Path(name) for name in done.image], cache=folder / "cache")
    assert done.opinions.mean() == pytest.approx(looked.scores.mean(), abs=1e-6)


def test_the_loss_is_the_score_of_the_file_and_its_gradient_improves_a_picture(
    built_in: StudentModel, folder: Path
) -> None:
    path = sorted(folder.glob("*.png"))[20]
    pixels = torch.from_numpy(read(path).pixels.copy()).permute(2, 0, 1)[None].float() / 255
    score = QualityScore(built_in)
    value = float(score(pixels))
    assert value == pytest.approx(load_scorer("built-in").score(read(path)).value, abs=1.5)
    loss = QualityLoss(built_in)
    changed = pixels.clone().requires_grad_(True)
    before = loss(changed)
    before.backward()
    assert changed.grad is not None
    assert float(changed.grad.abs().sum()) > 0
    step = (changed - changed.grad.sign() / 255).detach().clamp(0, 1)  # one grey level
    assert float(loss(step)) < float(before.detach())
    assert not any(p.requires_grad for p in loss.parameters())


def test_the_metric_is_the_mean_over_batches(built_in: StudentModel) -> None:
    metric = QualityMetric(built_in)
    with pytest.raises(InputError, match="no image"):
        metric.compute()
    images = torch.rand(3, 3, 128, 128, generator=torch.Generator().manual_seed(0))
    first = float(metric(images[:1]))
    metric.update(images[1:])
    all_scores = metric.score(images).clamp(0, 100)
    assert float(metric.compute()) == pytest.approx(float(all_scores.mean()), abs=1e-3)
    assert first == pytest.approx(float(all_scores[0]), abs=1e-3)
    metric.reset()
    with pytest.raises(InputError):
        metric.compute()


def test_images_of_another_form_are_refused(built_in: StudentModel) -> None:
    score = QualityScore(built_in)
    with pytest.raises(InputError, match="floats in"):
        score(torch.zeros(1, 3, 128, 128, dtype=torch.uint8))
    with pytest.raises(InputError, match="smaller than"):
        score(torch.zeros(1, 3, 20, 128))


def test_a_file_of_another_name_or_place_is_refused(built_in: StudentModel, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.onnx"):
        pack(built_in, tmp_path / "s.bin")
    with pytest.raises(InputError, match="no folder"):
        pack(built_in, tmp_path / "none" / "s.onnx")


@pytest.mark.parametrize("version", [2, 3])
def test_a_student_of_an_earlier_scorer_is_still_opened(
    version: int, built_in: StudentModel, folder: Path, tmp_path: Path
) -> None:
    """Versions 1 and 2 had a second opinion of moments alone, version 3 naturalness beside it."""
    body = copy.deepcopy(built_in.network.body)
    assert isinstance(body, BuiltInBody)
    parts = {"second.middle": torch.zeros(SecondOpinion.of_moments)}
    if version == 3:
        parts["natural.strength"] = torch.tensor(0.0)
    body = body.with_parts_of(parts)
    old = StudentModel(StudentNetwork(body, start_head(body)), built_in.policy, dict(built_in.card))
    old.save(tmp_path / "old")
    opened = open_student(tmp_path / "old")
    assert opened.identity() == old.identity()
    paths = sorted(folder.glob("*.png"))[:3]
    one, other = (look_at(model, paths, cache=tmp_path / "c").scores for model in (old, opened))
    assert one.tolist() == other.tolist()
    assert one.tolist() != look_at(built_in, paths, cache=tmp_path / "c").scores.tolist()
