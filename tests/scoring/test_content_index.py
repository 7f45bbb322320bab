"""The content index: known spreads and falls give known numbers, whatever the scale."""

from __future__ import annotations

import math

import numpy as np
import pytest
from asking import picture
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.errors import ConstantValues, ImageError, InputError, MissingAnswer, TooFewRatings
from snellen.images import Picture
from snellen.judges import ScriptedJudge
from snellen.judges.demo import sharpness
from snellen.scorers.base import Score
from snellen.scoring import JudgeScorer, make_method
from snellen.scoring.content_index import (
    content_classes,
    content_index,
    degraded,
    score_ladders,
)

Table = tuple[list[float], list[str], list[str], list[int]]


def table(offsets: list[float], fall: float = 40.0) -> Table:
    """Photos scored 80 + offset, falling to 80 + offset − fall along two ladders of two levels."""
    rows = [
        (80 + offset - fall * level / 2, f"photo {at}", kind if level else "", level)
        for at, offset in enumerate(offsets)
        for kind, level in (("", 0), ("blur", 1), ("blur", 2), ("noise", 1), ("noise", 2))
    ]
    score, content, kind, level = (list(column) for column in zip(*rows, strict=True))
    return score, content, kind, level  # type: ignore[return-value]


def test_spread_over_fall_by_hand() -> None:
    found = content_index(*table([-10.0, 0.0, 10.0]))
    assert found.spread == pytest.approx(10.0)
    assert found.fall == pytest.approx(40.0)
    assert found.value == pytest.approx(0.25)
    assert found.falls == {"blur": pytest.approx(40.0), "noise": pytest.approx(40.0)}
    assert (found.photos, found.missing) == (3, 0)
    assert found.low < 0.25 < found.high


def test_equal_photos_have_no_content_in_their_scores() -> None:
    found = content_index(*table([0.0] * 5))
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.01, 100), st.floats(-1000, 1000))
def test_the_scale_of_the_scores_does_not_matter(times: float, plus: float) -> None:
    score, *rest = table([-10.0, 3.0, 10.0, 4.0])
    moved = content_index([times * one + plus for one in score], *rest, resamples=200)
    still = content_index(score, *rest, resamples=200)
    assert moved.value == pytest.approx(still.value, rel=1e-6)
    assert moved.high == pytest.approx(still.high, rel=1e-6)


def test_the_interval_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(60):
        score, *rest = table(rng.normal(0, 10, 20).tolist())
        found = content_index(score, *rest, resamples=300)
        inside += found.low <= 10 / 40 <= found.high
    assert inside >= 51  # of 60, nominal 57


def test_missing_scores_are_counted_and_the_next_level_stands_in() -> None:
    score, content, kind, level = table([-10.0, 0.0, 10.0, 20.0])
    score[2] = math.nan  # the worst blur of the first photo: level 1 counts instead
    score[15] = math.nan  # the last photo has no pristine score
    found = content_index(score, content, kind, level)
    assert (found.photos, found.missing) == (3, 2)
    assert found.falls["blur"] == pytest.approx((20 + 40 + 40) / 3)


def test_what_cannot_be_measured_is_refused() -> None:
    score, content, kind, level = table([-10.0, 0.0, 10.0])
    with pytest.raises(ConstantValues, match="do not fall"):
        content_index([-one for one in score], content, kind, level)
    with pytest.raises(TooFewRatings, match="of 2 photos"):
        content_index(score[:10], content[:10], kind[:10], level[:10])
    with pytest.raises(InputError, match="15, 15, 14, 15 rows"):
        content_index(score, content, kind[:-1], level)


def test_a_fall_that_is_not_sure_leaves_the_index_without_upper_end() -> None:
    rng = np.random.default_rng(3)
    score, content, kind, level = table([0.0] * 8, fall=0.0)
    noisy = np.array(score) + rng.normal(0, 5, len(score))
    noisy += 1.5 * (np.array(level) == 0)
    assert content_index(noisy, content, kind, level).high == math.inf


def test_classes_of_content_ranked_well_apart_and_badly_together() -> None:
    rng = np.random.default_rng(1)
    mos = rng.random(120)
    classes = ["face", "text", "tree"] * 40
    offset = np.array([0.0, 5.0, -5.0] * 40)
    found = content_classes(mos + offset, mos, classes)
    assert found.within == pytest.approx(1.0)
    assert found.pooled.value < 0.5
    assert list(found.classes) == ["face", "text", "tree"]
    lonely = content_classes(mos + offset, mos, [*classes[:-1], "alone"])
    assert isinstance(lonely.classes["alone"], str)
    assert lonely.within == pytest.approx(1.0)


def test_a_driver_scores_photos_and_their_worst_copies() -> None:
    scorer = JudgeScorer(ScriptedJudge(sharpness), make_method("levels"))
    told: list[tuple[int, int]] = []
    rows = score_ladders(
        scorer,
        [picture(seed) for seed in range(4)],
        types=("gaussian-blur", "contrast-change"),
        told=lambda *done: told.append(done),
    )
    assert told == [(12, 12)]
    assert rows.type[:3] == ("", "gaussian-blur", "contrast-change")
    assert rows.level[:3] == (0, 5, 5)
    found = content_index(rows.score, rows.content, rows.type, rows.level)
    assert found.falls["gaussian-blur"] > 10
    assert abs(found.falls["contrast-change"]) < 5  # the judge of sharpness is blind to it


def test_a_scorer_that_fails_on_some_pictures_is_told() -> None:
    class Half:
        name = "half"

        def score(self, photo: Picture) -> Score:
            if photo.decoder == "degraded":
                raise ImageError("too ugly")
            return Score(50.0, 40.0, 60.0, 5.0)

    rows = score_ladders(Half(), [picture(seed) for seed in range(3)], types=("jpeg",))
    assert np.isnan(rows.score).sum() == 3
    assert rows.reasons == ("too ugly",) * 3
    with pytest.raises(MissingAnswer, match="none of 2 pictures was scored: too ugly"):
        score_ladders(Half(), [degraded(picture(1), "jpeg", 3)], types=("jpeg",))


def test_levels_are_told_in_the_order_of_harm() -> None:
    scorer = JudgeScorer(ScriptedJudge(sharpness), make_method("levels"))
    rows = score_ladders(scorer, [picture(1)], types=("mean-shift",), levels=(1, 3))
    from snellen.distortions import get

    order = get("mean-shift").order
    assert rows.level == (0, order.index(1) + 1, order.index(3) + 1)


def test_degraded_pictures_are_the_same_everywhere_and_known_apart() -> None:
    one, again = (degraded(picture(1), "white-noise", 3) for _ in range(2))
    assert one.hash == again.hash
    assert (one.pixels == again.pixels).all()
    assert len({picture(1).hash, one.hash, degraded(picture(1), "white-noise", 4).hash}) == 3
    photo = picture(2)
    assert degraded(photo, "", 0) is photo
