"""`tiles`: windows at native resolution, each rated by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from asking import judge

from snellen.errors import InputError, MissingAnswer
from snellen.images import Picture, content_hash
from snellen.judges import Question
from snellen.scoring import JudgeScorer, make_method
from snellen.scoring.explaining import explain
from snellen.scoring.tiles import PLACES, Tiles


def picture(pixels: np.ndarray) -> Picture:
    height, width = pixels.shape[:2]
    key = content_hash(pixels.tobytes())
    return Picture(pixels, key, width, height, "PNG", pixels.nbytes, "made here")


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def by_brightness(question: Question) -> dict[str, float]:
    """The brighter the window, the more excellent."""
    share = float(question.images[0].pixels().mean()) / 255
    said = {"excellent": 0.9 * share, "bad": 0.9 * (1 - share), "fair": 0.1}
    return {word: said.get(word, 0.0) for word in question.options}


def test_windows_are_native_pixels_of_the_middle_and_the_corners() -> None:
    pixels = noise(500, 700)
    asked = Tiles(side=224).questions(picture(pixels))
    shown = dict(zip(PLACES, (q.images[0].pixels() for q in asked), strict=True))
    assert all(window.shape == (224, 224, 3) for window in shown.values())
    assert np.array_equal(shown["top left"], pixels[:224, :224])
    assert np.array_equal(shown["bottom right"], pixels[272:496, 472:696])  # on JPEG's grid
    assert np.array_equal(shown["middle"], pixels[136:360, 232:456])


@pytest.mark.parametrize(("height", "width"), [(1, 1), (100, 30), (224, 224), (1, 5000), (300, 90)])
def test_pictures_of_any_size_have_five_windows_inside_them(height: int, width: int) -> None:
    asked = Tiles().questions(picture(noise(height, width)))
    assert len(asked) == len(PLACES)
    for question in asked:
        rows, columns, _ = question.images[0].pixels().shape
        assert rows == min(height, 224)
        assert columns == min(width, 224)


def test_a_small_picture_is_asked_about_once() -> None:
    calls: list[Question] = []

    def say(question: Question) -> dict[str, float]:
        calls.append(question)
        return by_brightness(question)

    shown = picture(noise(90, 120))
    questions = Tiles().questions(shown)
    assert len({question.images[0].hash for question in questions}) == 1
    alone = JudgeScorer(judge(say), make_method("levels")).score(shown)
    tiled = JudgeScorer(judge(say), Tiles()).score(shown)
    assert tiled.value == pytest.approx(alone.value)


def test_the_score_is_the_mean_of_the_windows_and_each_is_in_the_evidence() -> None:
    pixels = np.full((448, 448, 3), 200, np.uint8)
    pixels[:224, :224] = 0
    score = JudgeScorer(judge(by_brightness), Tiles()).score(picture(pixels))
    values: dict[str, Any] = {one.label: one.value for one in score.evidence}
    assert list(values) == list(PLACES)
    assert values["top left"] < 20 < 70 < values["bottom right"]
    assert score.value == pytest.approx(np.mean(list(values.values())))
    assert score.low < score.value < score.high


@pytest.mark.parametrize("shape", [(300, 400), (50, 60)])
def test_what_was_shown_can_be_looked_at(shape: tuple[int, int]) -> None:
    found = explain(picture(noise(*shape)), JudgeScorer(judge(by_brightness), Tiles()))
    for one in found.score.evidence:
        [name] = one.shown
        assert found.images[name].pixels().shape == (min(shape[0], 224), min(shape[1], 224), 3)


def test_windows_without_an_answer_are_left_out_and_said() -> None:
    pixels = np.full((448, 448, 3), 200, np.uint8)
    pixels[:224, :224] = 0

    def say(question: Question) -> dict[str, float] | None:
        return by_brightness(question) if question.images[0].pixels().mean() > 1 else None

    score = JudgeScorer(judge(say), Tiles()).score(picture(pixels))
    assert "1 of 5 answers are missing" in score.notes[0]
    with pytest.raises(MissingAnswer):
        JudgeScorer(judge(lambda question: None), Tiles()).score(picture(pixels))


def test_a_window_that_shows_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="windows of 4 pixels"):
        make_method("tiles", side=4)


def test_the_name_tells_side_and_words_apart() -> None:
    names = {Tiles().name, Tiles(side=96).name, Tiles(words=("poor", "good")).name}
    assert len(names) == 3
