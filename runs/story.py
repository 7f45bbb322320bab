"""The whole chain as one story: photos → labels → student → calibrated on a few ratings → scores.

    python -m runs.story --judge built-in --ratings 30

Underwater photos that people rated (pcuid): a judge labels all of them without seeing a rating, a
student learns from it, N ratings set the scale, and the rest of the ratings judge what came out. It
prints where the pages are and how long each step took.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from snellen.engine import score
from snellen.errors import SnellenError
from snellen.judges import load_judge
from snellen.reports import write_score_page
from snellen.reports.calibrate_page import write_calibrate_page
from snellen.scoring import make_method
from snellen.students.calibrating import Calibrated, calibrate
from snellen.students.distilling import Recipe, distil
from snellen.students.labelling import Order, label
from snellen.students.labels import read_labels
from snellen.students.model import new_student
from snellen.students.packing import pack
from snellen.students.ratings import read_opinions


@contextmanager
def told(step: str) -> Iterator[None]:
    """Say what is done, and how long it took."""
    print(f"{step} …", flush=True)
    began = time.monotonic()
    yield
    print(f"  {time.monotonic() - began:.0f} s", flush=True)


def figures(done: Calibrated) -> str:
    """The distilled and the calibrated student on the ratings that nobody learned from."""
    held = done.held_out
    assert held is not None
    before, after = held.before[0], held.srcc
    share, low, high = held.coverage
    return (
        f"  on {len(held.predicted)} other ratings: SRCC {before.value:.3f}"
        f" [{before.low:.3f}, {before.high:.3f}] distilled, {after.value:.3f}"
        f" [{after.low:.3f}, {after.high:.3f}] calibrated; PLCC {held.plcc.value:.3f};"
        f" RMSE {held.rmse.value / done.unit:.1f} of {held.before[2].value / done.unit:.1f};"
        f" 95 % intervals held {share:.1%} [{low:.1%}, {high:.1%}]"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/rated/pcuid"))
    parser.add_argument("--judge", default="built-in")
    parser.add_argument("--method", default="levels")
    parser.add_argument("--pairs-per-image", type=int, default=0)
    parser.add_argument("--ratings", type=int, default=30, help="how many to learn from")
    parser.add_argument("--out", type=Path, default=Path("runs/out/story"))
    args = parser.parse_args()
    out, pictures = args.out, str(args.photos / "images")
    out.mkdir(parents=True, exist_ok=True)
    with told(f"{args.judge} labels {pictures}"):
        order = Order(pairs_per_image=args.pairs_per_image)
        done = label(
            [pictures], load_judge(args.judge), make_method(args.method), order, out / "labels",
            foretold=lambda cost: print(f"  {cost.questions} questions, {cost.seconds or 0:.0f} s"),
        )  # fmt: skip
        print(f"  {done.pictures - done.missing} pictures, {done.pairs - done.missing_pairs} pairs")
    with told("a student learns from the labels"):
        labels = read_labels([out / "labels"])
        student = distil(new_student(), labels, Recipe(), out / "student", cache=out / "features")
    with told(f"{args.ratings} ratings set the scale"):
        opinions = read_opinions(args.photos / "mos.csv")
        found = calibrate(
            student, opinions, args.photos, budget=args.ratings, cache=out / "features"
        )
        found.student.save(out / "calibrated")
        print(figures(found))
        page = write_calibrate_page(out / "calibrated" / "calibration.html", found, "mos.csv")
    with told("one file scores everything"):
        pack(found.student, out / "student.onnx")
        table = score(pictures, out / "student.onnx", run=out / "scores")
        print(f"  {len(table)} pictures, report {write_score_page(table.run)}")
    print(f"calibration {page}\nstudent     {out / 'student.onnx'}")


if __name__ == "__main__":
    try:
        main()
    except SnellenError as error:
        raise SystemExit(f"story: {error}") from None
