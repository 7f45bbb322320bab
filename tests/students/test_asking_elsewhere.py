"""Labels asked for elsewhere are those asked for here, in whatever order they come."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from student_pictures import SHARPNESS, write_pictures

from snellen.judges import load_judge
from snellen.scoring import make_method
from snellen.students.asking import Teacher
from snellen.students.labelling import Labelled, Order, label


class Backwards:
    """Answers as another machine would: by itself, in another order."""

    def __init__(self) -> None:
        self._teacher = Teacher(load_judge(SHARPNESS), make_method("levels"))
        self.asked: list[Any] = []

    def pictures(self, todo: Any) -> Iterator[Any]:
        self.asked += todo
        yield from reversed(list(self._teacher.pictures(todo)))

    def pairs(self, todo: Any) -> Iterator[Any]:
        self.asked += todo
        yield from reversed(list(self._teacher.pairs(todo)))


@pytest.fixture
def photos(tmp_path: Path) -> str:
    write_pictures(tmp_path / "photos", 10, side=48)
    (tmp_path / "photos" / "broken.png").write_bytes(b"no picture")
    return str(tmp_path / "photos")


def run(photos: str, folder: Path, elsewhere: Backwards | None = None) -> Labelled:
    judge, method = load_judge(SHARPNESS), make_method("levels")
    return label([photos], judge, method, Order(4), folder, elsewhere=elsewhere)


def test_the_rows_are_the_same(photos: str, tmp_path: Path) -> None:
    here = run(photos, tmp_path / "here")
    there = run(photos, tmp_path / "there", Backwards())
    for rows in ("rows.jsonl", "pairs/rows.jsonl"):
        assert (there.folder / rows).read_text() == (here.folder / rows).read_text()
    assert (there.pictures, there.missing, there.pairs) == (11, 1, here.pairs)
    assert there.asked == 0  # by this process


def test_what_is_known_is_not_given_out_again(photos: str, tmp_path: Path) -> None:
    run(photos, tmp_path / "run", Backwards())
    again = Backwards()
    run(photos, tmp_path / "run", again)
    assert [Path(path).name for _, path in again.asked] == ["broken.png"]
