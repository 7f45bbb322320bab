"""The second opinion: what its statistics see, and that it has its share and no more."""

from __future__ import annotations

import numpy as np
import pytest
import skimage.data

torch = pytest.importorskip("torch", reason="needs torch: make test-torch")

from snellen import distortions  # noqa: E402
from snellen.images.view import make_view  # noqa: E402
from snellen.students.network import ScorerNetwork  # noqa: E402
from snellen.students.second import SecondOpinion, clipping, moments, tones  # noqa: E402

pytestmark = pytest.mark.torch

PHOTO = np.ascontiguousarray(skimage.data.astronaut())


@pytest.fixture(scope="module", params=[True, False], ids=["wide", "of moments alone"])
def network(request: pytest.FixtureRequest) -> ScorerNetwork:
    """A small one of random weights whose second opinion has a share of .3."""
    torch.manual_seed(3)
    made = ScorerNetwork((16, 24, 32), (1, 1, 1), second=True, natural=request.param)
    with torch.no_grad():  # statistics of its own in every normalisation
        made(torch.randint(0, 256, (8, 4, 64, 64, 3)), torch.randint(0, 256, (8, 64, 64, 3)))
    assert made.second is not None
    assert made.second.wide == request.param
    made.second.weight.fill_(0.3)
    return made.eval()


