"""The network and its export: what it promises, and that the exported file is the same network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch: make test-torch")

from snellen.distortions import FAMILIES  # noqa: E402
from snellen.errors import ScorerError  # noqa: E402
from snellen.images.view import ViewPolicy, make_view  # noqa: E402
from snellen.scorers import load_scorer  # noqa: E402
from snellen.students.export import export  # noqa: E402
from snellen.students.network import ScorerNetwork  # noqa: E402
from snellen.students.start import network_of  # noqa: E402
from snellen.students.stem import Stem, dct_filters  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def network() -> ScorerNetwork:
    """A small one with random weights, and statistics of its own in every normalisation."""
    torch.manual_seed(0)
    made = ScorerNetwork(widths=(16, 24, 32), depths=(1, 1, 1))
    with torch.no_grad():
        made.cell_score.weight.normal_(0, 0.1)
        for _ in range(3):
            made(*views(8, seed=1))
    return made.eval()


def views(
    batch: int, crops: int = 4, seed: int = 0, size: int = 64
) -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(seed)
    return (
        torch.from_numpy(rng.integers(0, 256, (batch, crops, size, size, 3), dtype=np.uint8)),
        torch.from_numpy(rng.integers(0, 256, (batch, 64, 64, 3), dtype=np.uint8)),
    )


@pytest.fixture(scope="module")
def doubled(network: ScorerNetwork) -> ScorerNetwork:
    """The same network with a second opinion of random weights, which has a share of 0.3."""
    return with_second(network, natural=False)


@pytest.fixture(scope="module")
def whole(network: ScorerNetwork) -> ScorerNetwork:
    """The same with all that a network can have: a wide second opinion, and naturalness."""
    return with_second(network, natural=True)


def with_second(network: ScorerNetwork, natural: bool) -> ScorerNetwork:
    torch.manual_seed(3)
    made = ScorerNetwork(widths=(16, 24, 32), depths=(1, 1, 1), second=True, natural=natural)
    made.load_state_dict(network.state_dict(), strict=False)
    assert made.second is not None
    made.second.weight.fill_(0.3)
    if made.natural is not None:
        made.natural.strength.fill_(0.2)
        made.natural.top.fill_(4)
    return made.eval()


@pytest.mark.parametrize(("crops", "size"), [(1, 64), (2, 64), (6, 64), (13, 64), (4, 96)])
def test_any_number_and_size_of_crops_gives_one_judgement_and_a_map(
    network: ScorerNetwork, crops: int, size: int
) -> None:
    with torch.inference_mode():
        out = network(*views(2, crops, size=size))
    assert out.score.shape == out.log_variance.shape == (2,)
    assert out.families.shape == (2, len(FAMILIES))
    assert out.severity.shape == (2, len(FAMILIES) - 1)
    assert out.cells.shape == (2, crops, size // 32, size // 32)
    assert ((out.severity >= 0) & (out.severity <= 1)).all()
    assert all(torch.isfinite(part).all() for part in out)


def test_the_order_of_crops_changes_nothing_and_a_crop_twice_neither(
    network: ScorerNetwork,
) -> None:
    crops, whole = views(3, 5)
    with torch.inference_mode():
        plain = network(crops, whole).score
        turned = network(crops.flip(1), whole).score
        doubled = network(torch.cat([crops, crops], 1), whole).score
    torch.testing.assert_close(plain, turned, atol=1e-4, rtol=0)
    torch.testing.assert_close(plain, doubled, atol=1e-4, rtol=0)


def test_a_picture_scores_the_same_alone_and_in_a_batch(network: ScorerNetwork) -> None:
    crops, whole = views(4)
    with torch.inference_mode():
        together = network(crops, whole).score
        alone = torch.cat([network(crops[i : i + 1], whole[i : i + 1]).score for i in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-4, rtol=0)


def test_the_filters_start_as_an_orthogonal_basis_of_luma_and_two_chromas() -> None:
    filters = dct_filters()
    assert filters.shape == (32, 3, 8, 8)
    assert len(torch.unique(filters.flatten(1), dim=0)) == 32
    luma = filters[3:24].flatten(1)
    products = luma @ luma.T
    assert torch.allclose(products, torch.diag(torch.diag(products)), atol=1e-6)
    grey = torch.ones(1, 3, 8, 8) * 0.7
    answers = torch.nn.functional.conv2d(grey, filters).flatten()
    assert answers[0].abs() > 1  # luma's mean sees grey; colour and detail do not
    assert answers[1:].abs().max() < 1e-3


def test_detail_does_not_see_brightness_even_after_training_moved_its_filters() -> None:
    stem = Stem().eval()
    with torch.no_grad():
        stem.detail.add_(torch.randn_like(stem.detail) * 0.3)
    picture = torch.rand(1, 3, 96, 96) * 200
    with torch.inference_mode():
        dark, light = stem(picture), stem(picture + 50)
    means = stem.means
    torch.testing.assert_close(dark[:, means:], light[:, means:], atol=1e-3, rtol=1e-3)
    assert (dark[:, 0] - light[:, 0]).abs().min() > 0.1


@pytest.mark.parametrize("which", ["network", "doubled", "whole"])
def test_the_exported_file_is_the_same_network(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    network = request.getfixturevalue(which)
    path = tmp_path / "student.onnx"
    export([network], path, {"name": "small", "version": "7"}, spread=1.3, sharpness=0.8)
    student = load_scorer(path)
    assert student.name.startswith("small@7+")
    for seed, shape in enumerate([(300, 400), (700, 500), (96, 200)]):
        rng = np.random.default_rng(seed)
        view = make_view(rng.integers(0, 256, (*shape, 3), dtype=np.uint8))
        with torch.inference_mode():
            out = network(torch.from_numpy(view.crops)[None], torch.from_numpy(view.whole)[None])
        found = student.score_view(view)
        expected = min(100.0, max(0.0, (float(out.score) - 1) * 25))
        assert found.value == pytest.approx(expected, abs=2e-3)
        assert found.spread == pytest.approx(
            float(torch.exp(out.log_variance / 2)) * 1.3 * 25, rel=1e-3
        )
        probabilities = torch.softmax(out.families[0] * 0.8, 0).tolist()
        assert list(found.families.values()) == pytest.approx(probabilities, abs=1e-4)
        assert found.severity == pytest.approx(float(out.severity.max()) * 4, abs=1e-3)


@pytest.mark.parametrize("which", ["network", "doubled", "whole"])
def test_the_weights_are_read_back_from_the_file(
    which: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    network = request.getfixturevalue(which)
    path = tmp_path / "scorer.onnx"
    export([network], path, {"name": "scorer", "version": "1"})
    with torch.inference_mode():
        found, expected = network_of(path)(*views(2)), network(*views(2))
    for part, same in zip(found, expected, strict=True):
        torch.testing.assert_close(part, same, atol=1e-4, rtol=1e-4)


def test_two_networks_are_averaged(tmp_path: Path, network: ScorerNetwork) -> None:
    torch.manual_seed(5)
    other = ScorerNetwork(widths=(16, 24, 32), depths=(1, 1, 1)).eval()
    path = tmp_path / "pair.onnx"
    export([network, other], path, {"name": "pair", "version": "1"})
    view = make_view(np.random.default_rng(2).integers(0, 256, (300, 400, 3), dtype=np.uint8))
    feed = torch.from_numpy(view.crops)[None], torch.from_numpy(view.whole)[None]
    with torch.inference_mode():
        mean = (float(network(*feed).score) + float(other(*feed).score)) / 2
    assert load_scorer(path).score_view(view).value == pytest.approx((mean - 1) * 25, abs=2e-3)


def test_the_card_rules_the_view_and_the_dial_overrules_it(
    network: ScorerNetwork, tmp_path: Path
) -> None:
    path = tmp_path / "wide.onnx"
    policy = ViewPolicy(crops=3)
    export([network], path, {"name": "wide", "version": "1"}, policy=policy)
    assert load_scorer(path).policy.crops == 3
    assert load_scorer(path, crops=8).policy.crops == 8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card.clear(), "lacks"),
        (lambda card: card.update(format=99), "newer"),
        (lambda card: card.pop("view"), "view"),
    ],
)
def test_a_card_that_cannot_be_used_is_refused(
    network: ScorerNetwork, tmp_path: Path, change, message: str
) -> None:
    import json

    import onnx

    path = tmp_path / "odd.onnx"
    export([network], path, {"name": "odd", "version": "1"})
    model = onnx.load(str(path))
    entry = next(e for e in model.metadata_props if e.key == "snellen")
    card = json.loads(entry.value)
    change(card)
    entry.value = json.dumps(card)
    onnx.save(model, str(path))
    with pytest.raises(ScorerError, match=message):
        load_scorer(path)


def test_an_onnx_file_without_a_card_is_refused(network: ScorerNetwork, tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "bare.onnx"
    export([network], path, {"name": "bare", "version": "1"})
    model = onnx.load(str(path))
    del model.metadata_props[:]
    onnx.save(model, str(path))
    with pytest.raises(ScorerError, match="without a Snellen card"):
        load_scorer(path)
