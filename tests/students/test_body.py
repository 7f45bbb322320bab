"""Bodies: the built-in one read back from its file, and any backbone of transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from student_pictures import SHARPNESS, write_pictures

torch = pytest.importorskip("torch", reason="needs torch: make test-torch")
transformers = pytest.importorskip("transformers", reason="needs transformers: make test-torch")

from snellen.errors import InputError, ScorerError  # noqa: E402
from snellen.images import read  # noqa: E402
from snellen.judges import load_judge  # noqa: E402
from snellen.scorers import load_scorer  # noqa: E402
from snellen.scoring import make_method  # noqa: E402
from snellen.students.body import load_body  # noqa: E402
from snellen.students.distilling import Recipe, distil  # noqa: E402
from snellen.students.features import look_at  # noqa: E402
from snellen.students.labelling import Order, label  # noqa: E402
from snellen.students.labels import read_labels  # noqa: E402
from snellen.students.model import new_student, open_student  # noqa: E402
from snellen.students.packing import pack  # noqa: E402
from snellen.students.start import network_of  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def convnext(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ConvNeXt of two channels a stage with random weights, saved as a pretrained one is."""
    folder = tmp_path_factory.mktemp("convnext")
    torch.manual_seed(0)
    config = transformers.ConvNextConfig(
        hidden_sizes=[4, 6, 8, 10], depths=[1, 1, 1, 1], out_features=["stage4"]
    )
    transformers.ConvNextBackbone(config).save_pretrained(str(folder))
    return folder


def test_a_backbone_becomes_a_student_that_names_no_faults(convnext: Path, tmp_path: Path) -> None:
    paths = write_pictures(tmp_path / "photos", 20, side=64)
    judge, method = load_judge(SHARPNESS), make_method("levels")
    label([str(tmp_path / "photos")], judge, method, Order(2), tmp_path / "labels")
    labels = read_labels([tmp_path / "labels"])
    student = new_student(str(convnext))
    assert student.network.body.width == 40
    distil(student, labels, Recipe(epochs=25), tmp_path / "student", cache=tmp_path / "cache")
    back = open_student(tmp_path / "student")
    looked = look_at(back, paths[:1], cache=tmp_path / "cache")
    pack(back, tmp_path / "student.onnx")
    found = load_scorer(tmp_path / "student.onnx").score(read(paths[0]))
    assert found.value == pytest.approx(float(np.clip(looked.scores[0], 0, 100)), abs=0.05)
    assert (dict(found.families), found.severity, found.problem) == ({}, None, "")
    assert len(found.cells) > 0


def test_a_pictures_features_do_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path, 3, side=128)
    student = new_student()
    together = look_at(student, paths, cache=tmp_path / "a")
    alone = look_at(student, paths[1:2], cache=tmp_path / "b")
    assert np.array_equal(together.raw[1], alone.raw[0])
    kept = look_at(student, paths[::-1], cache=tmp_path / "a")
    assert np.array_equal(kept.raw[::-1], together.raw)


def test_files_that_are_no_pictures_are_named_and_the_others_looked_at(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path, 2, side=64)
    (tmp_path / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (tmp_path / "copy.png").write_bytes(paths[0].read_bytes())
    every = [*paths, tmp_path / "torn.png", tmp_path / "copy.png", tmp_path / "gone.png"]
    found = look_at(new_student(), every, cache=tmp_path / "cache")
    assert found.paths == paths
    assert [path.name for path in found.again] == ["copy.png"]
    assert sorted(path.name for path in found.missing) == ["gone.png", "torn.png"]


def test_an_unknown_backbone_is_told_with_the_known_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="convnext-tiny"):
        load_body(str(tmp_path / "no-such-model"))


def test_a_file_that_holds_no_network_of_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "odd.onnx").write_bytes(b"nothing")
    with pytest.raises(ScorerError, match="cannot be read back"):
        network_of(tmp_path / "odd.onnx")
