"""A request cut into parts: all of it, in order, and stable when files come and go."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from snellen.errors import InputError
from snellen.scale.parts import Part, cut

NAMES = [f"photos/{number:05d}.jpg" for number in range(3000)]


def key(name: str) -> tuple[str, int]:
    return name, 7


def cut_all(names: list[str], size: int = 50, identity: str = "s@1") -> list[Part]:
    return list(cut(names, size, identity, key))


@given(st.lists(st.text(), unique=True), st.integers(1, 9))
def test_the_parts_are_the_request_in_order(names: list[str], size: int) -> None:
    parts = cut_all(names, size)
    assert [name for part in parts for name in part.items] == names
    assert [part.count for part in parts] == [len(part.items) for part in parts]
    assert all(part.count <= 2 * size for part in parts)
    assert all(2 * part.count >= size for part in parts[:-1])


def test_parts_are_about_as_large_as_asked() -> None:
    parts = cut_all(NAMES, 50)
    assert 30 <= len(NAMES) / len(parts) <= 75


def test_a_file_more_or_less_changes_a_part_or_two() -> None:
    before = {part.name for part in cut_all(NAMES)}
    for place in (0, 1234, 2999):
        fewer = {part.name for part in cut_all(NAMES[:place] + NAMES[place + 1 :])}
        more = {part.name for part in cut_all(sorted([*NAMES, NAMES[place] + ".png"]))}
        for now in (fewer, more):
            assert len(before - now) <= 6  # until the bounds meet again
            assert len(before & now) >= len(before) - 6


@pytest.mark.parametrize("changed", ["identity", "stamp", "order", "name"])
def test_a_part_is_named_after_all_that_its_rows_depend_on(changed: str) -> None:
    names, stamp, identity = NAMES[:20], 7, "s@1"
    before = next(iter(cut(names, 100, identity, lambda name: (name, 7))))
    if changed == "identity":
        identity = "s@2"
    elif changed == "stamp":
        stamp = 8
    elif changed == "order":
        names = random.Random(0).sample(names, len(names))
    else:
        names = [*names[:-1], "other.jpg"]
    after = next(iter(cut(names, 100, identity, lambda name: (name, stamp))))
    assert after.name != before.name


def test_names_of_files_are_packed_small() -> None:
    part = next(iter(cut(NAMES, 2000, "s@1", key)))
    assert len(part.packed) < sum(map(len, part.items)) / 3


def test_parts_of_nothing_are_refused() -> None:
    with pytest.raises(InputError, match="--part 1"):
        cut_all(NAMES, 0)
