"""Scores and ratings whose paths are written differently."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snellen.data import join_by_image
from snellen.errors import DataError


def pairs(left: list[str], right: list[str]) -> dict[str, str]:
    join = join_by_image(left, right)
    return {left[i]: right[j] for i, j in zip(join.left, join.right, strict=True)}


@pytest.mark.parametrize(
    ("left", "right", "how"),
    [
        ("images/a.png", "images/a.png", "path"),
        ("images\\a.png", "images/a.png", "path"),
        ("./images//a.png", "images/a.png", "path"),
        ("/data/koniq/1024x768/a.jpg", "a.jpg", "ending"),
        ("a.jpg", "/data/koniq/512x384/a.jpg", "ending"),
        ("run/512x384/a.jpg", "data/1024x768/a.jpg", "ending"),
        ("i01_01_1.png", "I01_01_1.BMP", "stem"),
        ("a", "photos/a.webp", "stem"),
        ("cafe\u0301.png", "caf\u00e9.png", "path"),
        ("clip0.5", "clip0.5.png", "stem"),
    ],
)
def test_the_same_image(left: str, right: str, how: str) -> None:
    join = join_by_image([left, "other-left"], [right, "other-right"])
    assert join.left.tolist() == join.right.tolist() == [0]
    assert join.how[how] == 1


def test_the_longest_ending_decides() -> None:
    left = ["/data/cats/1.png", "/data/dogs/1.png"]
    assert pairs(left, ["dogs/1.png", "cats/1.png"]) == {
        left[0]: "cats/1.png",
        left[1]: "dogs/1.png",
    }


def test_what_is_ambiguous_stays_unmatched() -> None:
    join = join_by_image(["a/1.png", "b/1.png", "2.png"], ["1.png", "2.png"])
    assert join.only_left == ["a/1.png", "b/1.png"]
    assert join.only_right == ["1.png"]


def test_what_is_left_over_is_no_proof() -> None:
    """b/1.png found its partner; that a/1.png and c/1.png are left does not make them the same."""
    join = join_by_image(["a/1.png", "b/1.png"], ["b/1.png", "c/1.png"])
    assert join.only_left == ["a/1.png"]
    assert join.only_right == ["c/1.png"]


def test_dots_in_names_are_no_ending() -> None:
    join = join_by_image(["v1.2", "x.png"], ["v1.3", "x.png"])
    assert join.only_left == ["v1.2"]


def test_rows_come_in_the_order_of_the_ratings() -> None:
    join = join_by_image(["c", "a", "b"], ["a", "b", "c"])
    assert join.right.tolist() == [0, 1, 2]
    assert join.left.tolist() == [1, 2, 0]


def test_the_unmatched_are_shown_beside_the_nearest() -> None:
    join = join_by_image(["img_001.png", "same.png"], ["img_0001.png", "same.png"])
    assert join.nearest["img_001.png"] == "img_0001.png"


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        (["a.png"], ["b.jpg"], r"none of the 1 images.*nearest"),
        (["a.png"], ["zzzzzzzz"], "none of the 1 images.*folders before them may differ"),
        (["a", "b", "./a"], ["a"], "1 of 2 images stand more than once in the scores, 'a' 2 times"),
        (["a"], ["a", "a"], "in the ratings"),
        (["a", ""], ["a"], "row 2 of the scores names no image"),
        ([], ["a"], "the scores hold no row"),
    ],
)
def test_what_cannot_be_joined_is_named(left: list[str], right: list[str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        join_by_image(left, right)


IDS = st.lists(
    st.tuples(st.sampled_from("pqr"), st.integers(0, 6)).map(lambda t: f"{t[0]}/{t[1]}.png"),
    min_size=1,
    max_size=12,
    unique=True,
)


@settings(max_examples=40, deadline=None)
@given(left=IDS, right=IDS, seed=st.integers(0, 99))
def test_order_of_rows_makes_no_difference(left: list[str], right: list[str], seed: int) -> None:
    def outcome(a: list[str], b: list[str]) -> dict[str, str]:
        try:
            return pairs(a, b)
        except DataError:
            return {}

    shuffled = random.Random(seed).sample(left, len(left))
    found = outcome(left, right)
    assert outcome(shuffled, right) == found
    assert {b: a for a, b in outcome(right, left).items()} == found
    assert all(name in found for name in set(left) & set(right))
