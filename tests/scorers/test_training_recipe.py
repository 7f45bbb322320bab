"""The recipe of the built-in scorer: photos, hard types, measures by hand, cycles, naturalness."""

from __future__ import annotations

import copy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import skimage.data
from PIL import Image

from snellen import distortions

torch = pytest.importorskip("torch", reason="needs torch: make test-torch")

from runs.built_in_judge import encode  # noqa: E402
from runs.built_in_scorer import natural as fitting  # noqa: E402
from runs.built_in_scorer import second as weighing  # noqa: E402
from runs.built_in_scorer.by_hand import _shape, _two_sided, measures  # noqa: E402
from runs.built_in_scorer.finish import SHIPPED, predict  # noqa: E402
from runs.built_in_scorer.make import ladder_unit  # noqa: E402
from runs.built_in_scorer.photos import LONGEST, NARROWEST, taken  # noqa: E402
from runs.built_in_scorer.samples import HARD, tabled  # noqa: E402
from runs.built_in_scorer.second import learn, statistics_of  # noqa: E402
from runs.built_in_scorer.train import (  # noqa: E402
    KINDS_APART,
    RUNGS_APART,
    Shards,
    begun,
    ranking,
)
from snellen.images.view import make_view  # noqa: E402
from snellen.students.naturalness import SHARP, Naturalness, bent  # noqa: E402
from snellen.students.network import ScorerNetwork, to_planes  # noqa: E402
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


@pytest.mark.parametrize("turn", range(4))
@pytest.mark.parametrize("hard", [True, False])
def test_a_unit_of_ladders_is_three_rungs_of_one(photo: Path, turn: int, hard: bool) -> None:
    made = ladder_unit(photo, turn, None, hard=hard)  # type: ignore[arg-type]  # all have a table
    names, levels = zip(*(sample.parts[0] for sample in made), strict=True)
    assert len(set(names)) == 1
    assert names[0] in (HARD if hard else [kind.name for kind in tabled()])
    assert len(set(levels)) == 3
    order = distortions.get(names[0]).order
    by_harm = sorted(made, key=lambda sample: order.index(int(sample.parts[0][1])))
    opinions = [sample.opinion for sample in by_harm]
    assert opinions == sorted(opinions, reverse=True)


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
        severity=np.zeros((len(crops), 7), np.float32), parts=np.full(len(crops), "[]"),
    )  # fmt: skip
    network, as_shipped = begun(shipped, Shards(tmp_path)), network_of(shipped)
    as_shipped.second = as_shipped.natural = None
    assert network.second is network.natural is None
    assert network.training
    shown = torch.from_numpy(crops[:6]), torch.from_numpy(whole[:6])
    with torch.inference_mode():
        expected, found = as_shipped.eval()(*shown), network.eval()(*shown)
    torch.testing.assert_close(found.score, expected.score, atol=1e-4, rtol=0)
    torch.testing.assert_close(found.families, expected.families, atol=1e-3, rtol=0)
    normal = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    assert not any(bool((norm.running_var == 1).all()) for norm in normal)


def stored(folder: Path, name: str, pictures: list[np.ndarray], parts: list[str]) -> None:
    """Pictures as a shard of training keeps them, or as a held-out file does."""
    views = [make_view(picture) for picture in pictures]
    crops, whole = np.stack([v.crops for v in views]), np.stack([v.whole for v in views])
    n = len(pictures)
    labels = {
        "whole": whole, "parts": np.array(parts), "opinion": np.linspace(4, 2, n, dtype=np.float32),
        "families": np.full((n, 8), 1 / 8, np.float32), "severity": np.zeros((n, 7), np.float32),
    }  # fmt: skip
    folder.mkdir(parents=True, exist_ok=True)
    if name.startswith(("train", "hard")):
        np.save(folder / f"{name}.crops.npy", crops)
        (folder / "taken.json").write_text("0")
    else:
        labels["crops"] = crops
    np.savez(folder / f"{name}.npz", **labels)


