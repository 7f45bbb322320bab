"""Readers of sets of generated images. Images made from one prompt share it as their reference."""

from __future__ import annotations

import numpy as np

from snellen.data.dataset import Dataset, Scale, make
from snellen.data.release import Reader, Release
from snellen.data.tables import find_column, numbers, texts
from snellen.errors import DataError

# AIGCIQA2023 numbers its files model by model, then prompt by prompt: 6 × 100 × 4.
_PROMPTS, _PICTURES = 100, 4


def read_agiqa_3k(release: Release) -> Dataset:
    """AGIQA-3K: perceptual quality (not prompt alignment), MOS 0–5."""
    table = release.table()
    where = release.labels
    names = texts(table, find_column(table, ("name",), where=where))
    image, missing = release.pictures(names, (".", "AGIQA-3K", "images", "image", "file"))
    return make(
        "agiqa-3k", release.root, Scale(0, 5), image,
        numbers(table, find_column(table, ("mos_quality",), where=where), where),
        std=numbers(table, find_column(table, ("std_quality",), where=where), where),
        reference=texts(table, find_column(table, ("prompt",), where=where)), missing=missing,
    )  # fmt: skip


def read_aigciqa2023(release: Release) -> Dataset:
    """AIGCIQA2023: quality (not authenticity or correspondence), z-scored MOS on 0–100."""
    mos = release.matrix("DATA/MOS/mosz1.mat", "MOSz")
    std = release.matrix("DATA/STD/SD1.mat", "SD")
    if len(std) != len(mos):
        raise DataError(f"{release.labels}: {len(mos)} scores and {len(std)} standard deviations")
    number = np.arange(len(mos))
    image, missing = release.pictures([f"{place}.png" for place in number], ("Image/allimg", "."))
    prompt = number // _PICTURES % _PROMPTS
    return make(
        "aigciqa2023", release.root, Scale(0, 100), image, mos, std=std,
        reference=[f"prompt {place}" for place in prompt], missing=missing,
    )  # fmt: skip


GENERATED = (
    Reader(
        name="agiqa-3k", title="AGIQA-3K",
        labels=("data.csv",),
        layout="data.csv beside the images",
        home="https://github.com/lcysyzxdxc/AGIQA-3k-Database",
        rated=2_982, read=read_agiqa_3k, source="Li et al. 2023",
    ),
    Reader(
        name="aigciqa2023", title="AIGCIQA2023",
        labels=("DATA/MOS/mosz1.mat",),
        layout="DATA/ beside Image/allimg/",
        home="https://github.com/wangjiarui153/AIGCIQA2023",
        rated=2_400, read=read_aigciqa2023, source="Wang et al. 2023",
    ),
)  # fmt: skip
