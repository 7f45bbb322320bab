"""Combinations of parts, the split of photos, and what is told of the gain: no torch needed."""

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from audit_planted import material

from snellen.audit.inside import balanced, linear_probe
from snellen.audit.parts import PARTS
from snellen.audit.shelf import split
from snellen.audit.tuning import Tuned, Tuning, parse_parts, relative_change, tune
from snellen.errors import InputError, JudgeError, UnknownName


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["vision"], [("vision",)]),
        (["projector, vision"], [("vision", "projector")]),
        (["all"], [PARTS]),
        (["all", "language,vision,projector"], [PARTS]),
    ],
)
def test_parts_are_named(texts: list[str], found: list[tuple[str, ...]]) -> None:
    assert parse_parts(texts) == found


def test_every_is_all_seven() -> None:
    found = parse_parts(["every"])
    assert len(found) == len(set(found)) == 7
    assert found[-1] == PARTS


def test_unknown_and_no_parts() -> None:
    with pytest.raises(UnknownName, match="vison"):
        parse_parts(["vison"])
    with pytest.raises(InputError, match="no part"):
        parse_parts([" , "])


def test_no_photo_is_trained_on_and_audited(tmp_path: Path) -> None:
    photos = material(tmp_path, 10)
    train, test = split(photos, 60, 40)
    assert not {item.reference for item in train} & {item.reference for item in test}
    assert len({item.reference for item in test}) == 3
    counts = [sum(item.family == label for item in train) for label in ("blur", "noise", "clean")]
    assert max(counts) - min(counts) <= 5
    assert split(photos, 60, 40) == (train, test)
    pristine = {item.reference for item in test if item.type == "pristine"}
    assert pristine == {item.reference for item in test}  # what a fall is measured from


def test_other_photos_are_audited_and_none_of_these(tmp_path: Path) -> None:
    photos, others = material(tmp_path / "a", 4), material(tmp_path / "b", 9)
    for name in list(others.paths)[:4]:  # the planted photos of both folders begin alike
        del others.paths[name]
    others.items = [item for item in others.items if item.reference in others.paths]
    train, test = split(photos, 60, 40, others)
    assert {item.reference for item in train} == set(photos.paths)
    assert {item.reference for item in test} == set(others.paths)


def test_a_photo_on_both_sides_is_refused_whatever_its_name(tmp_path: Path) -> None:
    photos, others = material(tmp_path / "a", 3), material(tmp_path / "b", 3)
    name, path = next(iter(others.paths.items()))
    other = path.rename(path.with_name("another name.png"))
    others.paths[name] = other
    with pytest.raises(InputError, match="would be audited and"):
        split(photos, 60, 40, others)


def test_too_few_photos(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="3 photos are too few"):
        split(material(tmp_path, 3), 60, 40)


def test_balanced_takes_as_many_of_each(tmp_path: Path) -> None:
    items = material(tmp_path, 6).items
    few = balanced(items, 30)
    assert {sum(item.family == label for item in few) for label in ("blur", "jitter")} == {6, 0}
    assert {item.name for item in few} < {item.name for item in balanced(items, 50)}


def test_a_script_cannot_be_tuned(tmp_path: Path) -> None:
    photos = material(tmp_path / "photos", 8)
    recipe: Any = SimpleNamespace()
    with pytest.raises(JudgeError, match="cannot be tuned"):
        tune("scripted:snellen.judges.demo:sharpness", photos, [PARTS], recipe, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_relative_change() -> None:
    assert relative_change(-0.5, -0.25) == 0.5
    assert math.isnan(relative_change(0.0, 1.0))


def tuned(parts: tuple[Any, ...], accuracy: float) -> Tuned:
    rate = SimpleNamespace(value=accuracy, low=accuracy - 0.05)
    seen = SimpleNamespace(accuracy=rate, chance=0.125)
    findings: Any = SimpleNamespace(perception=seen)
    return Tuned(parts, None, 0, 0.0, findings)


@pytest.mark.parametrize(
    ("sight", "whole", "told"),
    [
        (0.7, 0.8, "86%, most of it"),
        (0.9, 0.7, "more than all parts together"),
        (0.3, 0.9, "25%, less than half of it, against the paper"),
        (0.5, 0.1, "too little was learnt"),
        (0.11, 0.16, "not surely above chance"),  # a gain, and no more than noise
    ],
)
def test_the_finding_is_stated_either_way(sight: float, whole: float, told: str) -> None:
    before = tuned((), 0.1)
    after = tuned(("vision", "projector"), sight), tuned(PARTS, whole)
    recipe: Any = None
    assert told in Tuning(before, after, (7, 3), recipe).sentence


def test_a_linear_reader_reads_what_is_linear_and_nothing_else() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    groups = [f"photo{number // 10}" for number in range(200)]
    signal = np.eye(4)[truth] @ rng.normal(size=(4, 30)) + rng.normal(0, 0.3, (200, 30))
    assert (linear_probe(signal, truth, groups) == truth).mean() > 0.95
    assert (linear_probe(rng.normal(size=(200, 30)), truth, groups) == truth).mean() < 0.4


def test_a_linear_reader_never_sees_the_photo_it_reads() -> None:
    rng = np.random.default_rng(1)
    groups = [f"photo{number // 10}" for number in range(100)]
    # Each photo has a vector of its own and one label: memorable, and of no use for another photo.
    codes = rng.normal(size=(10, 40)).repeat(10, axis=0) + rng.normal(0, 0.01, (100, 40))
    truth = rng.permutation(np.arange(10) % 2).repeat(10)
    assert (linear_probe(codes, truth, groups) == truth).mean() < 0.75
