"""Readers of sets of real photographs with whatever went wrong when they were taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from snellen.data.dataset import Dataset, Scale, make
from snellen.data.release import Reader, Release
from snellen.data.tables import find_column, find_optional, numbers, texts

_KONIQ_SETS = "koniq10k_distributions_sets.csv"
_SPLIT_WORDS = {"training": "train", "train": "train", "validation": "val", "val": "val"} | {
    "test": "test"
}


def read_koniq(release: Release) -> Dataset:
    """KonIQ-10k. MOS is the z-score form on 0–100 that the authors' split file has.

    The published standard deviation is of votes 1–5; it is given × 25, the ratio of the two scales
    (ours: the z-score form itself has no published spread).
    """
    table = release.table()
    where = release.labels
    columns = list(table)
    mos = find_column(
        columns, ("MOS",) if where.name == _KONIQ_SETS else ("MOS_zscore",), where=where
    )
    image, missing = release.pictures(
        texts(table, find_column(columns, ("image_name",), where=where)),
        ("1024x768", "512x384", "."),
    )
    split = find_optional(columns, ("set",))
    notes = () if split else (f"The official split is in {_KONIQ_SETS}, which is not here.",)
    return make(
        "koniq-10k", release.root, Scale(0, 100), image, numbers(table, mos, where),
        std=25 * numbers(table, find_column(columns, ("SD",), where=where), where),
        votes=numbers(table, find_column(columns, ("c_total",), where=where), where),
        split=_splits(texts(table, split)) if split else [""] * len(image),
        missing=missing, notes=notes,
    )  # fmt: skip


def read_spaq(release: Release) -> Dataset:
    """SPAQ: smartphone photos, MOS 0–100. Neither spread nor an official split is published."""
    table = release.sheet(("Image name", "MOS"))
    image, missing = release.pictures(texts(table, "Image name"), ("TestImage", "."))
    mos = numbers(table, "MOS", release.labels)
    return make("spaq", release.root, Scale(0, 100), image, mos, missing=missing)


def read_live_challenge(release: Release) -> Dataset:
    """LIVE In the Wild Challenge: MOS 0–100 of 1,162 photos.

    The seven pictures `t1` to `t7` that raters were trained with are left out, as in the authors'
    own experiments, and the notes say so.
    """
    names = release.matrix("Data/AllImages_release.mat", "AllImages_release")
    mos = release.matrix("Data/AllMOS_release.mat", "AllMOS_release")
    std = release.matrix("Data/AllStdDev_release.mat", "AllStdDev_release")
    rated = np.array([not _trains_raters(name) for name in names])
    image, missing = release.pictures(names[rated].tolist(), ("Images", "."))
    left = int(np.count_nonzero(~rated))
    return make(
        "live-challenge", release.root, Scale(0, 100), image, mos[rated], std=std[rated],
        missing=missing,
        notes=(f"{left} images shown to train the raters are left out.",) if left else (),
    )  # fmt: skip


def read_flive(release: Release) -> Dataset:
    """FLIVE (PaQ-2-PiQ), whole images; its patches are not read. MOS 0–100.

    The authors test on the images larger than 640 pixels, which are listed in `labels>640.csv` (in
    some copies `labels640.csv`), and validate on the rows of `labels=640_padded.csv` marked
    `is_valid`.
    """
    table = release.table()
    where = release.labels
    names = texts(table, find_column(table, ("name",), where=where))
    image, missing = release.pictures(names, ("database", "."))
    split, notes = _flive_split(release, names)
    mos = numbers(table, find_column(table, ("mos",), where=where), where)
    return make(
        "flive", release.root, Scale(0, 100), image, mos, split=split, missing=missing, notes=notes
    )


def read_uhd_iqa(release: Release) -> Dataset:
    """UHD-IQA: 4K photos, MOS 0–1 from 20 ratings each (10 experts, twice)."""
    table = release.table()
    where = release.labels
    sets = find_optional(table, ("set",))
    mos = numbers(table, find_column(table, ("quality_mos",), where=where), where)
    image, missing = release.pictures(
        texts(table, find_column(table, ("image_name",), where=where)),
        ("training", "validation", "test", "challenge/training", "challenge/validation",
         "challenge/test", "."),
    )  # fmt: skip
    return make(
        "uhd-iqa", release.root, Scale(0, 1), image, mos, votes=np.full(len(image), 20.0),
        # The challenge handed out its training rows alone, in a file without a `set` column.
        split=_splits(texts(table, sets)) if sets else ["train"] * len(image), missing=missing,
    )  # fmt: skip


def _splits(words: list[str]) -> list[str]:
    return [_SPLIT_WORDS.get(word.strip().lower(), "") for word in words]


def _trains_raters(name: str) -> bool:
    stem = Path(name).stem
    return stem.startswith("t") and stem[1:].isdigit()


def _flive_split(release: Release, names: list[str]) -> tuple[list[str], tuple[str, ...]]:
    tests = release.other("labels>640.csv") or release.other("labels640.csv")
    rest = release.other("labels=640_padded.csv")
    if tests is None or rest is None:
        return [""] * len(names), (
            "The official split is in labels>640.csv and labels=640_padded.csv, not both here.",
        )
    table = release.table(tests)
    test = set(texts(table, find_column(table, ("name_image", "name"), where=tests)))
    table = release.table(rest)
    marks = texts(table, find_column(table, ("is_valid",), where=rest))
    inside = texts(table, find_column(table, ("name_image", "name"), where=rest))
    val = {
        name
        for name, mark in zip(inside, marks, strict=True)
        if mark.strip().lower() in {"true", "1", "1.0"}
    }
    kinds = ["test" if name in test else "val" if name in val else "train" for name in names]
    return kinds, ()


AUTHENTIC = (
    Reader(
        name="koniq-10k", title="KonIQ-10k",
        labels=(_KONIQ_SETS, "koniq10k_scores_and_distributions.csv"),
        layout=f"{_KONIQ_SETS} (it has the official split) beside 1024x768/ or 512x384/",
        home="https://database.mmsp-kn.de/koniq-10k-database.html",
        rated=10_073, read=read_koniq, source="Hosu, Lin, Sziranyi & Saupe 2020",
    ),
    Reader(
        name="spaq", title="SPAQ",
        labels=(
            "Annotations/MOS and Image attribute scores.xlsx",
            "Annotations/MOS and Image attribute scores.csv",
            "MOS and Image attribute scores.xlsx",
            "MOS and Image attribute scores.csv",
        ),
        layout="Annotations/ beside TestImage/",
        home="https://github.com/h4nwei/SPAQ",
        rated=11_125, read=read_spaq, source="Fang, Zhu, Zeng, Ma & Wang 2020",
    ),
    Reader(
        name="live-challenge", title="LIVE In the Wild Challenge",
        labels=("Data/AllMOS_release.mat",),
        layout="ChallengeDB_release/ with Data/ and Images/",
        home="https://live.ece.utexas.edu/research/ChallengeDB/",
        rated=1_162, read=read_live_challenge, source="Ghadiyaram & Bovik 2016",
    ),
    Reader(
        name="flive", title="FLIVE (PaQ-2-PiQ)",
        labels=("labels_image.csv",),
        layout="labels_image.csv beside database/, and labels>640.csv, labels=640_padded.csv",
        home="https://github.com/niu-haoran/FLIVE_Database",
        rated=39_810, read=read_flive, source="Ying et al. 2020",
    ),
    Reader(
        name="uhd-iqa", title="UHD-IQA",
        labels=("uhd-iqa-metadata.csv", "uhd-iqa-training-metadata.csv"),
        layout="uhd-iqa-metadata.csv beside training/, validation/ and test/",
        home="https://database.mmsp-kn.de/uhd-iqa-benchmark-database.html",
        rated=6_073, read=read_uhd_iqa, source="Hosu et al. 2024",
    ),
)  # fmt: skip
