"""One suite over every reader: whatever is in `READERS` is tested on its authors' layout."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from dataset_layouts import LAYOUTS, text

from snellen.data import READERS, Dataset, families, read_dataset, read_ratings
from snellen.distortions import FAMILIES, catalogue
from snellen.errors import DataError, InputError, NotFinite, UnknownName


def test_every_reader_has_a_layout() -> None:
    assert set(LAYOUTS) == set(READERS)


@pytest.fixture(params=sorted(LAYOUTS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_reads_its_own_layout(name: str, tmp_path: Path) -> None:
    expected = LAYOUTS[name](tmp_path)
    data = read_dataset(tmp_path, name)
    assert len(data) == expected.rows
    row = data.image.index(expected.image)
    assert data.mos[row] == pytest.approx(expected.mos)
    assert data.quality[row] == pytest.approx(expected.quality)
    assert (data.reference[row], data.distortion[row]) == (
        expected.reference,
        expected.distortion,
    )
    assert data.family[row] == expected.family
    assert set(data.split) == expected.splits
    for got, wanted in ((data.std[row], expected.std), (data.level[row], expected.level)):
        assert math.isnan(got) if wanted is None else got == pytest.approx(wanted)
    assert any(f"publishes {READERS[name].rated:,}" in note for note in data.notes)


def test_is_recognised_by_its_labels(name: str, tmp_path: Path) -> None:
    LAYOUTS[name](tmp_path)
    assert read_dataset(tmp_path).name == name


def test_finds_every_picture_that_is_there(name: str, tmp_path: Path) -> None:
    LAYOUTS[name](tmp_path)
    data = read_dataset(tmp_path, name)
    gone = set(data.missing)
    assert all(
        (path.exists()) != (image in gone)
        for path, image in zip(data.paths, data.image, strict=True)
    )
    assert len(gone) < len(data)


def test_counts_pictures_that_are_not_there(name: str, tmp_path: Path) -> None:
    expected = LAYOUTS[name](tmp_path)
    before = read_dataset(tmp_path, name)
    (tmp_path / expected.image).unlink()
    data = read_dataset(tmp_path, name)
    assert len(data) == expected.rows
    assert len(data.missing) == len(before.missing) + 1
    assert any(Path(image).name == Path(expected.image).name for image in data.missing)


def test_finds_pictures_in_a_folder_of_ones_own(name: str, tmp_path: Path) -> None:
    expected = LAYOUTS[name](tmp_path)
    place = Path(expected.image)
    moved = tmp_path / "mine" / place.parent.name / place.name
    moved.parent.mkdir(parents=True)
    (tmp_path / expected.image).rename(moved)
    assert moved.relative_to(tmp_path).as_posix() in read_dataset(tmp_path, name).image


def test_says_what_was_expected_and_where_to_get_it(name: str, tmp_path: Path) -> None:
    expected = LAYOUTS[name](tmp_path)
    for label in expected.labels:
        (tmp_path / label).unlink()
    with pytest.raises(DataError) as caught:
        read_dataset(tmp_path, name)
    said = str(caught.value)
    assert READERS[name].home in said
    assert READERS[name].labels[0] in said
    assert "\n" not in said


def test_a_directory_that_is_not_there_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        read_dataset(tmp_path / "nowhere", name)


def test_split_by_reference_keeps_references_together(name: str, tmp_path: Path) -> None:
    LAYOUTS[name](tmp_path)
    data = read_dataset(tmp_path, name)
    if len(set(data.groups)) == 1:
        with pytest.raises(InputError, match="1 groups are too few"):
            data.split_by_reference(test=0.3)
        return
    split = data.split_by_reference(test=0.3)
    train, test = split.part("train"), split.part("test")
    assert not set(train.groups) & set(test.groups)
    assert len(train) + len(test) == len(data)


def test_tables_hold_every_column(name: str, tmp_path: Path) -> None:
    LAYOUTS[name](tmp_path)
    table = read_dataset(tmp_path, name).table()
    assert {len(column) for column in table.values()} == {len(table["image"])}
    assert None not in table["mos"]


def test_families_are_the_catalogues() -> None:
    named = {
        family
        for table in (families.LIVE, families.CSIQ, families.TID2013, families.KADID10K)
        for _, family in table.values()
    }
    assert named <= set(FAMILIES)


def test_kadid_families_agree_with_the_catalogue() -> None:
    unchanged = set()
    for distortion in catalogue():
        number = distortion.aliases.get("kadid10k")
        if number is not None:
            assert families.KADID10K[int(number)][1] == distortion.family
            unchanged |= {(int(number), level) for level in distortion.unchanged}
    assert unchanged >= families.KADID10K_UNCHANGED


def test_koniq_without_its_split_file_says_so(tmp_path: Path) -> None:
    text(
        tmp_path / "koniq10k_scores_and_distributions.csv",
        '"image_name","c1","c2","c3","c4","c5","c_total","MOS","SD","MOS_zscore"\n'
        '"1.jpg",0,0,25,73,7,105,3.83,0.527,77.38\n',
    )
    data = read_dataset(tmp_path)
    assert data.mos.tolist() == [77.38]
    assert "koniq10k_distributions_sets.csv" in data.notes[0]


def test_live_challenge_leaves_training_images_out_and_says_so(tmp_path: Path) -> None:
    LAYOUTS["live-challenge"](tmp_path)
    data = read_dataset(tmp_path)
    assert not any("t1" in image for image in data.image)
    assert data.notes[0].startswith("2 images")


def test_live_without_realignment_reads_the_first_dmos(tmp_path: Path) -> None:
    from dataset_layouts import matlab

    LAYOUTS["live"](tmp_path)
    (tmp_path / "dmos_realigned.mat").unlink()
    matlab(tmp_path / "dmos.mat", dmos=np.full((1, 982), 50.0), orgs=np.zeros((1, 982)))
    data = read_dataset(tmp_path)
    assert len(data) == 982
    assert np.isnan(data.std).all()
    assert data.family.count("blur") == 174


def test_live_of_another_length_is_refused(tmp_path: Path) -> None:
    from dataset_layouts import matlab

    LAYOUTS["live"](tmp_path)
    matlab(
        tmp_path / "dmos_realigned.mat",
        dmos_new=np.zeros((1, 9)), orgs=np.zeros((1, 9)), dmos_std=np.zeros((1, 9)),
    )  # fmt: skip
    with pytest.raises(DataError, match="9 scores"):
        read_dataset(tmp_path)


def test_aigciqa_groups_the_four_pictures_of_a_prompt(tmp_path: Path) -> None:
    LAYOUTS["aigciqa2023"](tmp_path)
    assert read_dataset(tmp_path).reference == ["prompt 0"] * 4 + ["prompt 1"] * 4


def test_csiq_exported_as_csv(tmp_path: Path) -> None:
    LAYOUTS["csiq"](tmp_path)
    (tmp_path / "csiq.DMOS.xlsx").unlink()
    text(
        tmp_path / "csiq.DMOS.csv",
        ",,,,,,,,\n,,,subjective scores,,,,,\n"
        ",,,image,dst_idx,dst_type,dst_lev,dmos_std,dmos\n,,,1600,1,noise,1,0.05,0.062\n",
    )
    data = read_dataset(tmp_path)
    assert data.image == ["dst_imgs/awgn/1600.AWGN.1.png"]


def test_spaq_exported_as_csv_with_a_header_in_another_case(tmp_path: Path) -> None:
    name = "MOS and Image attribute scores.csv"
    text(tmp_path / name, "image name;mos;brightness\n00001.jpg;32,17;56\n00002.jpg;61,9;60\n")
    data = read_dataset(tmp_path)
    assert (data.name, data.mos.tolist()) == ("spaq", [32.17, 61.9])
    assert data.missing == ["TestImage/00001.jpg", "TestImage/00002.jpg"]


def test_a_strange_file_name_is_named(tmp_path: Path) -> None:
    text(tmp_path / "dmos.csv", "dist_img,ref_img,dmos,var\nholiday.png,I01.png,4,0.5\n")
    with pytest.raises(DataError, match=r"holiday\.png"):
        read_dataset(tmp_path, "kadid-10k")


def test_names_are_forgiving_and_corrected() -> None:
    with pytest.raises(UnknownName, match="kadid-10k"):
        read_dataset(".", "kadid")
    with pytest.raises(DataError, match="KADID-10k"):
        read_dataset("nowhere", "KADID10K")


def test_two_sets_in_one_directory_must_be_named(tmp_path: Path) -> None:
    LAYOUTS["uhd-iqa"](tmp_path)
    LAYOUTS["tid2013"](tmp_path)
    with pytest.raises(DataError, match="several"):
        read_dataset(tmp_path)
    assert read_dataset(tmp_path, "tid2013").name == "tid2013"


def ratings(tmp_path: Path, content: str, **options: bool) -> Dataset:
    text(tmp_path / "mine.csv", content)
    return read_ratings(tmp_path / "mine.csv", **options)  # type: ignore[arg-type]


def test_own_ratings_take_what_columns_there_are(tmp_path: Path) -> None:
    data = ratings(
        tmp_path,
        "File Name,MOS,SD,n,ref_img,type,level,Set\na.png,3.5,0.4,20,r.png,blur,2,Training\n"
        "b.png,1.5,0.6,21,r.png,noise,,test\n",
    )
    assert data.image == ["a.png", "b.png"]
    assert data.votes.tolist() == [20, 21]
    assert data.reference == ["r.png", "r.png"]
    assert data.distortion == ["blur", "noise"]
    assert np.isnan(data.level[1])
    assert data.split == ["train", "test"]
    assert data.scale.higher_is_better


def test_dmos_is_turned_only_when_asked(tmp_path: Path) -> None:
    content = "image,dmos\na,10\nb,40\n"
    assert ratings(tmp_path, content).quality.tolist() == [10, 40]
    assert ratings(tmp_path, content, lower_is_better=True).quality.tolist() == [40, 10]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("image,mos\na,1\na,2\n", "2 times"),
        ("image,mos\na,inf\nb,2\n", "infinite"),
        ("image,mos\na,\nb,nan\n", "holds no number"),
        ("image,mos\na,good\n", "'good'"),
        ("image,opinion\na,1\n", "opinion"),
        ("image,mos,std,STD\na,1,2,3\n", "2 columns that read as 'std'"),
    ],
)
def test_bad_ratings_are_refused(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises((DataError, NotFinite), match=said):
        ratings(tmp_path, content)
