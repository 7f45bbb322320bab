"""Ratings of every kind, and everything that can be odd about them, named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from snellen.errors import ConstantValues, DataError, InputError, NotFinite
from snellen.students.ratings import read_opinions


def table(folder: Path, text: str) -> Path:
    path = folder / "ratings.csv"
    path.write_text(text, encoding="utf-8")
    return path


def mos(folder: Path, *values: object, head: str = "image,mos") -> Path:
    return table(folder, head + "\n" + "\n".join(f"{i}.png,{v}" for i, v in enumerate(values)))


def test_a_mos_table_with_its_scale_guessed_and_said(tmp_path: Path) -> None:
    found = read_opinions(mos(tmp_path, 1.5, 4.5, 3))
    assert (found.kind, found.scale, found.answers) == ("mos", (1, 5), 3)
    assert found.mos.tolist() == [1.5, 4.5, 3]
    assert "taken to be 1 to 5; --scale says another" in found.notes[0]


@pytest.mark.parametrize(
    ("values", "scale"),
    [((0.2, 0.9), (0, 1)), ((0.5, 4.5), (0, 5)), ((1.5, 6), (1, 7)), ((40, 98), (1, 100)),
     ((0, 98), (0, 100)), ((-3, 7), (-3, 7)), ((2, 9.5), (1, 10))],
)  # fmt: skip
def test_the_narrowest_usual_scale_is_taken(
    tmp_path: Path, values: tuple[float, ...], scale: tuple[float, float]
) -> None:
    assert read_opinions(mos(tmp_path, *values)).scale == scale


def test_votes_become_means_and_one_rater_is_told(tmp_path: Path) -> None:
    text = "rater,image,score\na,x.png,5\nb,x.png,3\na,y.png,1\nb,y.png,2\nb,y.png,3\n"
    found = read_opinions(table(tmp_path, text))
    assert (found.kind, found.raters, found.answers) == ("votes", 2, 5)
    assert dict(zip(found.image, found.mos.tolist(), strict=True)) == {"x.png": 4, "y.png": 2}
    assert any("1 repeated vote" in note for note in found.notes)
    alone = read_opinions(table(tmp_path, "rater,image,score\na,x.png,5\na,y.png,3\n"))
    assert any("one rater's" in note for note in alone.notes)


def test_pairs_have_ranks_and_no_scale(tmp_path: Path) -> None:
    text = "first,second,preferred\na,b,first\nb,c,first\na,c,first\na,b,\n"
    found = read_opinions(table(tmp_path, text))
    order = [found.image[row] for row in np.argsort(-found.mos)]
    assert (found.kind, found.scale, order) == ("pairs", None, ["a", "b", "c"])
    assert np.isfinite(found.mos).all()  # a won everything
    assert any("1 comparison without an answer" in note for note in found.notes)
    with pytest.raises(InputError, match="no scale"):
        read_opinions(tmp_path / "ratings.csv", scale=(1, 5))


def test_empty_cells_are_counted_and_infinite_ones_refused(tmp_path: Path) -> None:
    found = read_opinions(mos(tmp_path, 1, "", "nan", 4))
    assert len(found) == 2
    assert "2 rows without a rating" in found.notes[0]
    with pytest.raises(NotFinite, match="row 2"):
        read_opinions(mos(tmp_path, 1, "inf", 4))
    with pytest.raises(DataError, match="no number"):
        read_opinions(mos(tmp_path, "", ""))


def test_a_scale_that_counts_impairment_is_turned_over_when_told(tmp_path: Path) -> None:
    found = read_opinions(mos(tmp_path, 1, 2, 5), scale=(1, 5), lower_is_better=True)
    assert found.mos.tolist() == [5, 4, 1]


def test_repeated_images_are_named_with_the_fix(tmp_path: Path) -> None:
    path = table(tmp_path, "image,mos\na.png,1\nb.png,2\na.png,3\na.png,4\n")
    with pytest.raises(DataError, match=r"1 of 2 images .* 'a.png' 3 times.*column `rater`"):
        read_opinions(path)


def test_constant_ratings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConstantValues, match="all 3 images are rated 2"):
        read_opinions(mos(tmp_path, 2, 2, 2))


def test_two_scales_in_one_file_are_noticed(tmp_path: Path) -> None:
    mixed = [1.5, 2, 3, 4.5, 5, 80, 91, 73, 66, 98]
    with pytest.raises(
        DataError, match=r"5 ratings lie within 0 to 5 and 5 above 10, '9\.png' with 98"
    ):
        read_opinions(mos(tmp_path, *mixed))
    assert read_opinions(mos(tmp_path, *mixed), scale=(0, 100)).scale == (0, 100)
    rows = "".join(f"short,{i}.png,{1 + i % 5}\nlong,{i}.png,{20 + 7 * i}\n" for i in range(9))
    with pytest.raises(DataError, match=r"those of short\)"):
        read_opinions(table(tmp_path, "rater,image,score\n" + rows))


def test_one_stray_rating_of_another_scale_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"11 ratings lie within 0 to 5 and 1 above 10, '4.png'"):
        read_opinions(mos(tmp_path, 1, 2, 3, 4, 45, 3, 2, 1, 4, 5, 3, 2))


def test_a_scale_that_is_none_in_use_is_told(tmp_path: Path) -> None:
    found = read_opinions(mos(tmp_path, -1, 2, 3))
    assert "-1 to 3 (their ends, as no usual scale holds all of them)" in found.notes[0]


def test_rows_without_an_image_are_counted(tmp_path: Path) -> None:
    found = read_opinions(table(tmp_path, "image,mos\na.png,1\n,2\n ,3\nb.png,4\n"))
    assert found.image == ["a.png", "b.png"]
    assert found.notes[0] == "2 rows without the name of an image left out."


def test_an_ordinary_long_scale_with_a_few_low_ratings_is_one_scale(tmp_path: Path) -> None:
    assert read_opinions(mos(tmp_path, *range(2, 100, 3))).scale == (1, 100)


def test_ratings_off_the_scale_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"1 of 3 ratings are off the scale 1 to 5, '2.png' with 7"):
        read_opinions(mos(tmp_path, 1, 2, 7), scale=(1, 5))
    with pytest.raises(InputError, match="no inside"):
        read_opinions(mos(tmp_path, 1, 2, 3), scale=(5, 1))


def test_references_are_kept(tmp_path: Path) -> None:
    path = table(tmp_path, "image,mos,reference\na.png,1,r\nb.png,2,r\nc.png,3,\n")
    assert read_opinions(path).reference == ["r", "r", "c.png"]
    assert read_opinions(mos(tmp_path, 1, 2)).reference is None
