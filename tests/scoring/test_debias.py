"""Q-Debias as published, our ways beside it, and what happens when it cannot work."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping

import numpy as np
import pytest
from asking import judge, of, picture
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from snellen.distortions import apply, compose, seed_of
from snellen.distortions.imagenet_c import Q_DEBIAS
from snellen.errors import InputError, MissingAnswer, UnknownName
from snellen.images import read
from snellen.judges import Answer, Question, load_judge
from snellen.scoring import JudgeScorer, make_method
from snellen.scoring.contrast import Contrast, contrasted
from snellen.scoring.copies import Copies
from snellen.scoring.debias import Debias, similarity_weights
from snellen.scoring.levels import WORDS

GOOD = (0.9, 0.6, 0.5, 0.2)
SAME = (0.8, 0.4, 0.0, 1.0)


def published(good: tuple[float, ...] = GOOD, same: tuple[float, ...] = SAME) -> list[Answer]:
    """Answers to the eight questions, in their order."""
    return [
        answer
        for g, s in zip(good, same, strict=True)
        for answer in (
            Answer.from_probabilities(("Good", "Poor"), (g, 1 - g)),
            Answer.from_probabilities(("Yes", "No"), (s, 1 - s)),
        )
    ]


def test_as_published_asks_the_eight_questions_of_the_paper() -> None:
    shown = picture()
    questions = make_method("debias", as_published=True).questions(shown)
    assert [question.text for question in questions] == [
        "The visual quality of the first image is poor. How about the visual quality of the second"
        " image. Good or poor?",
        "Do these two images describe the same object? Yes or no",
    ] * 4
    assert [question.prefill for question in questions[::2]] == ["The quality of the image is "] * 4
    for place, question in enumerate(questions):
        copy, own = question.images
        assert own.hash == shown.hash
        assert copy.name == ", level ".join(map(str, Q_DEBIAS[place // 2]))
        assert not np.array_equal(copy.pixels(), shown.pixels)
        assert copy.pixels().shape == shown.pixels.shape  # at full size, no resize


def test_as_published_weighs_by_the_softmax_of_the_similarities() -> None:
    weights = np.exp(SAME) / np.exp(SAME).sum()
    scored = Debias(as_published=True).score(published())
    assert scored.value == pytest.approx(100 * float(weights @ GOOD))
    beside, alike = scored.evidence[:4], scored.evidence[4:]
    assert [one.weight for one in beside] == pytest.approx(list(weights))
    assert math.fsum(one.contribution for one in beside) == pytest.approx(scored.value)
    assert [one.value for one in alike] == [None] * 4  # they say nothing of quality
    assert [one.probabilities[0] for one in alike] == pytest.approx(list(SAME))


def test_as_published_overrides_what_was_said_beside_it() -> None:
    assert Debias(2, "levels", None, as_published=True).name == Debias(as_published=True).name


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.floats(0.02, 50))
def test_similarity_weights_are_shares_that_rise_with_similarity(
    alike: list[float], temperature: float
) -> None:
    weights = similarity_weights(alike, temperature)
    assert math.fsum(weights) == pytest.approx(1)
    order = np.argsort(alike, kind="stable")
    assert all(b >= a - 1e-12 for a, b in zip(*(np.array(weights)[order][i:] for i in (0, 1))))  # noqa: B905
    flat = similarity_weights(alike, 1e6)
    assert flat == pytest.approx([1 / len(alike)] * len(alike), abs=1e-5)


def test_a_similarity_that_was_not_answered_weighs_as_the_mean() -> None:
    assert similarity_weights([0.2, math.nan, 0.6], 1.0) == pytest.approx(
        similarity_weights([0.2, 0.4, 0.6], 1.0)
    )
    assert similarity_weights([math.nan, math.nan], 1.0) == [0.5, 0.5]


def test_levels_beside_copies_without_similarity_ask_half_as_much() -> None:
    method = Debias(3, "levels", None, alone=0)
    assert len(method.questions(picture())) == 3
    words = tuple(word.capitalize() for word in WORDS)
    answers = [
        Answer.from_probabilities(words, [float(word == said) for word in words])
        for said in ("Good", "Good", "Bad")
    ]
    assert method.score(answers).value == pytest.approx(50)


def test_copies_are_the_same_everywhere_and_differ_between_pictures() -> None:
    def hashes(seed: int) -> list[str]:
        return [copy.hash for copy in Copies.of("photo").make(picture(seed))]

    assert hashes(1) == hashes(1)
    assert not set(hashes(1)) & set(hashes(2))


def test_copies_are_chosen_by_number_by_name_and_one_by_one() -> None:
    assert Copies.of(2).spelled == "zoom-blur:3+darken:5,fog:4"
    assert Copies.of("photo").steps == tuple((spec,) for spec in Q_DEBIAS)
    published = {spec for spec in Q_DEBIAS if spec[0] != "zoom-blur"}
    assert {steps[0] for steps in Copies.of(4).steps[1:]} == published
    assert Copies.of("fog:4, jpeg:5").steps == ((("fog", 4),), (("jpeg", 5),))
    assert Copies.of(Copies.of(3).spelled).steps == Copies.of(3).steps
    assert Copies.of("document").spelled == "low-ink:5,skewed-light:5,tilted-defocus:5"


def test_a_copy_of_several_steps_is_the_same_as_making_it_worse_in_a_row() -> None:
    shown = picture()
    [copy] = Copies.of("zoom-blur:3+darken:5").make(shown)
    assert copy.name == "zoom-blur, level 3 + darken, level 5"
    seed = seed_of(shown.hash, "zoom-blur", 3)
    steps = [("zoom-blur", 3), ("darken", 5)]
    assert np.array_equal(copy.pixels(), compose(shown.pixels, steps, seed=seed))
    [single] = Copies.of([("fog", 4)]).make(shown)
    fog = apply(shown.pixels, "fog", 4, seed=seed_of(shown.hash, "fog", 4))
    assert np.array_equal(single.pixels(), fog)


@pytest.mark.parametrize(
    "which", [0, 5, "foto", "fog", "fog:x", "fog:9", "fgo:4", "fog:4+", "fog:4+jpeg", []]
)
def test_copies_that_are_none_are_refused(which: int | str | list[tuple[str, int]]) -> None:
    with pytest.raises((InputError, UnknownName)):
        Copies.of(which)


@pytest.mark.parametrize(
    "options",
    [
        {"readout": "level"},
        {"similarity": 0.0},
        {"similarity": math.nan},
        {"alone": 1.0},
        {"alone": -0.1},
        {"alone": math.nan},
    ],
)
def test_parameters_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises((InputError, UnknownName)):
        make_method("debias", **options)


def test_a_copy_without_an_answer_leaves_the_rest_a_wider_interval_and_a_note() -> None:
    answers = published((0.7,) * 4, (0.5,) * 4)
    whole = Debias(as_published=True).score(answers)
    lost = Answer.without(("Good", "Poor"), "timed out")
    some = Debias(as_published=True).score([lost, *answers[1:]])
    assert some.value == pytest.approx(whole.value)
    assert some.high - some.low > whole.high - whole.low
    assert some.notes == ("1 of 8 answers are missing (timed out)",)
    with pytest.raises(MissingAnswer, match="timed out"):
        Debias(as_published=True).score([lost, answers[1]] * 4)


def level(word: str, *, capital: bool) -> Answer:
    """An answer that is sure of one level."""
    words = tuple(one.capitalize() if capital else one for one in WORDS)
    return Answer.from_probabilities(words, [float(one.casefold() == word) for one in words])


def test_the_picture_alone_has_its_share_whatever_is_missing_beside_copies() -> None:
    method = Debias(2, alone=0.25)
    own, beside = level("excellent", capital=False), level("fair", capital=True)
    lost = Answer.without(beside.options, "timed out")
    asked = method.questions(picture())
    assert [len(question.images) for question in asked] == [1, 2, 2]
    for answers in ([own, beside, beside], [own, beside, lost]):
        scored = method.score(answers)
        assert scored.value == pytest.approx(0.25 * 100 + 0.75 * 50)
        assert scored.evidence[-1].label == "alone"
        assert scored.evidence[-1].weight == pytest.approx(0.25)
    unheard = Answer.without(own.options, "cut off")
    assert method.score([unheard, beside, beside]).value == pytest.approx(50)
    with pytest.raises(MissingAnswer, match="timed out"):  # alone it would not be debiased
        method.score([own, lost, lost])


def biased(question: Question) -> Mapping[str, float]:
    """Sees quality and content; a conditional question lets it take back what it got wrong."""
    content = 0.3  # what this content adds whenever it is seen
    if set(question.options) == {"Yes", "No"}:
        return {"Yes": 0.8, "No": 0.2}
    value = 0.5 + content * (0.2 if len(question.images) == 2 else 1.0)
    words = [word for word in WORDS for option in question.options if option.casefold() == word]
    p = [math.comb(4, k) * value**k * (1 - value) ** (4 - k) for k in range(5)]
    return {option: p[words.index(option.casefold())] for option in question.options}


def test_explaining_tells_what_the_copies_took_off() -> None:
    from snellen.scoring import explain

    found = explain(picture(), JudgeScorer(judge(biased), Debias()))
    assert found.alone == pytest.approx(80)
    assert found.score.value == pytest.approx(0.2 * 80 + 0.8 * 56)
    assert found.correction == pytest.approx(-19.2)
    assert list(found.images) == ["picture", *Copies.of(1).names]
    alone = explain(picture(), JudgeScorer(judge(biased), make_method("levels")))
    assert (alone.alone, alone.correction, list(alone.images)) == (None, None, ["picture"])


def test_contrast_takes_the_share_of_the_copy_out_of_the_log_probabilities() -> None:
    own = Answer.from_probabilities(WORDS, (0.1, 0.1, 0.2, 0.4, 0.2))
    copy = Answer.from_probabilities(WORDS, (0.4, 0.3, 0.1, 0.1, 0.1))
    expected = np.array(own.probabilities) / np.sqrt(copy.probabilities)
    assert contrasted(own, copy, 0.5).probabilities == pytest.approx(expected / expected.sum())
    assert contrasted(own, copy, 0.0).probabilities == pytest.approx(own.probabilities)
    scored = Contrast().score([own, copy, Answer.without(WORDS, "gone")])
    mean = float(expected / expected.sum() @ np.linspace(0, 100, 5))
    assert scored.value == pytest.approx(mean)
    assert scored.notes == ("1 of 3 answers are missing (gone)",)
    with pytest.raises(InputError, match="from 0 to below 1"):
        Contrast(strength=1.0)


def test_a_level_given_exactly_nothing_does_not_make_a_contrast_infinite() -> None:
    sure = Answer.from_probabilities(WORDS, (0, 0, 0, 1, 0))
    flat = Answer.from_probabilities(WORDS, (0.2,) * 5)
    assert contrasted(sure, sure, 0.5)["good"] == pytest.approx(1, abs=1e-4)
    assert contrasted(flat, sure, 0.9)["good"] < 1e-6


def page() -> np.ndarray:
    """A printed page: dark lines of text on white paper."""
    image = Image.new("RGB", (480, 360), "white")
    draw = ImageDraw.Draw(image)
    for line in range(17):
        draw.text((12, 8 + 20 * line), "the quick brown fox jumps over the lazy dog " * 3, "black")
    return np.asarray(image)


def test_a_document_is_told_and_the_copies_meant_for_it_are_offered() -> None:
    ask = judge(biased)
    [note] = JudgeScorer(ask, Debias()).score(of(page())).notes
    assert "screen or a document" in note
    assert "--copies document" in note
    assert JudgeScorer(ask, Debias("document")).score(of(page())).notes == ()
    assert JudgeScorer(ask, Debias()).score(picture()).notes == ()


def transparent() -> bytes:
    """A file with nothing but alpha."""
    file = io.BytesIO()
    Image.new("RGBA", (40, 30), (200, 30, 30, 0)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("which", ["blank", "transparent"])
@pytest.mark.parametrize("method", ["debias", "contrast", "levels", "two-words"])
def test_pictures_of_nothing_are_scored_and_told(which: str, method: str) -> None:
    blank = of(np.full((64, 64, 3), 128, np.uint8))
    shown = blank if which == "blank" else read(transparent())
    scorer = JudgeScorer(load_judge("scripted:snellen.judges.demo:sharpness"), make_method(method))
    scored = scorer.score(shown)
    assert 0 <= scored.low <= scored.value <= scored.high <= 100
    assert any("one colour" in note for note in scored.notes) == (method in ("debias", "contrast"))


def test_a_picture_too_small_for_copies_has_a_reason_and_spoils_no_other() -> None:
    scorer = JudgeScorer(judge(biased), Debias())
    tiny = of(np.zeros((1, 300, 3), np.uint8))
    found = scorer.score_many([tiny, picture()])
    assert isinstance(found[0], InputError)
    assert "at least 8 pixels" in str(found[0])
    assert scorer.score(picture()) == found[1]
