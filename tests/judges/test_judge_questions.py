"""Questions: identity by content, options that can be told apart, kinds with their rules."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judge_scripts import small
from PIL import Image

from snellen.errors import BrokenImage, ImageError, InputError, UnreadableImage
from snellen.images import content_hash, read
from snellen.judges import ImagePart, Question, choice, predicate, score

WORDS = st.text("abcdefgh", min_size=1, max_size=5)


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


# --- images -----------------------------------------------------------------------------------


def test_a_file_its_bytes_and_its_picture_are_the_same_image(tmp_path: Path) -> None:
    data = png(small(1))
    path = tmp_path / "a.png"
    path.write_bytes(data)
    parts = [ImagePart(path), ImagePart(data), ImagePart(read(path))]
    assert {part.hash for part in parts} == {content_hash(data)}
    assert len(set(parts)) == 1
    for part in parts:
        np.testing.assert_array_equal(part.pixels(), small(1))


def test_pixels_are_known_by_size_and_values() -> None:
    flat = np.zeros((4, 6, 3), np.uint8)
    others = [np.zeros((6, 4, 3), np.uint8), np.ones((4, 6, 3), np.uint8)]
    assert ImagePart(flat) == ImagePart(flat.copy())
    assert all(ImagePart(flat) != ImagePart(other) for other in others)
    # A view with strides of its own has the same pixels, so it is the same image.
    wide = np.zeros((4, 12, 3), np.uint8)
    assert ImagePart(wide[:, ::2]) == ImagePart(flat)


def test_pixels_of_a_part_cannot_be_changed_through_it() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ImagePart(small(1)).pixels()[0, 0] = 0


def test_a_picture_decoded_at_a_smaller_scale_is_another_image() -> None:
    file = io.BytesIO()
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(file, "JPEG")
    whole, half = read(file.getvalue()), read(file.getvalue(), jpeg_scale=2)
    assert whole.hash == half.hash
    assert ImagePart(whole).hash == whole.hash != ImagePart(half).hash


def test_a_file_that_changes_after_it_was_hashed_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(png(small(1)))
    part = ImagePart(path)
    assert part.hash
    path.write_bytes(png(small(2)))
    with pytest.raises(BrokenImage, match=r"a\.png: the file changed"):
        part.pixels()


@pytest.mark.parametrize("name", ["gone.png", ".", "nul\0.png"])
def test_a_file_that_is_none_is_an_error_when_it_is_needed(tmp_path: Path, name: str) -> None:
    asked = choice(tmp_path / name, "How?", options=("Good", "Poor"))  # nothing is opened yet
    with pytest.raises(UnreadableImage):
        _ = asked.key


def test_a_file_that_is_no_image_has_a_hash_but_no_pixels(tmp_path: Path) -> None:
    path = tmp_path / "words.png"
    path.write_text("words")
    part = ImagePart(path)
    assert part.hash == content_hash(b"words")
    with pytest.raises(ImageError, match="text, not an image"):
        part.pixels()


@pytest.mark.parametrize(
    "source",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        "photo.jpg",
        None,
    ],
)
def test_what_is_no_image_is_refused_at_once(source: object) -> None:
    with pytest.raises(InputError, match="an image is given as"):
        ImagePart(source)  # type: ignore[arg-type]


# --- identity ---------------------------------------------------------------------------------


def test_the_key_is_what_it_was_in_earlier_versions() -> None:
    # A changed key makes every file of answers worthless: raise question._VERSION instead.
    asked = choice(
        np.zeros((2, 3, 3), np.uint8), "How is it?", options=("Good", "Poor"), prefill="It is "
    )
    assert asked.key == "4adeb407b0d3e821fef38ae1c76f26bbfbaed2dec803a3a68ca7088b7a0850eb"


def test_everything_that_is_asked_is_in_the_key() -> None:
    one, other = small(1), small(2)
    asked = [
        choice(one, "Which?", options=("A", "B")),
        choice(other, "Which?", options=("A", "B")),
        choice(one, other, "Which?", options=("A", "B")),
        choice(other, one, "Which?", options=("A", "B")),
        choice("Which?", one, options=("A", "B")),
        choice(one, "Which one?", options=("A", "B")),
        choice(one, "Which?", options=("B", "A")),
        choice(one, "Which?", options=("A", "C")),
        choice(one, "Which?", options=("A", "B", "C")),
        choice(one, "Which?", options=("A", "B"), prefill="It is"),
        choice(one, "Which?", options=("A", "B"), prefill="It is "),
        choice(one, "Wh", "ich?", options=("A", "B")),
        score(one, "Which?", levels=("A", "B")),
        predicate(one, "Which?", words=("A", "B")),
    ]
    assert len({question.key for question in asked}) == len(asked) == len(set(asked))


def test_weights_and_names_are_not_asked() -> None:
    one = score(ImagePart(small(1), "a"), "How?", levels=("bad", "good"))
    other = score(ImagePart(small(1), "b"), "How?", levels=("bad", "good"), weights=(1, 5))
    assert one.key == other.key
    assert one != other  # they read the answer differently


def test_questions_travel_between_processes() -> None:
    asked = choice(small(1), "How?", options=("Good", "Poor"))
    again = pickle.loads(pickle.dumps(asked))
    assert again == asked
    assert again.key == asked.key


@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(WORDS, min_size=1, max_size=4))
def test_texts_of_different_parts_never_share_a_key(one: list[str], other: list[str]) -> None:
    keys = [choice(*texts, options=("A", "B")).key for texts in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


def test_text_and_images_in_order() -> None:
    a, b = ImagePart(small(1)), ImagePart(small(2))
    asked = choice("first", a, "second", b, a, "which?", options=("A", "B"))
    assert asked.images == (a, b, a)
    assert asked.text == "first\nsecond\nwhich?"


# --- rules ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "at least two options, got 0"),
        (("Good",), "at least two options, got 1"),
        (("Good", ""), "an option is ''"),
        (("Good", 3), "an option is 3"),
        (("Good", "Poor "), "space around it"),
        (("Good", "Po\nor"), "cannot be printed"),
        (("Good", "good"), "'Good' and 'good' collide"),
        (("straße", "STRASSE"), "collide"),
    ],
)
def test_options_that_make_no_sense(options: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        choice("How?", options=options)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"parts": ()}, "neither text nor images"),
        ({"parts": ("  ",)}, "empty text"),
        ({"parts": (Path("a.png"),)}, "part 1 of a question is PosixPath|WindowsPath"),
        ({"kind": "guess"}, "kind 'guess'"),
        ({"weights": (0, 1)}, "a choice has weights"),
        ({"kind": "score"}, "2 levels and 0 weights"),
        ({"kind": "score", "weights": (0, 0)}, "not in order"),
        ({"kind": "score", "weights": (0, float("nan"))}, "not in order"),
        ({"kind": "score", "weights": (0, float("inf"))}, "not in order"),
        ({"kind": "score", "options": ("a", "b", "c"), "weights": (0, 2, 1)}, "not in order"),
        ({"kind": "predicate", "options": ("a", "b", "c")}, "a predicate has 3 options"),
    ],
)
def test_questions_that_make_no_sense(fields: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Question(**{"parts": ("How?",), "options": ("Good", "Poor"), **fields})  # type: ignore[arg-type]


def test_levels_without_weights_run_from_0_to_1() -> None:
    levels = ("bad", "poor", "fair", "good", "excellent")
    assert score("How?", levels=levels).weights == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert score("How?", levels=levels[::-1], weights=(5, 4, 3, 2, 1)).weights == (5, 4, 3, 2, 1)


def test_permuting_moves_options_and_makes_a_choice() -> None:
    asked = score("How?", levels=("bad", "fair", "good"), prefill="It is")
    turned = asked.permuted((2, 0, 1))
    assert turned.options == ("good", "bad", "fair")
    assert (turned.kind, turned.weights, turned.prefill) == ("choice", (), "It is")
    with pytest.raises(InputError, match=r"\[0, 0, 1\] is no order of 3"):
        asked.permuted((0, 0, 1))
