"""Two images in both orders: the lean to a place is taken out, told, and never guessed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import JudgeError, TooFewRatings
from snellen.judges import Answer, Capabilities, ImagePart, Question, ScriptedJudge
from snellen.scoring.pairs import Verdict, ask_pairs, position_bias, read_pair, settle, unbiased


def plain(value: int) -> ImagePart:
    """A grey image; its value is its quality for the judges below."""
    return ImagePart(np.full((9, 9, 3), value, np.uint8), f"grey {value}")


def leaning(lean: float, deaf: int = -1) -> ScriptedJudge:
    """Log-odds of "A": quality of the first less that of the second, plus `lean`; no answer where
    an image of value `deaf` comes first."""

    def say(question: Question) -> Mapping[str, float] | None:
        one, other = (float(image.pixels()[0, 0, 0]) for image in question.images)
        if one == deaf:
            return None
        p = 1 / (1 + math.exp(-((one - other) / 20 + lean)))
        return {"A": 0.8 * p, "B": 0.8 * (1 - p)}

    return ScriptedJudge(say, f"leaning {lean}")


def sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x))


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_lean_to_one_place_cancels_whatever_its_size(gap: float, lean: float) -> None:
    both = sigmoid(gap + lean), sigmoid(gap - lean)  # P(first better), shown first and second
    assert unbiased(*both) == pytest.approx(sigmoid(gap), abs=1e-9)


@given(st.floats(0, 1), st.floats(0, 1))
def test_swapping_the_two_images_swaps_the_verdict(forward: float, backward: float) -> None:
    swapped = unbiased(1 - backward, 1 - forward)
    assert swapped == pytest.approx(1 - unbiased(forward, backward), abs=1e-9)


def test_certainty_for_one_place_in_both_orders_is_no_preference() -> None:
    assert unbiased(1.0, 0.0) == 0.5
    assert unbiased(1.0, 1.0) == 1.0


def test_the_lean_is_taken_out_and_reported() -> None:
    pairs = [(plain(a), plain(b)) for a, b in ((10, 50), (60, 20), (5, 90), (80, 70))]
    fair, leant = (ask_pairs(leaning(lean), pairs) for lean in (0.0, 1.5))
    for one, other in zip(fair, leant, strict=True):
        assert one.preference == pytest.approx(other.preference)
        assert other.mass == pytest.approx(0.8)
    assert position_bias(fair).first == pytest.approx(0.5)
    bias = position_bias(leant)
    assert bias.first > 0.6
    assert bias.low < bias.first < bias.high
    assert bias.flipped == 0.25  # only 80 against 70 is closer than the lean
    assert bias.flipped_low < 0.25 < bias.flipped_high
    assert [verdict.winner for verdict in leant] == ["second", "first", "second", "tie"]


def test_reliability_is_margin_times_consistency() -> None:
    assert Verdict(0.9, 0.9, 0.9, 1.0).reliability == pytest.approx(0.8)
    assert Verdict(0.9, 0.1, 0.5, 1.0).reliability == pytest.approx(0.0)
    assert Verdict(forward=0.9, preference=0.8, weight=0.5).reliability == 0.0


def test_identical_images_are_a_tie_and_are_not_asked() -> None:
    def never(question: Question) -> Mapping[str, float]:
        raise AssertionError("asked about identical images")

    [verdict] = ask_pairs(ScriptedJudge(never, "never"), [(plain(7), plain(7))])
    assert (verdict.winner, verdict.preference, verdict.missing) == ("tie", 0.5, "")
    assert "identical" in verdict.note


def test_one_order_alone_is_missing_while_the_lean_is_not_known() -> None:
    [verdict] = ask_pairs(leaning(1.0, deaf=50), [(plain(50), plain(20))])
    assert verdict.missing.startswith("no answer in one order: the script does not know")
    assert verdict.winner is None
    assert math.isnan(verdict.preference)
    assert verdict.forward is None
    assert verdict.backward is not None


def test_one_order_is_corrected_by_the_lean_of_the_others_and_counts_half() -> None:
    others = [(plain(a), plain(a + 3)) for a in (60, 70, 80, 90, 100)]
    *_, verdict = ask_pairs(leaning(1.0, deaf=50), [*others, (plain(50), plain(20))])
    assert verdict.preference == pytest.approx(sigmoid(1.5))
    assert verdict.weight == 0.5
    assert "one order" in verdict.note
    assert "over 5 pairs" in verdict.note
    *_, missing = ask_pairs(leaning(1.0, deaf=50), [*others[1:], (plain(50), plain(20))])
    assert missing.missing


def test_settling_leaves_full_and_empty_verdicts_alone() -> None:
    given = [Verdict(0.6, 0.4, 0.5, 1.0)] * 5 + [Verdict(missing="gone")]
    assert settle(given) == given


def test_reading_names_the_reason_of_either_order() -> None:
    lost = Answer.without(("A", "B"), "timeout")
    said = Answer.from_probabilities(("A", "B"), (0.5, 0.3))
    assert read_pair(said, lost).missing == "no answer in one order: timeout"
    assert read_pair(lost, lost).missing == "no answer in either order: timeout"
    assert read_pair(said, said).forward == pytest.approx(0.625)
    assert read_pair(said, said).backward == pytest.approx(0.375)


def test_a_judge_of_one_image_is_refused_by_name_with_what_works() -> None:
    judge = ScriptedJudge(lambda question: None, "one-eyed", Capabilities("given", max_images=1))
    with pytest.raises(JudgeError, match=r"one-eyed takes at most 1.*--method levels"):
        ask_pairs(judge, [(plain(1), plain(2))])


def test_an_image_that_is_gone_is_a_missing_verdict(tmp_path: Path) -> None:
    [verdict] = ask_pairs(leaning(0.0), [(ImagePart(tmp_path / "gone.png"), plain(2))])
    assert "gone.png" in verdict.missing


def test_position_bias_needs_two_pairs() -> None:
    with pytest.raises(TooFewRatings, match="1 pair answered"):
        position_bias([Verdict(0.5, 0.5, 0.5, 1.0), Verdict(missing="no")])
