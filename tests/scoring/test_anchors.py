"""Anchors: a picture is placed among five of known quality, or has no score and a reason."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from asking import judge, picture
from PIL import Image

from snellen.errors import InputError, MissingAnswer, UnreadableImage
from snellen.judges import Answer, Question
from snellen.scoring import JudgeScorer
from snellen.scoring.anchors import Anchors

GOOD = picture(1)


@pytest.fixture(scope="module")
def anchors() -> Anchors:
    return Anchors(GOOD)


def knowing(anchors: Anchors, own: float, sign: float = 1.0):  # type: ignore[no-untyped-def]
    """A judge that knows the anchors' opinions and takes any other picture to be worth `own`."""
    worth = {part.hash: value for part, value in zip(anchors.anchors, anchors.known, strict=True)}

    def say(question: Question) -> Mapping[str, float]:
        one, other = (worth.get(image.hash, own) for image in question.images)
        p = 1 / (1 + math.exp(-sign * (one - other) / 15))
        return {"A": p, "B": 1 - p}

    return judge(say)


def test_anchors_are_spread_over_what_people_say(anchors: Anchors) -> None:
    assert len(anchors.anchors) == 5
    assert anchors.known.max() > 85
    assert anchors.known.min() < 15
    assert np.diff(np.sort(anchors.known)).max() < 30


@pytest.mark.parametrize("own", [20.0, 50.0, 75.0])
def test_a_picture_is_placed_where_the_judge_sees_it(anchors: Anchors, own: float) -> None:
    found = JudgeScorer(knowing(anchors, own), anchors).score(picture(2))
    assert found.value == pytest.approx(own, abs=8)  # the prior draws it to the middle
    assert found.low < found.value < found.high
    assert len(found.evidence) == 5
    assert sum(one.weight for one in found.evidence) == pytest.approx(1)


def test_better_pictures_score_higher_and_nothing_leaves_the_scale(anchors: Anchors) -> None:
    values = [
        JudgeScorer(knowing(anchors, own), anchors).score(picture(2)).value
        for own in (-400, 10, 40, 70, 400)
    ]
    assert values == sorted(values)
    assert values[0] >= 0
    assert values[-1] <= 100


def test_a_lean_to_the_first_place_changes_nothing(anchors: Anchors) -> None:
    fair = knowing(anchors, 60.0)
    [other] = [JudgeScorer(fair, anchors).score(picture(2))]

    def leaning(question: Question) -> Mapping[str, float]:
        [answer] = fair.answer([question])
        odds = answer["A"] / answer["B"] * 5
        return {"A": odds / (1 + odds), "B": 1 / (1 + odds)}

    assert JudgeScorer(judge(leaning), anchors).score(picture(2)).value == pytest.approx(
        other.value, abs=1e-6
    )


def test_missing_comparisons_leave_a_score_that_says_so(anchors: Anchors) -> None:
    answers = knowing(anchors, 60.0).answer(anchors.questions(picture(2)))
    lost = Answer.without(("A", "B"), "timeout")
    found = anchors.score([lost, lost, lost, *answers[3:]])  # one pair, and half of the next
    assert any("1 of 5 comparisons are missing" in note for note in found.notes)
    assert any("one order" in note for note in found.notes)
    assert found.evidence[0].missing.endswith("timeout")
    assert found.value == pytest.approx(60, abs=10)
    with pytest.raises(MissingAnswer, match=r"compared with no anchor.*timeout"):
        anchors.score([lost] * 10 + answers[10:])


def test_a_judge_that_prefers_worse_anchors_has_no_scale(anchors: Anchors) -> None:
    with pytest.raises(MissingAnswer, match="prefers worse anchors"):
        JudgeScorer(knowing(anchors, 60.0, sign=-1.0), anchors).score(picture(2))


def test_the_anchors_are_those_of_the_photo_whatever_it_is_given_as(tmp_path: Path) -> None:
    path = tmp_path / "good.png"
    Image.fromarray(GOOD.pixels).save(path)
    one, same, other = Anchors(path), Anchors(str(path)), Anchors(picture(3))
    assert one.name == same.name != other.name
    assert (one.anchors[2].pixels() == same.anchors[2].pixels()).all()
    with pytest.raises(InputError, match="a good photo, and none was given"):
        Anchors()
    with pytest.raises(UnreadableImage):
        Anchors(tmp_path / "gone.png")


def test_questions_among_anchors_are_the_same_for_every_picture(anchors: Anchors) -> None:
    one, other = (anchors.questions(picture(seed)) for seed in (2, 3))
    assert len(one) == 30
    assert [q.key for q in one[10:]] == [q.key for q in other[10:]]
    assert not {q.key for q in one[:10]} & {q.key for q in other[:10]}
