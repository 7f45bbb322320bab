"""What is audited: photos × catalogue, and public sets in their own layouts."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from audit_planted import TYPES, folder_of_photos, photo
from PIL import Image

from snellen import distortions
from snellen.audit import sanity
from snellen.audit.material import (
    PRISTINE,
    from_corpus,
    from_photos,
    join,
    picture_of,
    window,
)
from snellen.data import read_dataset
from snellen.errors import BrokenImage, DataError, ImageError, InputError, NothingFound, UnknownName
from snellen.images import read
from snellen.scorers.base import Score

sys.path.insert(0, str(Path(__file__).parents[1] / "data"))
from dataset_layouts import LAYOUTS


class Fixed:
    """A scorer that says the same of every picture."""

    name = "fixed"

    def __init__(self, value: float) -> None:
        self.value = value

    def score(self, picture: object) -> Score:
        families = {"noise": 0.9, "clean": 0.1}
        return Score(self.value, self.value, self.value, 0.0, families)


def test_every_photo_has_a_ladder_of_every_type(tmp_path: Path) -> None:
    made = from_photos([folder_of_photos(tmp_path, 3)])
    assert len(made.items) == 3 * (1 + 25 * 5)
    assert len({item.name for item in made.items}) == len(made.items)
    clean = [item for item in made.items if item.family == "clean" and item.type != PRISTINE]
    assert {(item.type, item.level) for item in clean} == {
        (one.name, level) for one in distortions.catalogue()[:25] for level in one.unchanged
    }
    assert all(item.place == 0 for item in clean)
    assert any("only 3 photos" in note for note in made.notes)


def test_places_follow_people_not_numbers(tmp_path: Path) -> None:
    made = from_photos([folder_of_photos(tmp_path, 2)], types=["mean-shift"])
    ladder = sorted((i for i in made.items if i.place), key=lambda item: item.place)[::2]
    opinions = [item.mos for item in ladder]
    assert opinions == sorted(opinions, reverse=True)
    assert [item.place for item in ladder] == [1, 2, 3, 4]


def test_a_picture_is_the_same_every_time(tmp_path: Path) -> None:
    folder = folder_of_photos(tmp_path, 2)
    noisy = next(i for i in from_photos([folder]).items if i.type == "white-noise")
    first, second = (from_photos([folder]).picture(noisy) for _ in range(2))
    assert first.hash == second.hash
    assert (first.pixels == second.pixels).all()
    other = next(i for i in from_photos([folder]).items if i.reference != noisy.reference)
    assert from_photos([folder]).picture(other).hash != first.hash


def test_a_large_photo_is_cut_in_its_middle_and_not_shrunk(tmp_path: Path) -> None:
    pixels = photo(0, 300, 400)
    cut = window(pixels, 200)
    assert cut.shape == (150, 200, 3)
    assert (cut == pixels[75:225, 100:300]).all()
    assert window(pixels, 0) is pixels
    assert window(pixels, 400) is pixels


def test_photos_that_cannot_be_used_are_told(tmp_path: Path) -> None:
    folder = folder_of_photos(tmp_path, 2)
    Image.fromarray(photo(9, 40, 60)).save(folder / "small.png")
    (folder / "torn.png").write_bytes((folder / "photo0.png").read_bytes()[:300])
    made = from_photos([folder], types=TYPES)
    assert {item.reference for item in made.items} == {"photo0.png", "photo1.png"}
    assert len(made.left_out) == 2
    assert any("60×40 is too small" in line for line in made.left_out)


def test_one_photo_is_too_few(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 2 photos and 1 can be used"):
        from_photos([folder_of_photos(tmp_path, 1)])


def test_an_empty_folder_and_a_wrong_type(tmp_path: Path) -> None:
    with pytest.raises(NothingFound):
        from_photos([tmp_path])
    with pytest.raises(UnknownName, match="gausian-blur"):
        from_photos([folder_of_photos(tmp_path)], types=["gausian-blur"])


def test_photos_that_are_bad_already_are_named(tmp_path: Path) -> None:
    folder = folder_of_photos(tmp_path, 8)
    assert not from_photos([folder], scorer=Fixed(80)).notes
    [note] = from_photos([folder], scorer=Fixed(30)).notes
    assert note.startswith("8 of 8 photos are not pristine to the built-in scorer: photo0.png (noi")
    assert "and 3 more" in note


def test_two_photos_of_one_name_stay_two(tmp_path: Path) -> None:
    one, two = (folder_of_photos(tmp_path / name, 1) for name in "ab")
    made = from_photos([one, two], types=["jpeg"])
    assert {item.reference for item in made.items} == {"photo0.png", "photo0.png~2"}


def test_sanity_pictures_show_nothing() -> None:
    spread = {item.name.split("/")[1]: sanity.picture(item).pixels.std() for item in sanity.items()}
    assert spread["black"] == spread["white"] == spread["flat grey"] == 0
    assert spread["noise"] > 70


@pytest.mark.parametrize("name", ["live", "csiq", "tid2013", "kadid-10k"])
def test_public_sets_in_their_own_layouts(name: str, tmp_path: Path) -> None:
    expected = LAYOUTS[name](tmp_path)
    made = from_corpus(read_dataset(tmp_path, name), most=2000)
    [item] = [item for item in made.items if item.name == expected.image]
    assert (item.family, item.reference) == (expected.family, expected.reference)
    assert 0 <= item.mos <= 1
    assert item.place == (0 if item.family == "clean" else item.place)
    with pytest.raises(ImageError):  # one byte is no picture, and that is told, not raised, later
        made.picture(item)


def kadid(root: Path, contents: int = 3) -> Path:
    """A small KADID-10k with real pictures: two types, five levels."""
    folder = root / "images"
    folder.mkdir(parents=True)
    lines = ["dist_img,ref_img,dmos,var"]
    for content in range(1, contents + 1):
        pixels = photo(content)
        Image.fromarray(pixels).save(folder / f"I{content:02}.png")
        for number, kind in ((1, "gaussian-blur"), (18, "mean-shift")):
            for level in range(1, 6):
                name = f"I{content:02}_{number:02}_{level:02}.png"
                made = distortions.apply(pixels, kind, level, seed=0)
                Image.fromarray(made).save(folder / name)
                opinion = distortions.opinion(kind, level)
                assert opinion is not None
                lines.append(f"{name},I{content:02}.png,{opinion.mean},0.5")
    (root / "dmos.csv").write_text("\n".join(lines) + "\n")
    return root


def test_a_set_brings_its_references_and_its_order(tmp_path: Path) -> None:
    made = from_corpus(read_dataset(kadid(tmp_path), "kadid-10k"))
    pristine = [item for item in made.items if item.type == PRISTINE]
    assert [item.reference for item in pristine] == ["I01.png", "I02.png", "I03.png"]
    assert made.items[0].type == PRISTINE
    shift = [i for i in made.items if i.type == "mean shift" and i.reference == "I01.png"]
    by_place = [item.level for item in sorted(shift, key=lambda item: item.place) if item.place]
    assert by_place == [2, 4, 1, 5]  # what people said of levels, not their numbers
    beside = made.pristine(shift[0])
    assert beside is not None
    assert (beside.pixels == read(tmp_path / "images" / "I01.png").pixels).all()


def test_fewer_pictures_are_whole_references_and_part_of_more(tmp_path: Path) -> None:
    data = read_dataset(kadid(tmp_path, 4), "kadid-10k")
    few, more = (from_corpus(data, most=most) for most in (20, 30))
    assert {item.name for item in few.items} < {item.name for item in more.items}
    assert len({item.reference for item in few.items}) == 2
    assert any("20 of 40 pictures" in note for note in few.notes)


def test_missing_files_are_counted_and_listed(tmp_path: Path) -> None:
    root = kadid(tmp_path)
    (root / "images" / "I02_01_03.png").unlink()
    made = from_corpus(read_dataset(root, "kadid-10k"))
    assert made.left_out == ["images/I02_01_03.png: the file is missing"]
    assert all(item.name != "images/I02_01_03.png" for item in made.items)


def test_a_set_without_pictures_or_families_is_refused(tmp_path: Path) -> None:
    root = kadid(tmp_path / "kadid")
    for path in (root / "images").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="none of the 30 pictures"):
        from_corpus(read_dataset(root, "kadid-10k"))
    (tmp_path / "own").mkdir()
    LAYOUTS["koniq-10k"](tmp_path / "own")
    with pytest.raises(DataError, match="does not say what was done"):
        from_corpus(read_dataset(tmp_path / "own", "koniq-10k"))


def test_the_wrong_folder_says_what_was_expected_and_found(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(DataError, match=r"expected dmos.csv, found notes.txt"):
        read_dataset(tmp_path, "kadid-10k")


def test_several_sets_keep_their_names_apart(tmp_path: Path) -> None:
    sets = [
        from_corpus(read_dataset(kadid(tmp_path / name, 2), "kadid-10k")) for name in ("a", "b")
    ]
    both = join(sets)
    assert len(both.items) == len({item.name for item in both.items}) == 2 * len(sets[0].items)
    item = both.items[-1]
    assert item.reference.startswith("set 2: ")
    assert both.picture(item).pixels.shape == (96, 128, 3)
    assert both.pristine(item) is not None


def test_a_broken_reference_is_an_image_error(tmp_path: Path) -> None:
    folder = folder_of_photos(tmp_path, 2)
    made = from_photos([folder], types=["jpeg"])
    (folder / "photo0.png").write_bytes((folder / "photo0.png").read_bytes()[:400])
    with pytest.raises(BrokenImage):
        made.picture(made.items[0])


def test_made_pictures_are_known_by_their_pixels() -> None:
    one, other = picture_of(photo(1)), picture_of(photo(2))
    assert one.hash != other.hash
    assert (one.width, one.height) == (128, 96)
    assert np.shares_memory(one.pixels, one.pixels)
