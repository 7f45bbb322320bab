"""Naming, ladders, consistency, content and verdicts on sheets written by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from snellen.audit.consistency import consistent, wordings
from snellen.audit.findings import find_out
from snellen.audit.ladders import climb
from snellen.audit.perception import perceive
from snellen.audit.questions import LABELS
from snellen.audit.rates import Rate
from snellen.audit.reliability import reliability
from snellen.audit.sheet import Sheet, sheet_of
from snellen.audit.verdict import sight, verdicts
from snellen.audit.versus import versus

PHOTOS = [f"photo{number}" for number in range(8)]
KINDS = {"gaussian-blur": "blur", "white-noise": "noise", "jpeg": "compression"}


def sure(label: str, p: float = 0.93) -> list[float]:
    """Probabilities with `p` on one label and the same on each other."""
    left = (1 - p) / 7
    return [p if one == label else left for one in LABELS]


def row(reference: str, kind: str, place: int, said: str | None, score: float | None,
        **asked: Any) -> dict[str, Any]:  # fmt: skip
    family = KINDS.get(kind, "clean")
    return {
        "image": f"0/{reference}/{kind}/{place}", "reference": reference, "type": kind,
        "family": family if place else "clean", "level": place, "place": place,
        "mos": 1 - place / 6, "label": None if said is None else sure(said), "mass": 0.8,
        "missing": None if said else "no answer", "score": score,
        "score_missing": None if score is not None else "no answer", "asked": asked,
    }  # fmt: skip


def sheet(says: Any, score: Any, **asked: Any) -> Sheet:
    """`says(kind, place)`, `score(photo number, kind, place)` over eight photos, three types."""
    rows = []
    for number, name in enumerate(PHOTOS):
        rows.append(row(name, "pristine", 0, says("pristine", 0), score(number, "pristine", 0)))
        rows += [
            row(name, kind, place, says(kind, place), score(number, kind, place), **asked)
            for kind in KINDS
            for place in range(1, 6)
        ]
    return sheet_of(rows)


def right(kind: str, place: int) -> str:
    return KINDS[kind] if place else "clean"


def falling(number: int, kind: str, place: int) -> float:
    return 90.0 - 10 * place


def test_a_perfect_judge() -> None:
    found = perceive(sheet(right, falling))
    assert found.accuracy.value == found.macro.value == 1.0
    assert found.soft.value == pytest.approx(0.93 / 0.94)
    assert found.calibration.value == pytest.approx(0.07)
    assert found.n == 8 * 16
    blur = found.labels[LABELS.index("blur")]
    assert (blur.n, blur.informed.value, blur.false_alarms.value) == (40, 1.0, 0.0)
    assert found.labels[LABELS.index("jitter")].n == 0


def test_a_judge_that_always_says_one_word_is_blind_to_it_too() -> None:
    found = perceive(sheet(lambda kind, place: "blur", falling))
    assert found.accuracy.value == found.majority == pytest.approx(40 / 128)
    assert found.macro.value == pytest.approx(1 / 4)  # four labels are there
    blur = found.labels[LABELS.index("blur")]
    assert blur.recall.value == 1.0
    assert blur.informed.value == 0.0
    assert found.confusion[LABELS.index("noise")][LABELS.index("blur")] == 40


def test_missing_answers_are_left_out_and_counted() -> None:
    found = perceive(sheet(lambda kind, place: None if place == 3 else right(kind, place), falling))
    assert (found.n, found.missing, found.accuracy.value) == (128 - 24, 24, 1.0)
    assert math.isnan(found.by_place[3].value)


def test_nothing_answered_is_no_figure() -> None:
    found = perceive(sheet(lambda kind, place: None, falling))
    assert found.n == 0
    assert math.isnan(found.accuracy.value)


def test_a_ladder_that_falls_at_every_step() -> None:
    types, families = climb(sheet(right, falling))
    assert [ladder.name for ladder in types] == list(KINDS)
    blur = types[0]
    assert (blur.monotone.value, blur.steps.value, blur.tau.value) == (1.0, 1.0, 1.0)
    assert blur.noticed == 1
    assert blur.fall.value == 50.0
    assert blur.scores == (90, 80, 70, 60, 50, 40)
    assert [ladder.name for ladder in families] == ["blur", "noise", "compression"]


def test_a_score_that_never_moves() -> None:
    types, _ = climb(sheet(right, lambda number, kind, place: 55.0))
    assert all(ladder.flat == 1.0 and ladder.tau.value == 0.0 for ladder in types)
    assert all(ladder.monotone.value == 0.0 and ladder.noticed is None for ladder in types)
    [first, *_] = verdicts(sheet(right, lambda number, kind, place: 55.0), types)
    assert first.score == "its score never moves"


def test_noticed_from_the_step_where_the_fall_begins() -> None:
    def late(number: int, kind: str, place: int) -> float:
        return 80.0 + number - (20 if place >= 4 else 0)

    types, _ = climb(sheet(right, late))
    assert types[0].noticed == 4
    assert types[0].monotone.value == 1.0
    assert types[0].steps.value == pytest.approx(1 / 5)


def test_tau_of_one_wrong_step_by_hand() -> None:
    scores = [90, 80, 85, 60, 50, 40]
    types, _ = climb(sheet(right, lambda number, kind, place: scores[place]))
    assert types[0].tau.value == pytest.approx((14 - 1) / 15)
    assert types[0].monotone.value == 0.0


def test_missing_scores_shorten_a_ladder_and_too_few_leave_it_out() -> None:
    def holes(number: int, kind: str, place: int) -> float | None:
        if kind == "jpeg" and place > 1:
            return None
        return None if place == 2 else 90.0 - 10 * place

    types, _ = climb(sheet(right, holes))
    assert [ladder.name for ladder in types] == ["gaussian-blur", "white-noise"]
    assert types[0].tau.value == 1.0
    assert math.isnan(types[0].scores[2])


def test_verdicts_in_words() -> None:
    def says(kind: str, place: int) -> str:
        return right(kind, place) if kind != "white-noise" else "jitter"

    def score(number: int, kind: str, place: int) -> float:
        return 90.0 - 10 * place * (kind != "jpeg")

    made = sheet(says, score)
    found = {one.type: one for one in verdicts(made, climb(made)[0])}
    assert found["gaussian-blur"].sight == "sees it"
    assert found["white-noise"].sight == "blind"
    assert found["white-noise"].sentence == (
        "white-noise (noise): blind, mostly says jitter; its score falls with it, from step 1 of 5"
        " on"
    )
    assert found["jpeg"].score == "its score never moves"


@pytest.mark.parametrize(
    ("rate", "word"),
    [
        (Rate(0.9, 0.8, 1.0, 24), "sees it"),
        (Rate(0.3, 0.1, 0.5, 24), "guesses"),
        (Rate(0.05, -0.1, 0.2, 24), "blind"),
        (Rate(0.6, -0.1, 1.0, 2), "not known"),
        (Rate(math.nan, math.nan, math.nan, 0), "not known"),
    ],
)
def test_sight(rate: Rate, word: str) -> None:
    assert sight(rate) == word


def test_reliability_is_how_surely_a_copy_is_below_its_original() -> None:
    def score(number: int, kind: str, place: int) -> float:
        if kind == "white-noise":  # a coin: half of the photos rise
            return 50.0 + (place if number % 2 else -place)
        return 50.0 - place if kind == "gaussian-blur" else 50.0

    found = reliability(sheet(right, score), "judge", "method")
    assert found.families["blur"].reliability == 1.0
    assert found.families["noise"].reliability == 0.0
    assert found.families["compression"].reliability == 0.0
    assert found.families["clean"].reliability == 1.0
    assert "brightness" not in found.families
    assert found.overall == pytest.approx(0.5)
    assert found.weight({"blur": 0.5, "noise": 0.25, "brightness": 0.25}) == pytest.approx(0.625)
    assert found.families["blur"].levels == {str(place): 1.0 for place in range(1, 6)}


def test_content_is_what_motifs_cost_in_units_of_the_worst() -> None:
    def score(number: int, kind: str, place: int) -> float:
        return 60.0 + 5 * (number % 2) - 4 * place

    found = find_out(sheet(right, score), "judge", "method", samples=False)
    assert found.content is not None
    assert found.content.fall == pytest.approx(20.0)
    assert found.content.value == pytest.approx(float(np.std([0, 5] * 4, ddof=1)) / 20)
    even = find_out(sheet(right, falling), "judge", "method", samples=False)
    assert even.content is not None
    assert even.content.value == 0.0


def test_content_is_told_not_to_be_known_where_scores_do_not_fall() -> None:
    flat = find_out(sheet(right, lambda number, kind, place: 50.0), "j", "m", samples=False)
    assert flat.content is None
    assert "do not fall" in flat.skipped["content"]
    silent = find_out(sheet(right, lambda number, kind, place: None), "j", "m", samples=False)
    assert silent.content is None
    assert silent.skipped["content"]


def test_changed_answers_are_counted_by_kind() -> None:
    asked = {
        "order/1": sure("jitter"), "letters/0": None, "wording/taught/main": sure("jitter"),
        "wording/unseen/fault": sure("blur"), "file/png": sure("blur"), "rating/rate": 40.0,
        "rating/how": 50.0, "better/first": 0.2, "better/second": 0.1,
    }  # fmt: skip
    made = sheet(lambda kind, place: "blur", falling, **asked)
    found = consistent(made, samples=False)
    changed = {one.kind: one for one in found.changes}
    assert changed["order"].changed.value == 1.0
    assert changed["file"].changed.value == 0.0
    assert changed["wording"].changed.value == 0.5
    assert changed["letters"].reason == "nothing was answered both ways"
    assert changed["again"].reason.startswith("the judge does not draw")
    assert found.spread.value == pytest.approx(np.std([40, 50], ddof=1))
    assert found.first.value == pytest.approx((0.2 + 0.9) / 2)
    assert found.flipped.value == 0.0
    assert found.pristine_wins.value == 1.0
    assert found.unseen.value == pytest.approx(1 / 3)  # blur is right for one type of three
    by_wording = wordings(made)
    assert by_wording["taught/main"].value == 0.0
    assert by_wording["unseen/fault"].value == pytest.approx(1 / 3)


def test_a_judge_that_draws_is_asked_again() -> None:
    made = sheet(lambda kind, place: "blur", falling, **{"again/0": sure("noise")})
    again = consistent(made, samples=True).changes[0]
    assert (again.kind, again.changed.value, again.reason) == ("again", 1.0, "")


def test_two_judges_are_paired_by_photo() -> None:
    better = sheet(right, falling)
    worse = sheet(
        lambda kind, place: "clean" if kind == "jpeg" else right(kind, place),
        lambda number, kind, place: 90.0 - 10 * place * (kind != "jpeg"),
    )
    found = {one.what: one for one in versus(worse, better)}
    assert found["accuracy"].difference.value == pytest.approx(40 / 128)
    assert found["recall of compression"].difference.value == 1.0
    assert found["recall of compression"].p == pytest.approx(2.0**-7)
    assert found["recall of blur"].p == 1.0
    assert found["order of scores, compression"].difference.value == 1.0
    assert all(one.p_holm >= one.p for one in found.values())
    back = {one.what: one for one in versus(better, worse)}
    assert back["accuracy"].difference.value == -found["accuracy"].difference.value
