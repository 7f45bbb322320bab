"""Naturalness: its features against an oracle, what moves it, and how it bends a score."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from scipy import ndimage

torch = pytest.importorskip("torch", reason="needs torch: make test-torch")

from snellen import distortions  # noqa: E402
from snellen.images.view import ViewPolicy, make_view  # noqa: E402
from snellen.scorers.student import Student  # noqa: E402
from snellen.students.export import export  # noqa: E402
from snellen.students.naturalness import NEAREST, SIDE, SIGMA, Naturalness  # noqa: E402
from snellen.students.network import ScorerNetwork, to_planes  # noqa: E402
from snellen.students.start import network_of  # noqa: E402

pytestmark = pytest.mark.torch

PHOTOS = ("coffee", "chelsea", "rocket")


def crops_of(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(make_view(pixels).crops)


def luma_of(crops: torch.Tensor) -> torch.Tensor:
    """Crops (n, s, s, 3) → (n, 1, s, s)."""
    return Naturalness().luma_of(to_planes(crops))


def features_of(natural: Naturalness, pixels: np.ndarray) -> torch.Tensor:
    with torch.inference_mode():
        return natural.features(luma_of(crops_of(pixels)))[0]


def distance_of(natural: Naturalness, pixels: np.ndarray) -> torch.Tensor:
    luma = luma_of(crops_of(pixels))
    with torch.inference_mode():
        return natural.distance(natural.scene(luma, 1))


@pytest.fixture(scope="module")
def natural() -> Naturalness:
    """Fitted on every place of three photos."""
    made = Naturalness()
    found = []
    for name in PHOTOS:
        photo = getattr(skimage.data, name)()
        height, width = (side // 64 for side in photo.shape[:2])
        tiles = photo[: height * 64, : width * 64].reshape(height, 64, width, 64, 3)
        tiles = tiles.swapaxes(1, 2).reshape(-1, 64, 64, 3)
        with torch.inference_mode():
            found.append(made.features(luma_of(torch.from_numpy(tiles.copy())))[0])
    features = torch.cat(found)
    made.middle.copy_(features.mean(0))
    values, axes = torch.linalg.eigh(torch.cov(features.T) + 1e-4 * torch.eye(made.width))
    made.axes.copy_(axes / values.sqrt() @ axes.T)
    made.top.fill_(5)
    made.slope.fill_(1.5)
    made.usual.fill_(0.2)
    made.strength.fill_(0.5)
    return made


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.ascontiguousarray(skimage.data.astronaut()[:, :, :3])


def test_features_are_those_of_mscn_coefficients_as_scipy_makes_them(photo: np.ndarray) -> None:
    crop = photo[100:164, 200:264]
    luma = crop @ np.array([0.299, 0.587, 0.114])
    expected = []
    for scale in (1, 2):
        image = luma.reshape(64 // scale, scale, 64 // scale, scale).mean((1, 3))
        mean = ndimage.gaussian_filter(image, SIGMA, radius=SIDE // 2)
        square = ndimage.gaussian_filter(image * image, SIGMA, radius=SIDE // 2)
        normal = (image - mean) / (np.sqrt(np.maximum(square - mean * mean, 0)) + 1)
        normal = normal[3:-3, 3:-3]
        power = (normal**2).mean()
        expected += [power, np.abs(normal).mean() ** 2 / power]
        for product in (normal[:, :-1] * normal[:, 1:], normal[:-1] * normal[1:]):
            expected += [
                (np.where(side, product, 0) ** 2).mean() for side in (product < 0, product > 0)
            ]
    found, _ = Naturalness().features(luma_of(torch.from_numpy(crop[None].copy())))
    assert found[0].numpy() == pytest.approx(np.array(expected), rel=2e-3, abs=2e-4)


def test_gaussian_noise_is_as_even_as_a_gaussian_and_its_neighbours_are_alike() -> None:
    rng = np.random.default_rng(0)
    grain = np.repeat(rng.normal(128, 30, (6, 64, 64, 1)).clip(0, 255), 3, 3).astype(np.uint8)
    features, sharpness = Naturalness().features(luma_of(torch.from_numpy(grain)))
    evenness, across, down = features[:, 1].mean(), features[:, 2:4].mean(), features[:, 4:6].mean()
    assert 2 / np.pi < float(evenness) < 3 / 4  # a deviation that counts the pixel itself: no tails
    assert float(across) == pytest.approx(float(down), rel=0.05)
    assert float(sharpness.mean()) == pytest.approx(28, abs=3)


@pytest.mark.parametrize("shift", [-25, 25])
def test_brighter_or_darker_is_as_natural(natural: Naturalness, shift: int) -> None:
    photo = (skimage.data.astronaut() * 0.7 + 35).astype(np.uint8)
    moved = (photo.astype(int) + shift).astype(np.uint8)
    torch.testing.assert_close(
        features_of(natural, moved), features_of(natural, photo), atol=2e-3, rtol=2e-3
    )


@pytest.mark.parametrize("fault", ["white-noise", "gaussian-blur", "jpeg", "pixelate"])
def test_a_ruined_photo_is_further_than_the_photo(
    natural: Naturalness, photo: np.ndarray, fault: str
) -> None:
    plain, mild, ruined = (
        float(natural.distance(features_of(natural, pixels)[None]))
        for pixels in (photo, *(distortions.apply(photo, fault, k, seed=0) for k in (2, 5)))
    )
    assert ruined > 1.3 * plain
    assert ruined > mild


def test_distance_is_the_written_formula(natural: Naturalness) -> None:
    rng = np.random.default_rng(1)
    features = rng.normal(1, 2, (7, natural.width)).astype(np.float32)
    usual = (features - natural.middle.numpy()) @ natural.axes.numpy()
    spread = usual.var(0) + 1 / 7
    away = ((usual.mean(0) ** 2 - spread / 7) * 2 / (1 + spread)).sum()
    found = float(natural.distance(torch.from_numpy(features)[None]))
    assert found == pytest.approx(float(np.sqrt(away)), rel=1e-3)


def test_fewer_crops_of_what_is_usual_are_no_further() -> None:
    made = Naturalness()
    rng = torch.Generator().manual_seed(0)
    squares = [
        float((made.distance(torch.randn(4000, n, made.width, generator=rng)) ** 2).median())
        for n in (1, 3, 9, 24)
    ]
    assert max(squares) < 1.6 * NEAREST  # were chance not taken away, one crop would have 11


def test_it_lowers_by_more_where_it_lies_further_below_and_lifts_by_little(
    natural: Naturalness,
) -> None:
    scores = torch.linspace(1, 5, 9)
    with torch.inference_mode():
        distance = distance_of(natural, skimage.data.coffee())
        said = float(natural.opinion(distance))
        bent = torch.cat([natural(score[None], distance) for score in scores])
    fall = scores - bent
    assert (fall.diff() > 0).all()
    assert fall.min() > -0.5 * 0.2  # what is given back
    assert fall.max() > 0
    assert (bent.diff() > 0).all()  # the network's order of two such pictures stays
    far_above = scores > said + 1.5
    expected = 0.5 * ((scores - said)[far_above] - 0.2)
    torch.testing.assert_close(fall[far_above], expected, atol=0.02, rtol=0)


def test_of_no_strength_it_changes_nothing(natural: Naturalness) -> None:
    made = Naturalness()
    made.load_state_dict({**natural.state_dict(), "strength": torch.tensor(0.0)})
    distance = distance_of(made, skimage.data.chelsea())
    assert torch.equal(made(torch.tensor([3.3]), distance), torch.tensor([3.3]))


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_flat_picture_and_a_single_crop_are_finite(natural: Naturalness, grey: int) -> None:
    flat = torch.full((3, 1, 64, 64), float(grey))
    for n in (1, 3):
        distance = natural.distance(natural.scene(flat[:n], 1))
        assert torch.isfinite(natural(torch.tensor([3.0]), distance)).all()


def test_the_order_of_crops_changes_nothing(natural: Naturalness, photo: np.ndarray) -> None:
    luma = luma_of(crops_of(photo))
    with torch.inference_mode():
        one, other = (natural.distance(natural.scene(shown, 1)) for shown in (luma, luma.flip(0)))
    torch.testing.assert_close(one, other)


@pytest.mark.parametrize(("crops", "size"), [(1, 64), (2, 64), (9, 64), (24, 64), (4, 96)])
def test_the_exported_file_bends_as_the_network_does(
    natural: Naturalness, photo: np.ndarray, crops: int, size: int, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    network = ScorerNetwork((16, 24, 32), (1, 1, 1), second=True)
    with torch.no_grad():  # statistics of its own in every normalisation
        network(torch.randint(0, 256, (8, 4, 64, 64, 3)), torch.randint(0, 256, (8, 64, 64, 3)))
    network.natural = natural
    network.eval()
    path = tmp_path / "scorer.onnx"
    export([network], path, {"name": "scorer", "version": "1"}, policy=ViewPolicy(9, size))
    student = Student(path, crops=crops)
    again = network_of(path)
    assert again.natural is not None
    torch.testing.assert_close(again.natural.state_dict(), natural.state_dict())
    view = make_view(distortions.apply(photo, "white-noise", 4, seed=0), student.policy)
    shown = torch.from_numpy(view.crops)[None], torch.from_numpy(view.whole)[None]
    with torch.inference_mode():
        bent = float(network(*shown).score)
        network.natural = None
        plain = float(network(*shown).score)
    assert student.score_view(view).value == pytest.approx((bent - 1) * 25, abs=0.02)
    assert abs(bent - plain) > 0.05