def shown(pixels: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    view = make_view(pixels)
    return torch.from_numpy(view.crops)[None], torch.from_numpy(view.whole)[None]


def statistics(network: ScorerNetwork, crops: torch.Tensor, whole: torch.Tensor) -> torch.Tensor:
    assert network.second is not None
    with torch.inference_mode():
        return network.second.measure(network.see(crops, whole))


def test_it_has_its_share_of_score_and_families_and_no_more(network: ScorerNetwork) -> None:
    picture = shown(PHOTO)
    second = network.second
    assert second is not None
    with torch.inference_mode():
        both = network(*picture)
        score, families = second(statistics(network, *picture))
        first = network.judge(*network.look(network.see(*picture)))
    torch.testing.assert_close(both.score, 0.7 * first.score + 0.3 * score)
    torch.testing.assert_close(both.families, 0.7 * first.families + 0.3 * families)
    for kept in ("log_variance", "severity", "cells"):
        torch.testing.assert_close(getattr(both, kept), getattr(first, kept))


def test_the_order_of_crops_changes_nothing_and_neighbours_in_a_batch_neither(
    network: ScorerNetwork,
) -> None:
    crops, whole = shown(PHOTO)
    other, other_whole = shown(skimage.data.coffee())
    found = statistics(network, crops, whole)
    assert found.shape == (1, network.second.width)  # type: ignore[union-attr]
    torch.testing.assert_close(statistics(network, crops.flip(1), whole), found)
    together = statistics(network, torch.cat([other, crops]), torch.cat([other_whole, whole]))
    torch.testing.assert_close(together[1:], found, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("grey", [0, 128, 255])
@pytest.mark.parametrize("n", [1, 5])
def test_a_flat_picture_and_a_single_crop_have_finite_statistics(
    network: ScorerNetwork, grey: int, n: int
) -> None:
    crops = torch.full((1, n, 64, 64, 3), grey, dtype=torch.uint8)
    assert torch.isfinite(statistics(network, crops, crops[:, 0])).all()


def test_beyond_all_that_was_seen_stranger_says_no_more(network: ScorerNetwork) -> None:
    second = network.second
    assert second is not None
    with torch.inference_mode():
        strange, stranger = (second(torch.full((1, second.width), far)) for far in (1e3, 1e6))
    torch.testing.assert_close(strange, stranger)


def test_moments_see_noise_blur_and_brightness_but_not_the_order_of_crops(
    network: ScorerNetwork,
) -> None:
    rng = np.random.default_rng(4)
    plain = np.kron(rng.uniform(60, 180, (5, 8, 8, 3)), np.ones((1, 8, 8, 1)))

    def measured(pixels: np.ndarray) -> torch.Tensor:
        images = torch.from_numpy(pixels.clip(0, 255).astype(np.uint8)).permute(0, 3, 1, 2).float()
        return moments(*network.stem.answers(images), 1)

    noisy = plain + rng.normal(0, 12, plain.shape)
    with torch.inference_mode():
        seen = measured(plain)
        assert seen.shape == (1, SecondOpinion.of_moments)
        assert (measured(noisy) - seen)[0, 12:21].min() > 0.3  # high frequencies of luma, log size
        assert (measured(plain + 40) - seen)[0, -6] == pytest.approx(8 * 80 / 255, abs=0.05)
        assert (measured(plain + 40) - seen)[0, : 29 * 5].abs().max() < 0.05
        torch.testing.assert_close(measured(plain[::-1].copy()), seen)


def planes(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(pixels, -1, -3), np.float32))


def test_tones_are_shares_of_the_pixels_as_numpy_counts_them() -> None:
    whole = np.random.default_rng(0).integers(0, 256, (64, 64, 3))
    found = tones(planes(whole)[None])[0].numpy()
    assert found.shape == (SecondOpinion.of_tones,)
    assert found[19] == pytest.approx((whole.max(2) == 255).mean(), abs=1e-4)
    assert found[20] == pytest.approx((whole.min(2) == 0).mean(), abs=1e-4)
    colour = whole.max(2) - whole.min(2)
    expected = [(colour <= step).mean() for step in (1, 4, 8, 16, 32, 64, 96, 128, 192)]
    assert found[21:30] == pytest.approx(expected, abs=1e-4)
    assert found[30:33] == pytest.approx(whole.mean((0, 1)) / 128 - 1, abs=1e-4)
    assert found[33:] == pytest.approx(whole.std((0, 1)) / 64, abs=1e-3)
    luma = whole @ np.array([0.299, 0.587, 0.114])
    for place, step in ((0, 1), (3, 16), (8, 96), (9, 128), (18, 254)):
        assert found[place] == pytest.approx(np.clip(step + 1 - luma, 0, 1).mean(), abs=1e-3)


def test_clipping_is_counted_at_native_resolution() -> None:
    rng = np.random.default_rng(0)
    luma = torch.from_numpy(rng.integers(0, 256, (8, 1, 64, 64)).astype(np.float32))
    found = clipping(luma, 2).numpy()
    every = luma.numpy()[:, :, ::2].reshape(2, -1)
    expected = [(every <= step).mean(1) for step in (1, 8, 48, 128, 208, 240, 254)]
    assert found == pytest.approx(np.array(expected).T, abs=1e-4)


@pytest.mark.parametrize(("fault", "place"), [("over-exposure", -1), ("under-exposure", 0)])
def test_what_is_cut_off_is_seen(fault: str, place: int) -> None:
    def of(pixels: np.ndarray) -> float:
        luma = make_view(pixels).crops @ np.array([0.299, 0.587, 0.114], np.float32)
        below = float(clipping(torch.from_numpy(luma)[:, None], 1)[0, place])
        return 1 - below if place else below

    ruined = distortions.apply(PHOTO, fault, 5, seed=0)
    assert of(ruined) > of(PHOTO) + 0.02


def test_the_wide_one_knows_how_far_from_pristine_the_picture_is(network: ScorerNetwork) -> None:
    second = network.second
    assert second is not None
    if not second.wide:
        assert second.width == SecondOpinion.of_moments
        return
    place = SecondOpinion.of_moments + SecondOpinion.of_scene - 1
    seen = network.see(*shown(PHOTO))
    assert seen.distance is not None
    found = statistics(network, *shown(PHOTO))[0, place]
    torch.testing.assert_close(found, torch.log(seen.distance)[0])


@pytest.mark.parametrize(
    "of", ["everything", "moments alone", "moments and naturalness", "nothing"]
)
def test_a_network_takes_the_parts_that_weights_are_of(of: str) -> None:
    """Versions 1 and 2 of the built-in scorer had moments alone, version 3 naturalness too."""
    weights = {}
    if of != "nothing":
        given = ScorerNetwork(second=True, natural=of == "everything")
        weights = dict(given.state_dict())
    if of == "moments and naturalness":
        weights["natural.strength"] = torch.tensor(0.3)
    network = ScorerNetwork(second=True, natural=True).eval()
    network.have_parts_of(weights)
    assert not any(module.training for module in network.modules())
    assert (network.natural is not None) == (of in ("everything", "moments and naturalness"))
    assert (network.second is not None) == (of != "nothing")
    if network.second is not None:
        assert network.second.wide == (of == "everything")
