"""Which part must learn? All seven combinations of parts of `built-in-base`, tuned and audited.

    python -m runs.tune_table DATA [--minutes 30] [--steps N] [--out runs/out/tune_table]

Trained on photos that the built-in judges were trained on, too, audited on test photos
(`runs.built_in_scorer.photos.role`). Photos are cut to a square and shrunk a little first, as
theirs were, so that a clean one is clean. The steps are what fits into the minutes, or those given.
Prints the table as Markdown, with the minutes and the processor time that it took; a run that was
stopped goes on with the steps it began with.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path

import numpy as np
from PIL import Image

from runs.built_in_scorer.photos import photos, pristine, role
from snellen.audit.material import Photos, from_photos
from snellen.audit.training import Recipe
from snellen.audit.tuning import Tuning, parse_parts, tune
from snellen.reports.tune_page import columns_of, write_tune_page

JUDGE = "built-in-base"
SIDE = 256  # pixels: seven eighths of it are the 224 that the judge looks at
STEPS = 400  # where minutes are not given


def main() -> None:
    import torch

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with pristine/ and photos/")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--learnt", type=int, default=2400, help="pictures trained on")
    parser.add_argument("--audited", type=int, default=400, help="pictures audited")
    parser.add_argument("--photos", type=int, nargs=2, default=(300, 60), help="of each role")
    parser.add_argument("--parts", nargs="*", default=["every"])
    parser.add_argument("--role", choices=("validation", "test"), default="test")
    parser.add_argument("--out", type=Path, default=Path("runs/out/tune_table"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    learnt = squares(given.data, "train", given.photos[0], given.out)
    audited = squares(given.data, given.role, given.photos[1], given.out)
    began, processor = time.monotonic(), time.process_time()
    found = tune(
        JUDGE,
        learnt,
        parse_parts(given.parts),
        Recipe((), steps=given.steps, batch=given.batch),
        given.out / "run",
        others=audited,
        minutes=given.minutes,
        learnt=given.learnt,
        audited=given.audited,
        progress=lambda doing, done, total: tell(doing, done, total, began),
        say=print,
    )
    write_tune_page(given.out / "report.html", found)
    show(found)
    print(
        f"{(time.monotonic() - began) / 60:.0f} minutes, of processor time"
        f" {(time.process_time() - processor) / 60:.0f}, with {torch.get_num_threads()} threads"
    )


def squares(data: Path, wanted: str, count: int, out: Path) -> Photos:
    """So many photos of a role, chosen by the hash of their names, as squares of `SIDE` pixels."""
    folder = out / wanted
    folder.mkdir(exist_ok=True)
    chosen = sorted((path for path in photos(data) if role(path) == wanted), key=_digest)[:count]
    for path in chosen:
        place = folder / f"{path.stem}.png"
        if not place.exists():
            seed = int.from_bytes(_digest(path)[:8], "big")
            pixels = pristine(path, np.random.default_rng(seed))
            side = min(*pixels.shape[:2], SIDE)
            top, left = ((length - side) // 2 for length in pixels.shape[:2])
            square = pixels[top : top + side, left : left + side]
            Image.fromarray(square).save(place)
    return from_photos([folder / f"{path.stem}.png" for path in chosen], side=SIDE)


def _digest(path: Path) -> bytes:
    return hashlib.sha256(path.name.encode()).digest()


def tell(doing: str, done: int, total: int, began: float) -> None:
    if done == total or done % 50 == 0:
        print(f"{time.monotonic() - began:6.0f} s  {doing}: {done} of {total}", flush=True)


def show(found: Tuning) -> None:
    """The table as Markdown."""
    rows = [columns_of(found.before, one) for one in (found.before, *found.after)]
    shown = ("parts", "accuracy", "accuracy_low", "accuracy_high", "unseen_wordings", "likeness",
             "likeness_change", "logprob", "srcc")  # fmt: skip
    recipe, (trained, audited) = found.recipe, found.photos
    print(
        f"\n{recipe.steps} steps of {recipe.batch}, peak rate {recipe.rate:.2g}, {trained} photos"
        f" trained on, {audited} audited\n"
    )
    print("| " + " | ".join(shown) + " |\n|" + " --- |" * len(shown))
    for row in rows:
        print(
            "| " + " | ".join("–" if row[name] is None else str(row[name]) for name in shown) + " |"
        )
    print(f"\n{found.sentence}")


if __name__ == "__main__":
    main()
