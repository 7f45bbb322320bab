"""Readers of sets of pristine images made worse on purpose."""

from __future__ import annotations

import math
import re

import numpy as np

from snellen.data import families
from snellen.data.dataset import Dataset, Scale, make
from snellen.data.release import Reader, Release
from snellen.data.tables import find_column, numbers, read_table, texts
from snellen.errors import DataError

# The order of LIVE's arrays: folder, number of images. Stated in the readme of release 2.
_LIVE_FOLDERS = (("jp2k", 227), ("jpeg", 233), ("wn", 174), ("gblur", 174), ("fastfading", 174))
# `dst_type` of CSIQ's workbook → folder, part of the file name.
_CSIQ_FILES = {
    "noise": ("awgn", "AWGN"),
    "fnoise": ("fnoise", "fnoise"),
    "blur": ("blur", "BLUR"),
    "contrast": ("contrast", "contrast"),
    "jpeg": ("jpeg", "JPEG"),
    "jpeg 2000": ("jpeg2000", "jpeg2000"),
}
_TID_NAME = re.compile(r"i(\d{2})_(\d{2})_(\d)\.\w+", re.IGNORECASE)
_KADID_NAME = re.compile(r"i(\d{2})_(\d{2})_(\d{2})\.\w+", re.IGNORECASE)
_PIPAL_NAME = re.compile(r"(A\d{4})_(\d{2})_(\d{2})\.\w+", re.IGNORECASE)


def read_live(release: Release) -> Dataset:
    """LIVE, release 2: DMOS, lower is better; the realigned DMOS where the release has it.

    The 203 undistorted copies among the 982 entries (`orgs`) have a DMOS of 0 by definition, not by
    rating: they are left out, as in the literature, and the notes say so.
    """
    realigned = release.labels.name == "dmos_realigned.mat"
    mos = release.matrix(release.labels.name, "dmos_new" if realigned else "dmos")
    original = release.matrix(release.labels.name, "orgs").astype(bool)
    reference = release.matrix("refnames_all.mat", "refnames_all")
    folder = np.repeat([name for name, _ in _LIVE_FOLDERS], [count for _, count in _LIVE_FOLDERS])
    number = np.concatenate([np.arange(1, count + 1) for _, count in _LIVE_FOLDERS])
    if not len(mos) == len(original) == len(reference) == len(folder):
        raise DataError(
            f"{release.labels}: {len(mos)} scores and {len(reference)} reference names, "
            f"LIVE release 2 has {len(folder)}"
        )
    kept = ~original
    image, missing = release.pictures(
        [
            f"{where}/img{place}.bmp"
            for where, place in zip(folder[kept], number[kept], strict=True)
        ],
        (".",),
    )
    types = [families.LIVE[name] for name in folder[kept]]
    return make(
        "live", release.root, Scale(0, 100, higher_is_better=False, name="DMOS"), image, mos[kept],
        std=release.matrix(release.labels.name, "dmos_std")[kept] if realigned else np.full(
            len(image), math.nan
        ),
        reference=reference[kept].tolist(),
        distortion=[name for name, _ in types], family=[family for _, family in types],
        missing=missing,
        notes=(f"{int(original.sum())} undistorted copies with a DMOS of 0 are left out.",),
    )  # fmt: skip


def read_csiq(release: Release) -> Dataset:
    """CSIQ: DMOS 0–1, lower is better, of 30 references with six distortions."""
    columns = ("image", "dst_type", "dst_lev", "dmos_std", "dmos")
    workbook = release.labels.suffix == ".xlsx"
    table = release.sheet(columns, "all_by_image" if workbook else None)
    rows = [row for row, cell in enumerate(table["image"]) if cell is not None]
    table = {name: [cells[row] for row in rows] for name, cells in table.items()}
    reference = [re.sub(r"\.0$", "", name) for name in texts(table, "image")]
    kind = [name.lower() for name in texts(table, "dst_type")]
    unknown = sorted(set(kind) - set(_CSIQ_FILES))
    if unknown:
        raise DataError(f"{release.labels}: unknown dst_type {unknown[0]!r}")
    level = numbers(table, "dst_lev", release.labels)
    names = [
        f"{which}.{_CSIQ_FILES[what][1]}.{strength:.0f}.png"
        for what, which, strength in zip(kind, reference, level, strict=True)
    ]
    image, missing = release.pictures(
        names, (*(f"dst_imgs/{folder}" for folder, _ in _CSIQ_FILES.values()), "dst_imgs", ".")
    )
    return make(
        "csiq", release.root, Scale(0, 1, higher_is_better=False, name="DMOS"),
        image, numbers(table, "dmos", release.labels),
        std=numbers(table, "dmos_std", release.labels),
        reference=[f"{name}.png" for name in reference], level=level,
        distortion=[families.CSIQ[name][0] for name in kind],
        family=[families.CSIQ[name][1] for name in kind], missing=missing,
    )  # fmt: skip


def read_tid2013(release: Release) -> Dataset:
    """TID2013: MOS 0–9 of 25 references with 24 distortions at five levels."""
    table = release.table(columns=("mos", "image"), separator=" ")
    names = texts(table, "image")
    parts = [_name(_TID_NAME, name, release) for name in names]
    image, missing = release.pictures(names, ("distorted_images", "."))
    spread = release.other("mos_std.txt")
    std = np.full(len(names), math.nan)
    if spread is not None:
        std = numbers(read_table(spread, columns=("std",), separator=" "), "std", spread)
    types = [_known(families.TID2013, int(kind), release) for _, kind, _ in parts]
    return make(
        "tid2013", release.root, Scale(0, 9), image, numbers(table, "mos", release.labels),
        std=std, reference=[f"I{reference}.BMP" for reference, _, _ in parts],
        level=[int(level) for _, _, level in parts],
        distortion=[name for name, _ in types], family=[family for _, family in types],
        missing=missing,
    )  # fmt: skip


