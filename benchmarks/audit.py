"""How long does an audit take, and is its memory flat?

    python benchmarks/audit.py PHOTOS [--judge built-in] [--photos-at-most 24]

Audits a judge over photos × 25 types × 5 levels and prints where the time goes: making pictures,
asking, everything else; as processor seconds too, which a busy machine changes less. Memory: the
most that the process held after a tenth of the rows and at the end.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from snellen.audit import audit
from snellen.audit.material import Item, Photos, from_photos
from snellen.images import Picture
from snellen.judges import Answer, Capabilities, Judge, Question, load_judge
from snellen.runs import Progress, Request
from snellen.scoring import make_method


class Timed:
    """A judge whose answering is timed."""

    def __init__(self, judge: Judge) -> None:
        self.judge, self.name, self.can = judge, judge.name, judge.can
        self.seconds = self.processor = 0.0
        self.asked = 0

    can: Capabilities

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        began, processor = time.perf_counter(), time.thread_time()
        answers = self.judge.answer(questions)
        self.seconds += time.perf_counter() - began
        self.processor += time.thread_time() - processor
        self.asked += len(questions)
        return answers


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="?", type=Path)
    parser.add_argument("--judge", default="built-in")
    parser.add_argument("--photos-at-most", type=int, default=24)
    given = parser.parse_args()
    if given.photos is None:
        print("skipped: name a folder of pristine photos")
        return
    material = from_photos([given.photos], most=given.photos_at_most)
    made = 0.0
    plain = Photos.picture

    def timed(self: Photos, item: Item) -> Picture:
        nonlocal made
        began = time.thread_time()
        picture = plain(self, item)
        made += time.thread_time() - began
        return picture

    Photos.picture = timed  # type: ignore[method-assign]
    judge = Timed(load_judge(given.judge))
    early = 0.0

    def watch(progress: Progress) -> None:
        nonlocal early
        if not early and progress.done > progress.total / 10:
            early = megabytes()

    began, processor = time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        audit(
            [judge], material, make_method("levels"), Request("audit", (str(given.photos),)),
            directory=Path(folder) / "run", inside=False, progress=watch,
        )  # fmt: skip
    total, processor = time.perf_counter() - began, time.process_time() - processor
    print(f"{len(material.items):,} pictures, {judge.asked:,} questions: {total:.0f} s")
    print(f"processor seconds: {processor:.0f} in all, {made:.0f} of them making pictures,")
    print(f"                   {judge.processor:.0f} answering on the thread that asks")
    print(f"asking: {judge.seconds:.0f} s, {judge.asked / judge.seconds:.0f} questions a second")
    print(f"memory: {early:.0f} MB after a tenth, {megabytes():.0f} MB at the end")


if __name__ == "__main__":
    main()
