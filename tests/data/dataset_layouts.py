"""Small sets on disk in exactly the layout their authors release, for the readers' tests.

Each function writes one set under `root` and returns what a reader must make of it. Pictures are
one-byte files: readers locate pictures and never open them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from scipy.io import savemat

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


@dataclass
class Expected:
    """One row that must come out, and the whole."""

    rows: int
    image: str
    mos: float
    quality: float
    std: float | None = None
    reference: str = ""
    distortion: str = ""
    level: float | None = None
    family: str = ""
    splits: set[str] = field(default_factory=lambda: {""})
    labels: tuple[str, ...] = ()  # files without which the set is not there


def picture(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def text(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def matlab(path: Path, **variables: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, variables)


def cells(names: list[str], shape: tuple[int, int]) -> np.ndarray:
    """A MATLAB cell array of strings."""
    return np.array(names, dtype=object).reshape(shape)


def workbook(path: Path, rows: list[list[object]], sheet: str = "Sheet1") -> None:
    """A minimal .xlsx as Excel writes it: shared strings, empty cells left out, empty rows too."""
    strings: list[str] = []
    lines = []
    for number, row in enumerate(rows, 1):
        line = ""
        for place, value in enumerate(row):
            at = f"{chr(ord('A') + place)}{number}"
            if isinstance(value, str):
                if value not in strings:
                    strings.append(value)
                line += f'<c r="{at}" t="s"><v>{strings.index(value)}</v></c>'
            elif value is not None:
                line += f'<c r="{at}"><v>{value}</v></c>'
        if line:
            lines.append(f'<row r="{number}">{line}</row>')
    shared = "".join(f"<si><t>{escape(value)}</t></si>" for value in strings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as book:
        book.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets>'
            f'<sheet name="notes" sheetId="1" r:id="rId1"/>'
            f'<sheet name="{sheet}" sheetId="2" r:id="rId2"/></sheets></workbook>'
            if sheet != "Sheet1"
            else f'<workbook xmlns="{MAIN}" xmlns:r="{LINKS}"><sheets>'
            f'<sheet name="{sheet}" sheetId="1" r:id="rId2"/></sheets></workbook>',
        )
        book.writestr(
            "xl/_rels/workbook.xml.rels",
            "<Relationships><Relationship Id='rId1' Target='worksheets/sheet1.xml'/>"
            "<Relationship Id='rId2' Target='/xl/worksheets/sheet2.xml'/></Relationships>",
        )
        book.writestr(
            "xl/worksheets/sheet1.xml", f'<worksheet xmlns="{MAIN}"><sheetData/></worksheet>'
        )
        book.writestr(
            "xl/worksheets/sheet2.xml",
            f'<worksheet xmlns="{MAIN}"><sheetData>{"".join(lines)}</sheetData></worksheet>',
        )
        book.writestr("xl/sharedStrings.xml", f'<sst xmlns="{MAIN}">{shared}</sst>')


def koniq(root: Path) -> Expected:
    text(
        root / "koniq10k_distributions_sets.csv",
        "image_name,c1,c2,c3,c4,c5,c_total,MOS,SD,set\n"
        "10004473376.jpg,0.0,0.0,0.238,0.695,0.067,105,77.38,0.5,training\n"
        "10007357496.jpg,0.0,0.031,0.469,0.489,0.010,96,68.73,0.58,test\n"
        "10043785683.jpg,0.0,0.0,0.434,0.566,0.0,106,71.20,0.4,validation\n",
    )
    picture(root / "1024x768", "10004473376.jpg", "10007357496.jpg", "10043785683.jpg")
    return Expected(
        3, "1024x768/10004473376.jpg", 77.38, 77.38, std=12.5, splits={"train", "val", "test"},
        labels=("koniq10k_distributions_sets.csv",),
    )  # fmt: skip


def spaq(root: Path) -> Expected:
    header = ["Image name", "MOS", "Brightness", "Colorfulness"]
    name = "Annotations/MOS and Image attribute scores.xlsx"
    workbook(root / name, [header, ["00001.jpg", 32.17, 56.5, 45.1], ["00002.jpg", 61.88, 60, 50]])
    picture(root / "TestImage", "00001.jpg", "00002.jpg")
    return Expected(2, "TestImage/00001.jpg", 32.17, 32.17, labels=(name,))


def live_challenge(root: Path) -> Expected:
    names = ["t1.bmp", "t2.bmp", "3.bmp", "1021.JPG"]
    base = root / "ChallengeDB_release"
    matlab(base / "Data/AllImages_release.mat", AllImages_release=cells(names, (4, 1)))
    matlab(base / "Data/AllMOS_release.mat", AllMOS_release=np.array([[64.0, 25, 63.96, 48.9]]))
    matlab(base / "Data/AllStdDev_release.mat", AllStdDev_release=np.array([[15.0, 18, 20.5, 17]]))
    picture(base / "Images", "3.bmp", "1021.jpg", "trainingImages/t1.bmp")
    return Expected(
        2, "ChallengeDB_release/Images/3.bmp", 63.96, 63.96, std=20.5,
        labels=("ChallengeDB_release/Data/AllMOS_release.mat",),
    )  # fmt: skip


def flive(root: Path) -> Expected:
    names = ["voc_emotic_ava/JPEGImages__2008_1.jpg", "EE371R/a.jpg", "blur_dataset/b.jpg"]
    text(
        root / "labels_image.csv",
        "name,mos\n" + "".join(f"{name},{70 + place}\n" for place, name in enumerate(names)),
    )
    text(root / "labels>640.csv", f"name_image,mos_image\n{names[1]},71\n")
    text(
        root / "labels=640_padded.csv",
        f"name_image,mos_image,is_valid\n{names[0]},70,False\n{names[2]},72,True\n",
    )
    picture(root / "database", *names)
    return Expected(
        3, f"database/{names[0]}", 70, 70, splits={"train", "val", "test"},
        labels=("labels_image.csv",),
    )  # fmt: skip


def uhd_iqa(root: Path) -> Expected:
    text(
        root / "uhd-iqa-metadata.csv",
        "image_name,quality_mos,set,subset,user_name\n1.jpg,0.61,training,,somebody\n"
        '2.jpg,0.35,validation,"popular, high",else\n3.jpg,0.72,test,,third\n',
    )
    picture(root, "training/1.jpg", "validation/2.jpg", "test/3.jpg")
    return Expected(
        3, "training/1.jpg", 0.61, 0.61, splits={"train", "val", "test"},
        labels=("uhd-iqa-metadata.csv",),
    )  # fmt: skip


def live(root: Path) -> Expected:
    count = 227 + 233 + 3 * 174
    dmos = np.linspace(20, 80, count)
    orgs = np.zeros(count)
    orgs[:10] = 1
    dmos[:10] = 0
    references = [f"ref{place % 29}.bmp" for place in range(count)]
    matlab(
        root / "dmos_realigned.mat",
        dmos_new=dmos[None], orgs=orgs[None], dmos_std=np.full((1, count), 3.5),
    )  # fmt: skip
    matlab(root / "refnames_all.mat", refnames_all=cells(references, (1, count)))
    picture(root / "jp2k", *(f"img{place}.bmp" for place in range(1, 228)))
    return Expected(
        count - 10, "jp2k/img11.bmp", dmos[10], 100 - dmos[10], std=3.5, reference="ref10.bmp",
        distortion="JPEG2000 compression", family="compression",
        labels=("dmos_realigned.mat",),
    )  # fmt: skip


def csiq(root: Path) -> Expected:
    blank: list[object] = [None] * 9
    rows: list[list[object]] = [
        blank,
        ["subjective scores", *blank[1:]],
        blank,
        [None, None, None, "image", "dst_idx", "dst_type", "dst_lev", "dmos_std", "dmos"],
        [None, None, None, 1600, 1, "noise", 1, 0.05, 0.062],
        [None, None, None, "1600", 6, "jpeg 2000", 3, 0.07, 0.4],
        [None, None, None, "trolley", 5, "contrast", 5, 0.04, 0.36],
    ]
    workbook(root / "csiq.DMOS.xlsx", rows, sheet="all_by_image")
    picture(
        root / "dst_imgs",
        "awgn/1600.AWGN.1.png", "jpeg2000/1600.jpeg2000.3.png", "contrast/trolley.contrast.5.png",
    )  # fmt: skip
    return Expected(
        3, "dst_imgs/awgn/1600.AWGN.1.png", 0.062, 0.938, std=0.05, reference="1600.png",
        distortion="additive white Gaussian noise", level=1, family="noise",
        labels=("csiq.DMOS.xlsx",),
    )  # fmt: skip


def tid2013(root: Path) -> Expected:
    text(root / "mos_with_names.txt", "5.51429 I01_01_1.bmp\n5.56757 i01_08_2.bmp\n")
    text(root / "mos_std.txt", "0.13013\n0.10854\n")
    picture(root / "distorted_images", "I01_01_1.bmp", "I01_08_2.BMP")
    return Expected(
        2, "distorted_images/I01_01_1.bmp", 5.51429, 5.51429, std=0.13013, reference="I01.BMP",
        distortion="additive Gaussian noise", level=1, family="noise",
        labels=("mos_with_names.txt",),
    )  # fmt: skip


def kadid10k(root: Path) -> Expected:
    text(
        root / "kadid10k/dmos.csv",
        "dist_img,ref_img,dmos,var\nI01_01_01.png,I01.png,4.57,0.496\n"
        "I01_10_05.png,I01.png,1.33,0.61\n",
    )
    picture(root / "kadid10k/images", "I01.png", "I01_01_01.png", "I01_10_05.png")
    return Expected(
        2, "kadid10k/images/I01_01_01.png", 4.57, 4.57, std=0.496, reference="I01.png",
        distortion="Gaussian blur", level=1, family="clean", labels=("kadid10k/dmos.csv",),
    )  # fmt: skip


def pipal(root: Path) -> Expected:
    text(root / "Train_Label/A0001.txt", "A0001_00_00.bmp,1468.17\nA0001_06_03.bmp,1302.5\n")
    text(root / "Train_Label/A0002.txt", "A0002_00_00.bmp,1511.9\n")
    picture(root, "Distortion_1/A0001_00_00.bmp", "Distortion_4/A0001_06_03.bmp")
    picture(root, "Distortion_2/A0002_00_00.bmp")
    return Expected(
        3, "Distortion_1/A0001_00_00.bmp", 1468.17, 1468.17, reference="A0001.bmp",
        distortion="kind 00", splits={"train"},
        labels=("Train_Label/A0001.txt", "Train_Label/A0002.txt"),
    )  # fmt: skip


def agiqa(root: Path) -> Expected:
    text(
        root / "data.csv",
        "name,prompt,adj1,adj2,style,mos_quality,std_quality,mos_align,std_align\n"
        "AttnGAN_normal_000.jpg,statue of a man,,,,0.9656,0.2233,0.4089,0.6156\n"
        'AttnGAN_normal_060.jpg,"artwork with only triangles, anime style",,,anime style,'
        "0.9198,0.7193,0.8505,0.8426\n",
    )
    picture(root, "AttnGAN_normal_000.jpg", "AttnGAN_normal_060.jpg")
    return Expected(
        2, "AttnGAN_normal_000.jpg", 0.9656, 0.9656, std=0.2233, reference="statue of a man",
        labels=("data.csv",),
    )  # fmt: skip


def aigciqa(root: Path) -> Expected:
    count = 8
    mos = np.linspace(30, 70, count)[:, None]
    matlab(root / "DATA/MOS/mosz1.mat", MOSz=mos)
    matlab(root / "DATA/STD/SD1.mat", SD=np.full((count, 1), 9.0))
    picture(root / "Image/allimg", *(f"{place}.png" for place in range(count)))
    return Expected(
        count, "Image/allimg/0.png", 30, 30, std=9, reference="prompt 0",
        labels=("DATA/MOS/mosz1.mat",),
    )  # fmt: skip


LAYOUTS: dict[str, Callable[[Path], Expected]] = {
    "koniq-10k": koniq,
    "spaq": spaq,
    "live-challenge": live_challenge,
    "flive": flive,
    "uhd-iqa": uhd_iqa,
    "live": live,
    "csiq": csiq,
    "tid2013": tid2013,
    "kadid-10k": kadid10k,
    "pipal": pipal,
    "agiqa-3k": agiqa,
    "aigciqa2023": aigciqa,
}
