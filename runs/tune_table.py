"""Which part must learn? All seven combinations of parts of `built-in-base`, tuned and audited.

    python -m runs.tune_table PHOTOS [--minutes 30] [--out runs/out/tune_table]

The steps are chosen so that the whole fits into the minutes given: a few steps are timed first, and
what is left after the audits is shared out. Photos that the judge was trained on are left out
(`runs.built_in_scorer.photos.role`), unless there are too few of the others. Prints the table of
docs/tune.md; a run that was stopped goes on with the steps it began with.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path

from runs.built_in_scorer.photos import photos, role
from snellen.audit.material import Photos, from_photos
from snellen.audit.parts import PARTS, white_box
from snellen.audit.training import Recipe
from snellen.audit.tuning import Tuning, parse_parts, tune
from snellen.judges import load_judge
from snellen.reports.tune_page import columns_of, write_tune_page

JUDGE = "built-in-base"
BATCH, LEARNT, AUDITED = 16, 1200, 200
SIDE = 256  # pixels: the judge looks at the middle 224
AUDITS = 0.35  # share of the time that audits and making pictures take
FEWEST, MOST = 20, 2000  # steps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="folder with pristine/ and photos/")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("runs/out/tune_table"))
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    held = [path for path in photos(given.data) if role(path) == "test"]
    material = from_photos(held, most=given.photos, side=SIDE)
    steps = planned(material, given.minutes, given.out / "steps.json")
    began = time.monotonic()
    found = tune(
        JUDGE,
        material,
        parse_parts(["every"]),
        Recipe((), steps=steps, batch=BATCH),
        given.out / "run",
        learnt=LEARNT,
        audited=AUDITED,
        progress=lambda doing, done, total: tell(doing, done, total, began),
    )
    write_tune_page(given.out / "report.html", found)
    show(found, steps, (time.monotonic() - began) / 60)


def planned(material: Photos, minutes: float, path: Path) -> int:
    """Steps for each combination; those of the first call where it was stopped."""
    if path.exists():
        return int(json.loads(path.read_text())["steps"])
    from snellen.audit.training import Example, train

    opened = white_box(load_judge(JUDGE))
    items = material.items[:BATCH]
    pixels = {item.name: material.picture(item).pixels for item in items}
    examples = [Example(item.name, item.family) for item in items]
    with tempfile.TemporaryDirectory() as folder:
        began = time.monotonic()
        recipe = Recipe(PARTS, steps=4, batch=BATCH)
        train(
            opened.model.float(),
            opened.processor,
            examples,
            pixels.__getitem__,
            recipe,
            Path(folder) / "s.pt",
        )
        each = (time.monotonic() - began) / recipe.steps
    steps = round(min(max(minutes * 60 * (1 - AUDITS) / 7 / each, FEWEST), MOST))
    path.write_text(json.dumps({"steps": steps, "seconds_a_step": each}))
    return steps


def tell(doing: str, done: int, total: int, began: float) -> None:
    if done == total or done % 50 == 0:
        print(f"{time.monotonic() - began:6.0f} s  {doing}: {done} of {total}", flush=True)


def show(found: Tuning, steps: int, minutes: float) -> None:
    """The table as Markdown."""
    rows = [columns_of(found.before, one) for one in (found.before, *found.after)]
    shown = ("parts", "accuracy", "accuracy_low", "accuracy_high", "unseen_wordings", "likeness",
             "likeness_change", "logprob", "srcc")  # fmt: skip
    print(f"\n{steps} steps of {BATCH}, {found.photos[0]} photos trained on, {found.photos[1]}"
          f" audited, {minutes:.0f} minutes\n")  # fmt: skip
    print("| " + " | ".join(shown) + " |\n|" + " --- |" * len(shown))
    for row in rows:
        print(
            "| " + " | ".join("–" if row[name] is None else str(row[name]) for name in shown) + " |"
        )
    print(f"\n{found.sentence}")


if __name__ == "__main__":
    main()