def test_shards_of_several_caches_and_kinds_are_read_together(tmp_path: Path) -> None:
    stored(tmp_path / "a", "train-0000", [PHOTO] * 3, ["[]"] * 3)
    stored(tmp_path / "b", "train-0000", [PHOTO] * 3, ["[]"] * 3)
    stored(tmp_path / "b", "hard-0000", [PHOTO] * 6, ["[]"] * 6)
    assert Shards(tmp_path / "a", tmp_path / "b").groups == 4
    assert Shards(tmp_path / "a", tmp_path / "b", limit=2).groups == 2
    with pytest.raises(SystemExit, match="make"):
        Shards(tmp_path / "none")


def test_rungs_of_one_ladder_count_from_a_smaller_gap_than_two_kinds(tmp_path: Path) -> None:
    jpeg, noise, mix = '[["jpeg", 2]]', '[["white-noise", 1]]', '[["jpeg", 1], ["white-noise", 2]]'
    steps = '[["noise", 0.5], ["jpeg", 0.2]]'
    parts = [jpeg, '[["jpeg", 5]]', noise, mix, '[["jpeg", 4], ["white-noise", 1]]', jpeg]
    stored(tmp_path, "train-0000", [PHOTO] * 9, [*parts, steps, steps, steps])
    found = Shards(tmp_path).apart(np.arange(3))
    rungs, kinds = np.float32(RUNGS_APART), np.float32(KINDS_APART)
    assert found.tolist() == [[rungs, kinds, kinds], [rungs, kinds, kinds], [rungs] * 3]


def test_ranking_punishes_a_wrong_order_and_leaves_what_is_too_close_alone() -> None:
    opinion, apart = torch.tensor([4.0, 3.0, 2.9]), torch.tensor([[0.1, 0.1, 0.3]])
    right, wrong = torch.tensor([4.5, 2.5, 3.5]), torch.tensor([2.5, 4.5, 3.5])
    assert ranking(right, opinion, apart) < 0.02
    assert ranking(wrong, opinion, apart) > 4
    # The last pair lies .1 apart, which does not count between kinds; the others do.
    softplus = torch.nn.functional.softplus
    expected = (softplus(torch.tensor(-8.0)) + softplus(torch.tensor(-4.0))) / 2
    torch.testing.assert_close(ranking(right, opinion, apart), expected)
    assert ranking(right, torch.full((3,), 3.0), apart) == 0


def test_a_second_opinion_learns_what_its_statistics_tell(tmp_path: Path) -> None:
    rungs = [distortions.apply(PHOTO, "white-noise", level, seed=0) for level in (1, 3, 5)]
    parts = [f'[["white-noise", {level}]]' for level in (1, 3, 5)]
    stored(tmp_path, "train-0000", rungs * 42, parts * 42)
    data = Shards(tmp_path)
    data.opinion[:] = np.tile(np.float32([4, 3, 2]), 42)
    network = ScorerNetwork(second=True, natural=True).eval()
    assert network.second is not None
    again = copy.deepcopy(network.second)
    statistics = statistics_of(network, data, 0, tmp_path / "kept")
    assert statistics.shape == (126, network.second.width)
    learn(network.second, statistics, data, seed=0)
    assert not network.second.training
    with torch.inference_mode():
        score, _ = network.second(statistics)
    assert score[0] > score[1] > score[2]
    learn(again, statistics, data, seed=0)
    torch.testing.assert_close(again.state_dict(), network.second.state_dict(), rtol=0, atol=0)