def read_kadid10k(release: Release) -> Dataset:
    """KADID-10k: 81 references, 25 distortions, five levels.

    Two column names of the release say something else than their numbers. `dmos` is 1–5 and higher
    is *better*: a MOS. `var` is the standard deviation: the first row's 4.57 and 0.496 are those of
    17 fives and 13 fours, whose variance is 0.246. Levels whose parameter changes nothing are of
    the family *clean*.
    """
    table = release.table()
    where = release.labels
    names = texts(table, find_column(table, ("dist_img",), where=where))
    parts = [tuple(int(part) for part in _name(_KADID_NAME, name, release)[1:]) for name in names]
    image, missing = release.pictures(names, ("images", "distorted_images", "."))
    types = [_known(families.KADID10K, kind, release) for kind, _ in parts]
    return make(
        "kadid-10k", release.root, Scale(1, 5), image,
        numbers(table, find_column(table, ("dmos",), where=where), where),
        std=numbers(table, find_column(table, ("var",), where=where), where),
        reference=texts(table, find_column(table, ("ref_img",), where=where)),
        level=[level for _, level in parts],
        distortion=[name for name, _ in types],
        family=[
            "clean" if part in families.KADID10K_UNCHANGED else family
            for part, (_, family) in zip(parts, types, strict=True)
        ],
        missing=missing,
    )  # fmt: skip


def read_pipal(release: Release) -> Dataset:
    """PIPAL, training part: Elo scores, higher is better, one label file per reference.

    The file name's two numbers are the kind of distortion and its variant; what they stand for is
    not in the release, so the kind keeps its number and there is neither level nor family.
    """
    names: list[str] = []
    scores: list[float] = []
    for file in sorted(release.labels.parent.glob("A*.txt")):
        table = read_table(file, columns=("image", "elo"), separator=",")
        names += texts(table, "image")
        scores += numbers(table, "elo", file).tolist()
    parts = [_name(_PIPAL_NAME, name, release) for name in names]
    image, missing = release.pictures(
        names,
        ("Train_Dist", *(f"Distortion_{place}" for place in range(1, 5)),
         *(f"Train_Distort/Distortion_{place}" for place in range(1, 5)), "."),
    )  # fmt: skip
    return make(
        "pipal", release.root, Scale(-math.inf, math.inf, name="Elo"), image, scores,
        reference=[f"{reference}.bmp" for reference, _, _ in parts],
        distortion=[f"kind {kind}" for _, kind, _ in parts],
        split=["train"] * len(image), missing=missing,
    )  # fmt: skip


def _name(pattern: re.Pattern[str], name: str, release: Release) -> tuple[str, ...]:
    match = pattern.fullmatch(name)
    if match is None:
        raise DataError(
            f"{release.labels}: {name!r} is not a file name of {release.reader.title}",
            "Leave the label file as it was published.",
        )
    return match.groups()


def _known(table: dict[int, families.Type], kind: int, release: Release) -> families.Type:
    if kind not in table:
        raise DataError(f"{release.labels}: {release.reader.title} has no distortion {kind}")
    return table[kind]


SYNTHETIC = (
    Reader(
        name="live", title="LIVE (release 2)",
        labels=("dmos_realigned.mat", "dmos.mat"),
        layout="dmos_realigned.mat or dmos.mat and refnames_all.mat beside jp2k/, jpeg/, wn/, "
        "gblur/ and fastfading/",
        home="https://live.ece.utexas.edu/research/quality/subjective.htm",
        rated=779, read=read_live, source="Sheikh, Sabir & Bovik 2006",
    ),
    Reader(
        name="csiq", title="CSIQ",
        labels=("csiq.DMOS.xlsx", "csiq.DMOS.csv"),
        layout="csiq.DMOS.xlsx beside dst_imgs/ (awgn/, blur/, …) and src_imgs/",
        home="https://s2.smu.edu/~eclarson/csiq.html",
        rated=866, read=read_csiq, source="Larson & Chandler 2010",
    ),
    Reader(
        name="tid2013", title="TID2013",
        labels=("mos_with_names.txt",),
        layout="mos_with_names.txt and mos_std.txt beside distorted_images/ and reference_images/",
        home="https://www.ponomarenko.info/tid2013.htm",
        rated=3_000, read=read_tid2013, source="Ponomarenko et al. 2015",
    ),
    Reader(
        name="kadid-10k", title="KADID-10k",
        labels=("dmos.csv",),
        layout="dmos.csv beside images/",
        home="https://database.mmsp-kn.de/kadid-10k-database.html",
        rated=10_125, read=read_kadid10k, source="Lin, Hosu & Saupe 2019",
    ),
    Reader(
        name="pipal", title="PIPAL",
        labels=("Train_Label/A*.txt",),
        layout="Train_Label/ beside Train_Ref/ and the folders of distorted images",
        home="https://github.com/HaomingCai/PIPAL-dataset",
        rated=23_200, read=read_pipal, source="Gu et al. 2020",
    ),
)  # fmt: skip
