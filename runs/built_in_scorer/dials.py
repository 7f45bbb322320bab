"""What the dials cost and bring: crops per picture, and scaled JPEG decoding.

    python -m runs.built_in_scorer.dials --data ../shared/data

Validation contents, because the default number of crops was chosen by this table; one random level
of twelve random types for each. Prints Markdown. Times are of the processor, one thread.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.stats import spearmanr

from runs.built_in_scorer.make import seed_of
from runs.built_in_scorer.measure import interval
from runs.built_in_scorer.photos import photos, pristine, role
from runs.built_in_scorer.samples import human_opinion, tabled
from snellen import distortions
from snellen.images import read
from snellen.images.view import ViewPolicy
from snellen.scorers.built_in import load

CROPS = (1, 2, 4, 6, 9, 12, 24)
SCALES = (1, 2, 4)
TYPES_EACH = 12


def pictures(data: Path) -> tuple[list[bytes], np.ndarray, np.ndarray]:
    """Degraded validation photos as JPEG bytes (quality 95, 4:4:4), their opinion, their content.

    JPEG, so that scaled decoding has something to scale; at this quality it changes little.
    """
    files, opinions, contents = [], [], []
    chosen = [path for path in photos(data) if role(path) == "validation"]
    for content, path in enumerate(chosen):
        rng = np.random.default_rng(seed_of("dials", path.name))
        original = pristine(path, rng)
        kinds = tabled()
        for kind in (kinds[i] for i in rng.choice(len(kinds), TYPES_EACH, replace=False)):
            level = int(rng.choice(kind.levels))
            worse = distortions.apply(original, kind.name, level, seed=content)
            file = io.BytesIO()
            Image.fromarray(worse).save(file, "JPEG", quality=95, subsampling=0)
            files.append(file.getvalue())
            opinions.append(human_opinion(kind, level))
            contents.append(content)
    return files, np.asarray(opinions), np.asarray(contents)


def row(files: list[bytes], opinions: np.ndarray, contents: np.ndarray, crops: int, scale: int):
    """Scores under one setting, and its line of the table."""
    scorer = load(crops=crops)
    found = np.array([scorer.score(read(data, jpeg_scale=scale)).value for data in files])
    low, high = interval(lambda r: spearmanr(found[r], opinions[r])[0], contents)
    srcc = spearmanr(found, opinions)[0]
    return found, f"{srcc:.3f} [{low:.3f}, {high:.3f}]"


def milliseconds(files: list[bytes]) -> dict[int, float]:
    """Of view and network by number of crops: medians over some pictures, all numbers in turns."""
    scorers = {crops: load(crops=crops) for crops in CROPS}
    times: dict[int, list[float]] = {crops: [] for crops in CROPS}
    for data in files[::6]:
        picture = read(data)
        for crops, scorer in scorers.items():
            started = time.thread_time()
            scorer.score(picture)
            times[crops].append(time.thread_time() - started)
    return {crops: float(np.median(found)) * 1e3 for crops, found in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    args = parser.parse_args()
    files, opinions, contents = pictures(args.data)
    print(f"{len(files)} pictures of {contents.max() + 1} validation contents\n")
    print("| crops | SRCC with the human table | view and network |\n| --- | --- | --- |")
    spent = milliseconds(files)
    for crops in CROPS:
        _, line = row(files, opinions, contents, crops, 1)
        print(f"| {crops} | {line} | {spent[crops]:.1f} ms |", flush=True)
    print("\n| JPEG decoded at | SRCC | mean change of score |\n| --- | --- | --- |")
    full = None
    for scale in SCALES:
        found, line = row(files, opinions, contents, ViewPolicy().crops, scale)
        full = found if full is None else full
        print(f"| 1/{scale} | {line} | {np.abs(found - full).mean():.1f} points |", flush=True)


if __name__ == "__main__":
    main()
