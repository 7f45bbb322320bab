"""Pictures through the recipe's own decoders."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data

torch = pytest.importorskip("torch", reason="needs torch: make test-torch")

from runs.built_in_scorer import chains, decoders  # noqa: E402
from runs.built_in_scorer.decoders import KINDS, SIDE, STRIDE, Autoencoder, decoded  # noqa: E402
from snellen.distortions.planes import from_uint8  # noqa: E402

pytestmark = pytest.mark.torch

PLANES = from_uint8(np.ascontiguousarray(skimage.data.astronaut()[100:220, 150:300]))


@pytest.fixture(autouse=True)
def untrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Decoders of random weights, which are as good as any to be carried through."""
    monkeypatch.setattr(decoders, "FOLDER", tmp_path)
    decoders.trained.cache_clear()
    for kind in KINDS:
        torch.manual_seed(0)
        torch.save(Autoencoder(kind).state_dict(), tmp_path / f"{kind}.pt")
    return tmp_path


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_gives_a_picture_of_the_size_it_was_given(kind: str) -> None:
    shown = torch.zeros(2, 3, SIDE, SIDE + STRIDE)
    code = torch.zeros(2, decoders.CODE, SIDE // STRIDE, SIDE // STRIDE + 1)
    assert Autoencoder(kind)(shown, code, torch.tensor([0.1, 1.0])).shape == shown.shape


def test_the_seed_says_which_decoder_and_which_noise_and_the_amount_how_much() -> None:
    made = [decoded(PLANES, amount, np.random.default_rng(3)) for amount in (0.2, 0.2, 0.9)]
    assert made[0].shape == PLANES.shape
    assert 0 <= made[0].min() <= made[0].max() <= 1
    assert np.array_equal(made[0], made[1])
    assert not np.array_equal(made[0], made[2])
    others = {decoded(PLANES, 0.2, np.random.default_rng(seed)).tobytes() for seed in range(6)}
    assert len(others) == 6


def test_learning_brings_a_picture_nearer_to_what_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import Image

    photo = tmp_path / "photo.png"
    Image.fromarray(skimage.data.astronaut()[:300, :300]).save(photo)
    monkeypatch.setattr(decoders, "STEPS", 40)
    monkeypatch.setattr(decoders, "CRITIC_FROM", 30)
    network = decoders.train("shuffle", [photo])
    pictures = [np.asarray(Image.open(photo))]
    shown = decoders._batch(pictures, np.random.default_rng(0))
    code = torch.zeros(len(shown), decoders.CODE, SIDE // STRIDE, SIDE // STRIDE)
    least = torch.full((len(shown),), decoders.NOISE[0])
    with torch.inference_mode():
        error, before = (
            float((net(shown, code, least) - shown).abs().mean())
            for net in (network, Autoencoder("shuffle"))
        )
    assert error < 0.8 * before


def test_decoded_chains_are_apart_from_those_that_earlier_cycles_were_taught() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        assert chains.draw(rng, chains.DECODED)[0][0] == "decoded"
        earlier = chains.draw(rng)
        assert 2 <= len(earlier) <= 4
        assert "decoded" not in [name for name, _ in earlier]


def test_without_decoders_it_is_said_how_to_make_them(untrained: Path) -> None:
    for kind in KINDS:
        (untrained / f"{kind}.pt").unlink()
    with pytest.raises(SystemExit, match=r"python -m runs\.built_in_scorer\.decoders"):
        decoded(PLANES, 0.5, np.random.default_rng(0))
