"""A judge with a planted content bias: debiasing must take it out, plain read-outs must not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr

from snellen.judges import ImagePart, choice, predicate
from snellen.scoring import JudgeScorer, make_method
from snellen.scoring.copies import Copies
from snellen.scoring.planted import World, planted_share, quality_of


@pytest.fixture(scope="module")
def world() -> World:
    """Eight contents, each pristine and with fifteen distortions."""
    return World.make(contents=8, seed=7)


def scores(world: World, method: str, every: int = 1, **options: object) -> list[float]:
    scorer = JudgeScorer(world.judge(), make_method(method, **options))
    found = scorer.score_many([view.picture for view in world.views[::every]])
    return [one.value for one in found]  # type: ignore[union-attr]


def srcc(world: World, found: list[float], every: int = 1) -> float:
    return float(spearmanr(found, [view.quality for view in world.views[::every]]).statistic)


def test_quality_of_this_world_is_the_signal_to_noise_ratio() -> None:
    reference = np.full((8, 8, 3), 100, np.uint8)
    assert quality_of(reference, reference) == 1.0
    assert quality_of(reference + np.uint8(100), reference) == 0.0
    off_by_8 = quality_of(reference + np.uint8(8), reference)  # 30.07 dB
    assert off_by_8 == pytest.approx((30.07 - 15) / 25, abs=1e-3)


def test_contents_are_known_in_every_picture_and_in_nearly_every_ruined_copy(world: World) -> None:
    assert all(world._seen(ImagePart(v.picture))[0] == v.content for v in world.views)
    method = make_method("debias", copies=4)
    known = [
        world._seen(question.images[0])[0] == view.content
        for view in world.views[::16]
        for question in method.questions(view.picture)
    ]
    assert np.mean(known) > 0.9  # fog may hide one, as it may from anybody


def test_the_default_copy_is_more_evenly_poor_than_a_blurred_one(world: World) -> None:
    """What a judge without bias loses is how far the copies' own quality goes up and down."""

    def spread(copies: int | str) -> float:
        made = Copies.of(copies)
        return float(
            np.std(
                [
                    quality_of(made.make(v.picture)[0].pixels(), world.references[v.content])
                    for v in world.views[::5]
                ]
            )
        )

    assert spread(1) < 0.7 * spread("zoom-blur:3")


def test_plain_readouts_keep_the_planted_bias(world: World) -> None:
    for method in ("levels", "two-words"):
        found = scores(world, method)
        assert planted_share(found, world) > 0.5
        unbiased = replace(world, offsets=0 * world.offsets)
        assert srcc(world, found) < srcc(unbiased, scores(unbiased, method)) - 0.1


def test_the_share_is_that_of_the_regression(world: World) -> None:
    quality = np.array([view.quality for view in world.views])
    offset = world.offsets[[view.content for view in world.views]]
    share = offset.var() / quality.var()
    assert planted_share(list(3 * quality + 7), world) == pytest.approx(0, abs=1e-12)
    assert planted_share(list(quality + offset), world) == pytest.approx(share)
    assert planted_share(list(5 * quality + 10 * offset), world) == pytest.approx(4 * share)


def test_debias_takes_the_planted_bias_out(world: World) -> None:
    """A third of the pictures, to be fast; the slow test has all."""
    some = world.views[::3]
    plain, debiased = scores(world, "levels", 3), scores(world, "debias", 3)
    left = planted_share(debiased, world, some) / planted_share(plain, world, some)
    assert left < 0.2
    assert srcc(world, debiased, 3) > srcc(world, plain, 3) + 0.1


def test_a_judge_that_does_not_listen_is_not_cured(world: World) -> None:
    deaf = replace(world, trust=0.0)
    some = deaf.views[::3]
    plain, debiased = scores(deaf, "levels", 3), scores(deaf, "debias", 3)
    assert planted_share(debiased, deaf, some) > 0.8 * planted_share(plain, deaf, some)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"as_published": True}], ids=["default", "published"])
def test_the_whole_proof(options: dict[str, bool]) -> None:
    """At least 80 % of the planted variance gone and a higher SRCC. A judge without a bias pays a
    little for it; how much is measured over more worlds by `runs/planted_bias.py`."""
    world = World.make(contents=12, seed=11)
    plain, debiased = scores(world, "levels"), scores(world, "debias", **options)
    assert planted_share(debiased, world) < 0.2 * planted_share(plain, world)
    assert srcc(world, debiased) > srcc(world, plain) + 0.1
    fair = replace(world, offsets=0 * world.offsets)
    paid = srcc(fair, scores(fair, "levels")) - srcc(fair, scores(fair, "debias", **options))
    assert paid < (0.03 if options else 0.015)


def test_the_judge_reads_text_and_pixels_only(world: World) -> None:
    judge = world.judge()
    clean, worse = (ImagePart(world.views[at].picture) for at in (0, 3))
    [better, same, other, unread] = judge.answer(
        [
            choice(clean, worse, "Which is better?", options=("A", "B")),
            predicate(clean, worse, "Do these two images describe the same object?"),
            predicate(clean, ImagePart(world.views[16].picture), "The same object?"),
            choice(clean, "What colour is it?", options=("red", "blue")),
        ]
    )
    assert better["A"] > 0.9
    assert same["Yes"] > 0.9 > 0.1 > other["Yes"]
    assert unread.missing == "the script does not know"
    told = {}
    for word in ("poor", "excellent"):
        text = f"The visual quality of the first image is {word}. How about the second?"
        [answer] = judge.answer([choice(worse, clean, text, options=("Good", "Poor"))])
        told[word] = answer["Good"]
    assert told["excellent"] > told["poor"]  # it takes the told quality as its yardstick


def test_worlds_of_one_seed_are_equal_and_judges_have_names_of_their_own() -> None:
    one, again, other = (World.make(contents=2, seed=seed) for seed in (1, 1, 2))
    assert [view.picture.hash for view in one.views] == [view.picture.hash for view in again.views]
    assert one.judge().name == again.judge().name != other.judge().name
    assert one.judge().name != replace(one, trust=0.5).judge().name
