"""The recipe of the built-in scorer: photos taken otherwise, measures by hand, a further cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from snellen import distortions

torch = pytest.importorskip("torch", reason="needs torch: make test-torch")

from runs.built_in_scorer.by_hand import _shape, _two_sided, measures  # noqa: E402
from runs.built_in_scorer.finish import SHIPPED  # noqa: E402
from runs.built_in_scorer.photos import LONGEST, NARROWEST, taken  # noqa: E402
from runs.built_in_scorer.train import Shards, begun  # noqa: E402
from snellen.students.start import network_of  # noqa: E402

pytestmark = pytest.mark.torch

PHOTO = np.ascontiguousarray(skimage.data.astronaut()[:320, 100:420])


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("photos") / "astronaut.png"
    Image.fromarray(PHOTO).save(path)
    return path


@pytest.mark.parametrize("seed", range(4))
def test_a_photo_taken_otherwise_is_the_photo_and_nobody_would_mind(photo: Path, seed: int) -> None:
    found = taken(photo, np.random.default_rng(seed))
    height, width = found.shape[:2]
    assert NARROWEST <= min(height, width) <= max(height, width) <= LONGEST
    same = Image.fromarray(PHOTO).resize((width, height), Image.Resampling.LANCZOS)
    apart = found.astype(float) - np.asarray(same, float)
    worst = distortions.apply(np.asarray(same), "gaussian-blur", 3, seed=0) - np.asarray(
        same, float
    )
    assert np.abs(apart).mean() < np.abs(worst).mean()


def test_how_a_photo_is_taken_follows_from_the_seed_alone_and_varies(photo: Path) -> None:
    one, again, other = (taken(photo, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, again)
    assert one.shape != other.shape or not np.array_equal(one, other)
    sharpness = {
        round(float(np.diff(taken(photo, np.random.default_rng(s)).astype(float), axis=1).std()), 2)
        for s in range(3)
    }
    assert len(sharpness) == 3


def test_shapes_of_known_distributions_are_found() -> None:
    rng = np.random.default_rng(0)
    gaussian, laplace = rng.standard_normal(200_000), rng.laplace(size=200_000)
    for values, shape in ((gaussian, 2.0), (laplace, 1.0)):
        ratio = np.abs(values).mean() ** 2 / (values**2).mean()
        assert _shape(ratio) == pytest.approx(shape, rel=0.03)
        assert _two_sided(values)[0] == pytest.approx(shape, rel=0.05)
    left, right = _two_sided(np.where(gaussian < 0, gaussian, 3 * gaussian))[2:]
    assert right / left == pytest.approx(9, rel=0.05)


def test_measures_are_finite_and_faults_move_them() -> None:
    plain = measures(PHOTO)
    assert np.isfinite(measures(np.full((90, 120, 3), 128, np.uint8))).all()
    for name in ("white-noise", "gaussian-blur", "jpeg", "darken"):
        worse = measures(distortions.apply(PHOTO, name, 5, seed=0))
        assert worse.shape == plain.shape
        assert np.isfinite(worse).all()
        assert (np.abs(worse - plain) > 0.1 * np.abs(plain)).mean() > 0.2


def test_a_further_cycle_begins_with_the_function_of_the_exported_file(tmp_path: Path) -> None:
    shipped = SHIPPED / "built-in.onnx"
    rng = np.random.default_rng(0)
    pictures = [distortions.apply(PHOTO, name, 3, seed=0) for name in ("jpeg", "white-noise")]
    crops = np.stack(
        [
            [picture[y : y + 64, x : x + 64] for y, x in rng.integers(0, 256, (9, 2))]
            for picture in [PHOTO, *pictures] * 12
        ]
    )
    whole = np.stack([np.asarray(Image.fromarray(PHOTO).resize((64, 64)))] * len(crops))
    np.save(tmp_path / "train-0000.crops.npy", crops)
    np.savez(
        tmp_path / "train-0000.npz", whole=whole, opinion=np.full(len(crops), 3, np.float32),
        families=np.full((len(crops), 8), 1 / 8, np.float32),
        severity=np.zeros((len(crops), 7), np.float32),
    )  # fmt: skip
    network, as_shipped = begun(shipped, Shards(tmp_path)), network_of(shipped)
    as_shipped.second = None
    assert network.second is None
    assert network.training
    shown = torch.from_numpy(crops[:6]), torch.from_numpy(whole[:6])
    with torch.inference_mode():
        expected, found = as_shipped.eval()(*shown), network.eval()(*shown)
    torch.testing.assert_close(found.score, expected.score, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.families, expected.families, atol=1e-3, rtol=0)
    normal = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert not any(bool((norm.running_var == 1).all()) for norm in normal)
