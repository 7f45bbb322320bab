"""The trunk in whole numbers: the same scores but for a fraction, and the weights come back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data

torch = pytest.importorskip("torch", reason="needs torch: make test-torch")

import onnx  # noqa: E402

from runs.built_in_scorer.eight_bits import of_training, to_eight_bits  # noqa: E402
from snellen import distortions  # noqa: E402
from snellen.images.view import View, make_view  # noqa: E402
from snellen.scorers.student import Student  # noqa: E402
from snellen.students.export import export  # noqa: E402
from snellen.students.network import ScorerNetwork  # noqa: E402
from snellen.students.start import network_of  # noqa: E402

pytestmark = pytest.mark.torch

PHOTOS = [
    np.ascontiguousarray(getattr(skimage.data, name)())
    for name in ("astronaut", "coffee", "chelsea", "rocket")
]


def shown(pixels: np.ndarray) -> View:
    return make_view(pixels)


def pictures() -> list[View]:
    return [
        shown(distortions.apply(photo, fault, 3, seed=0))
        for photo in PHOTOS
        for fault in ("white-noise", "gaussian-blur", "darken")
    ]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A scorer as it is exported, and in whole numbers."""
    torch.manual_seed(0)
    network = ScorerNetwork((16, 24, 32), (1, 1, 1), second=True, natural=True)
    with torch.no_grad():
        network.cell_score.weight.normal_(0, 0.1)
        views = pictures()
        crops, whole = (
            torch.from_numpy(np.stack([getattr(view, part) for view in views]))
            for part in ("crops", "whole")
        )
        for _ in range(20):  # statistics of real pictures in every normalisation
            network(crops, whole)
    home = tmp_path_factory.mktemp("scorers")
    plain, whole_numbers = home / "plain.onnx", home / "whole.onnx"
    export([network.eval()], plain, {"name": "small", "version": "1"})
    whole_numbers.write_bytes(plain.read_bytes())
    to_eight_bits(
        whole_numbers, ({"crops": view.crops, "whole": view.whole} for view in pictures())
    )
    return plain, whole_numbers


def test_scores_stay_within_a_fraction_of_a_point_and_the_card_is_kept(
    files: tuple[Path, Path],
) -> None:
    plain, whole = (Student(file) for file in files)
    assert whole.card == plain.card
    apart = [
        abs(whole.score_view(view).value - plain.score_view(view).value) for view in pictures()
    ]
    spread = np.ptp([plain.score_view(view).value for view in pictures()])
    assert 0 < max(apart) < max(0.5, 0.05 * spread)


def test_only_the_trunk_works_in_whole_numbers(files: tuple[Path, Path]) -> None:
    kinds = [node for node in onnx.load(str(files[1])).graph.node if node.op_type == "QLinearConv"]
    assert len(kinds) == 6  # a convolution that halves and a residual one, three times
    assert all("/trunk/" in node.output[0] for node in kinds)


def test_weights_have_seven_bits_so_that_no_processor_overflows(files: tuple[Path, Path]) -> None:
    graph = onnx.load(str(files[1])).graph
    given = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    for node in graph.node:
        if node.op_type == "QLinearConv":
            assert np.abs(given[node.input[3]].astype(int)).max() <= 64


def test_the_weights_come_back_as_they_were_but_for_a_step(files: tuple[Path, Path]) -> None:
    plain, whole = (network_of(file).state_dict() for file in files)
    for name, value in plain.items():
        if name.startswith("trunk.") and value.ndim == 4:
            step = value.abs().amax((1, 2, 3), keepdim=True) / 63
            assert ((whole[name] - value).abs() <= 0.6 * step).all()
        elif not name.startswith("trunk."):
            torch.testing.assert_close(whole[name], value)


def test_the_ranges_come_of_samples_of_all_shards(tmp_path: Path) -> None:
    for i in range(2):
        crops = np.full((6, 9, 64, 64, 3), i, np.uint8)
        np.save(tmp_path / f"train-{i:04}.crops.npy", crops)
        np.savez(tmp_path / f"train-{i:04}.npz", whole=crops[:, 0])
    found = list(of_training([tmp_path], 5))
    assert [int(view["crops"][0, 0, 0, 0]) for view in found] == [0, 0, 0, 1, 1, 1]
    assert found[0]["crops"].shape == (9, 64, 64, 3)
    assert found[0]["whole"].shape == (64, 64, 3)
