"""Memory of answers: what a look-up and a write cost, with a thousand and with a million in it.

    python benchmarks/memory.py [COUNT]    COUNT answers, a million unless given

Every answer is of another image, with what a model of today would tell about it, so the file is as
large as a real one. Look-ups are of random questions, one by one and in batches of 32, on a fresh
connection; beside the time on the clock stands the processor time, which other programs on the
machine do not lengthen. The file lies in a temporary directory.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from snellen.judges import Answer, AnswerStore, Question, Shown, ShownImage, choice
from snellen.judges.memory import BATCH

SMALL = 1_000
LOOKED_UP = 2_000


def question(number: int) -> Question:
    return choice(
        b"picture %d" % number,  # never decoded: a look-up needs the hash of the bytes only
        "The visual quality of the first image is poor. How about the second image?",
        options=("Good", "Poor"),
        prefill="The quality of the image is ",
    )


def answer(asked: Question) -> Answer:
    image = ShownImage(asked.images[0].hash, 4000, 3000, 1148, 868, 1271, 1, "bicubic")
    shown = Shown((image,), 1320, "Qwen2VLImageProcessor (PIL)", asked.text)
    return Answer.from_logprobs(asked.options, (-0.693147, -1.609438), shown=shown)


def fill(store: AnswerStore, start: int, stop: int, batch: int) -> float:
    """Seconds for each answer written, `batch` in a transaction; making them is not counted."""
    spent = 0.0
    for first in range(start, stop, batch):
        questions = [question(number) for number in range(first, min(first + batch, stop))]
        pairs = [(asked, answer(asked)) for asked in questions]
        began = time.perf_counter()
        store.put("judge", pairs)
        spent += time.perf_counter() - began
    return spent / max(stop - start, 1)


def look_up(path: Path, count: int, batch: int) -> tuple[float, float]:
    """Seconds for each of `LOOKED_UP` answers found, `batch` at a time, on a fresh connection: on
    the clock, and of the processor."""
    numbers = random.Random(batch).sample(range(count), min(LOOKED_UP, count))
    with AnswerStore(path) as store:
        clock, processor, found = 0.0, 0.0, 0
        for start in range(0, len(numbers), batch):
            questions = [question(number) for number in numbers[start : start + batch]]
            began, busy = time.perf_counter(), time.process_time()
            found += len(store.get("judge", questions))
            clock += time.perf_counter() - began
            processor += time.process_time() - busy
    if found != len(numbers):
        sys.exit(f"{found} of {len(numbers)} answers found")
    return clock / len(numbers), processor / len(numbers)


def tell(path: Path, count: int) -> float:
    """Print the cost of look-ups; gives the processor seconds of one alone."""
    (alone, busy_alone), (batch, busy_batch) = look_up(path, count, 1), look_up(path, count, BATCH)
    print(
        f"{count:>9,} answers, {path.stat().st_size / 1e6:.0f} MB: look-up {alone * 1e3:.3f} ms"
        f" alone ({busy_alone * 1e3:.3f} of processor), {batch * 1e3:.3f} ms in batches of {BATCH}"
        f" ({busy_batch * 1e3:.3f})"
    )
    return busy_alone


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.db"
        with AnswerStore(path) as store:
            fill(store, 0, SMALL, BATCH)
        small = tell(path, SMALL)
        with AnswerStore(path) as store:
            fill(store, SMALL, count - SMALL, 10_000)
            write = fill(store, count - SMALL, count, BATCH)
        large = tell(path, count)
        print(f"look-up of one among all against one among {SMALL:,}: {large / small:.2f} ×")
        print(f"write in batches of {BATCH}: {write * 1e3:.3f} ms an answer")
        began = time.perf_counter()
        with AnswerStore(path) as store:
            exported = store.export(Path(folder) / "answers.jsonl")
        print(f"export of {exported:,}: {time.perf_counter() - began:.0f} s")
        if large > 1e-3:
            sys.exit(f"a look-up takes {large * 1e3:.2f} ms of the processor, over 1 ms")


if __name__ == "__main__":
    main()