@pytest.mark.parametrize("better", [0, 1])
def test_the_share_is_the_one_that_errs_least_and_keeps_ladders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, better: int
) -> None:
    levels = distortions.get("white-noise").order
    parts = [f'[["white-noise", {level}]]' for level in levels]
    np.savez(tmp_path / "a.npz", parts=parts, group=[7] * len(levels))
    network = ScorerNetwork(second=True, natural=True).eval()
    assert network.second is not None
    falls = torch.linspace(4, 2, len(levels))
    families = torch.zeros(len(levels), 8)

    def predict(given: ScorerNetwork, folder: Path) -> tuple[SimpleNamespace, dict[str, object]]:
        assert given.second is not None
        right = bool(given.second.weight) == bool(better)
        said = SimpleNamespace(score=falls if right else falls.flip(0), families=families)
        said._replace = lambda **given: SimpleNamespace(**given)
        return said, {}

    monkeypatch.setattr(weighing, "predict", predict)
    monkeypatch.setattr(weighing, "calibrate", lambda *_: {})
    monkeypatch.setattr(weighing, "merit", lambda _: 0.25)
    found = weighing.weigh(network, tmp_path)
    worst, best = (found[min(found)], found[max(found)])[:: 1 if better else -1]
    assert (worst, best) == (1.25, 0.25)
    assert found[round(float(network.second.weight), 2)] == best


def test_statistics_are_kept_until_what_they_depend_on_is_another(tmp_path: Path) -> None:
    stored(tmp_path, "train-0000", [PHOTO] * 6, ["[]"] * 6)
    data = Shards(tmp_path)
    network = ScorerNetwork(second=True, natural=True).eval()
    first = statistics_of(network, data, 0, tmp_path / "kept")
    (file,) = (tmp_path / "kept").rglob("*.npy")
    np.save(file, np.load(file) + 1)
    torch.testing.assert_close(statistics_of(network, data, 0, tmp_path / "kept"), first + 1)
    network.stem.detail.data *= 1.1
    other = statistics_of(network, data, 0, tmp_path / "kept")
    assert len([*(tmp_path / "kept").rglob("*.npy")]) == 2
    assert not torch.allclose(other, first)
    stored(tmp_path, "train-0000", [PHOTO[::-1].copy()] * 6, ["[]"] * 6)  # made again, of others
    assert not torch.allclose(statistics_of(network, Shards(tmp_path), 0, tmp_path / "kept"), other)


def test_the_judges_encoder_is_taught_by_the_same_shards(tmp_path: Path) -> None:
    stored(tmp_path, "train-0000", [PHOTO] * 6, ["[]"] * 6)
    teacher = network_of(SHIPPED / "built-in.onnx")
    width = teacher.cell_score.in_features

    def tower(values: torch.Tensor) -> SimpleNamespace:
        return SimpleNamespace(last_hidden_state=torch.ones(len(values), 4, 16))

    batch = Shards(tmp_path).batch(np.arange(2), np.random.default_rng(0))
    losses = encode.step_losses(tower, encode.Heads(16, width), teacher, batch)
    assert all(bool(torch.isfinite(loss)) for loss in losses.values())


PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos as they are and ruined for training; ladders and chains for validation."""
    folder = tmp_path_factory.mktemp("cache")
    photos = [np.ascontiguousarray(getattr(skimage.data, name)()) for name in PHOTOS]
    ruined = [distortions.apply(photo, "white-noise", 5, seed=0) for photo in photos]
    parts = ["[]"] * len(photos) + ['[["white-noise", 5]]'] * len(photos)
    stored(folder, "train-0000", photos + ruined, parts)
    rungs = [distortions.apply(PHOTO, "white-noise", level, seed=0) for level in range(1, 6)]
    stored(
        folder / "validation", "astronaut", [PHOTO, *rungs],
        ["[]", *(f'[["white-noise", {level}]]' for level in range(1, 6))],
    )  # fmt: skip
    chain = '[["noise", 0.5], ["jpeg", 0.5]]'
    stored(folder / "validation-chains", "astronaut", rungs, [chain] * len(rungs))
    return folder


class TestNaturalness:
    def test_it_is_fitted_on_the_sharp_crops_of_untouched_photos_alone(self, cache: Path) -> None:
        natural, photos = Naturalness(), list(fitting.pristine_crops([cache]))
        assert len(photos) == len(PHOTOS)
        count = fitting.fit(natural, photos)
        kept = []
        for crops in photos:
            features, sharpness = natural.features(
                natural.luma_of(to_planes(torch.from_numpy(crops)))
            )
            kept.append(features[sharpness > SHARP * sharpness.max()])
        usual = (torch.cat(kept) - natural.middle) @ natural.axes
        assert 0 < len(usual) == count < sum(map(len, photos))
        torch.testing.assert_close(usual.mean(0), torch.zeros(natural.width), atol=2e-3, rtol=0)
        # One in every axis but for the ridge, which weighs on axes that so few crops hardly fill.
        spread = torch.cov(usual.T).diagonal()
        assert (spread > 0.2).all()
        assert (spread < 1.05).all()

    def test_its_opinion_gets_the_mean_and_deviation_of_the_scores(self, cache: Path) -> None:
        natural, validation = Naturalness(), cache / "validation"
        fitting.fit(natural, fitting.pristine_crops([cache]))
        score = torch.tensor([4.5, 4.1, 3.6, 3.0, 2.2, 1.5])
        fitting.align(natural, score, validation)
        crops = torch.from_numpy(np.load(validation / "astronaut.npz")["crops"])
        luma = natural.luma_of(to_planes(crops.flatten(0, 1)))
        distance = natural.distance(natural.scene(luma, len(crops)))
        said = natural.opinion(distance)
        assert float(said.mean()) == pytest.approx(float(score.mean()), abs=1e-3)
        assert float(said.std()) == pytest.approx(float(score.std()), abs=1e-3)
        assert said[0] > said[-1]
        natural.strength.fill_(0.7)
        moved = natural(score, distance)
        assert float(moved.mean()) == pytest.approx(float(score.mean()), abs=1e-3)
        assert not torch.allclose(moved, score, atol=0.05)

    def test_each_strength_is_weighed_as_the_network_would_score_with_it(self, cache: Path) -> None:
        network = network_of(SHIPPED / "built-in.onnx")
        natural = network.natural = Naturalness()
        fitting.fit(natural, fitting.pristine_crops([cache]))
        fitting.align(
            natural, predict(network, cache / "validation")[0].score, cache / "validation"
        )
        plain = predict(network, cache / "validation")[0].score
        said = fitting.opinions(natural, cache / "validation")
        natural.strength.fill_(0.4)
        expected = predict(network, cache / "validation")[0].score
        found = bent(plain, said, natural.strength, natural.usual)
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=0)
        found = fitting.weigh(network, cache)
        assert tuple(found) == fitting.STRENGTHS
        assert found[0.0] == (pytest.approx(1), pytest.approx(1))  # noise is told, level by level

    def test_the_strength_is_the_one_that_ranks_best_what_was_taught_and_what_was_not(
        self, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        out = tmp_path / "seed-0"
        out.mkdir()
        network = ScorerNetwork(second=True, natural=True).eval()
        assert network.natural is not None
        fitting.fit(network.natural, fitting.pristine_crops([cache]))
        network.natural.strength.fill_(0.9)  # one that was bent before
        torch.save(network.state_dict(), out / "fused.pt")
        ranked = {0.0: (0.9, 0.5), 0.2: (0.88, 0.6), 0.4: (0.8, 0.65)}
        monkeypatch.setattr(fitting, "weigh", lambda *_: ranked)
        arguments = ["natural", "--cache", str(cache), "--out", str(tmp_path)]
        untaught = ["--untaught", str(SHIPPED / "built-in.onnx")]
        monkeypatch.setattr("sys.argv", [*arguments, *untaught])
        fitting.main()
        saved = torch.load(out / "fused.pt", weights_only=True)
        assert float(saved["natural.strength"]) == pytest.approx(0.2)
        assert not torch.equal(saved["natural.top"], network.state_dict()["natural.top"])
        for name in ("second.weight", "cell_score.weight", "natural.middle", "natural.axes"):
            assert torch.equal(saved[name], network.state_dict()[name])
        fitting.main()
        again = torch.load(out / "fused.pt", weights_only=True)
        assert all(torch.equal(saved[name], again[name]) for name in saved)
