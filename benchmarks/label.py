"""What labelling costs beyond the judge's own time, which is to be at most 5 %.

    python benchmarks/label.py

A judge that takes 50 ms a question (a tenth of what the smallest real one takes on a CPU) labels
pictures and pairs; its own time is taken inside it. Everything else is ours: finding, hashing,
decoding for the questions, the file of answers, the rows. Processor time of this process is told
beside wall time, as a busy machine makes the latter long.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from snellen.judges import Answer, Question, load_judge
from snellen.scoring import make_method
from snellen.students.labelling import Order, label

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "students"))
from student_pictures import SHARPNESS, write_pictures

PICTURES, SECONDS = 40, 0.05


class Slow:
    """Answers as the tutorial's script does, after `SECONDS` a question, and counts its time."""

    def __init__(self) -> None:
        self.inner = load_judge(SHARPNESS)
        self.name, self.can = self.inner.name, self.inner.can
        self.spent = self.worked = 0.0

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        began, worked = time.perf_counter(), time.process_time()
        time.sleep(SECONDS * len(questions))
        answers = self.inner.answer(questions)
        self.spent += time.perf_counter() - began
        self.worked += time.process_time() - worked
        return answers


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        write_pictures(photos, PICTURES, side=512)
        judge = Slow()
        began, worked = time.perf_counter(), time.process_time()
        done = label([str(photos)], judge, make_method("levels"), Order(4), Path(folder) / "labels")
        wall = time.perf_counter() - began
        own = time.process_time() - worked - judge.worked
    print(f"{done.asked} questions: {wall:.1f} s, of them the judge's {judge.spent:.1f} s")
    print(f"overhead {wall / judge.spent - 1:.1%} of wall time")
    print(f"         {own / (SECONDS * done.asked):.1%} as processor time over the judge's waiting")


if __name__ == "__main__":
    main()
