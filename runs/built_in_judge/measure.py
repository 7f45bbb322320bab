"""Step 7: every figure of the card, by one command.

    python -m runs.built_in_judge.measure built-in
    python -m runs.built_in_judge.measure built-in-base

The judge is asked as anybody asks it, through `load_judge`; nothing of the training's code stands
between. Contents are the test photos, never seen in training nor in any choice; every interval is
95 % and respects that pictures of one photo are not independent.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from runs.built_in_judge import content, wordings
from runs.built_in_judge.generate import Describer, faults_in
from runs.built_in_judge.make import HELD_MIXES, HELD_SINGLES, held_singles
from runs.built_in_judge.pictures import Pictures
from runs.built_in_scorer.photos import photos, role
from runs.built_in_scorer.proxy import PRISTINE
from snellen import stats
from snellen.distortions import FAMILIES, get
from snellen.distortions.imagenet_c import Q_DEBIAS
from snellen.images import Picture, content_hash
from snellen.judges import Answer, Judge, Question, built_in, choice, load_judge, predicate, score
from snellen.judges.image import ImagePart
from snellen.scoring import JudgeScorer, make_method

PLAIN = 1 + HELD_SINGLES + HELD_MIXES  # pictures of a photo before the copies
EACH = PLAIN + len(Q_DEBIAS)
VISIBLE = (0.25, 0.5, 1.0)  # points of opinion under a pristine photo
CLEAR = 0.5  # points of opinion between the pictures of a pair
BATCH = 64
SEEN, BY_LETTER, UNSEEN = "seen wordings", "by letter", "unseen wordings"
LEVELS = wordings.LEVELS
WEIGHTS = (1.0, 0.75, 0.5, 0.25, 0.0)
Floats = NDArray[np.float64]
Figures: TypeAlias = dict[str, Any]
Read: TypeAlias = Callable[[list[Answer]], Figures]


class Figure(NamedTuple):
    """A figure with its 95 % interval and the number of answers it is over."""

    value: float
    low: float
    high: float
    n: int


class Held:
    """Held-out pictures with what the measurements need of them; rows as in `Pictures`."""

    def __init__(self, data: Pictures, contents: int | None) -> None:
        count = len(data) // EACH if contents is None else min(contents, len(data) // EACH)
        self.rows = np.arange(count * EACH)
        self.data = data
        self.images = [ImagePart(data.pixels([row])[0]) for row in self.rows]
        self.content = self.rows // EACH
        self.place = self.rows % EACH
        self.opinion: Floats = data.labels["opinion"][self.rows].astype(float)
        self.parts: list[list[tuple[str, int]]] = [
            json.loads(str(text)) for text in data.labels["parts"][self.rows]
        ]
        self.family = [self._label(parts) for parts in self.parts]

    @staticmethod
    def _label(parts: list[tuple[str, int]]) -> str:
        """The family of a single; "clean" of none; nothing of a mix."""
        if len(parts) > 1:
            return ""
        return get(parts[0][0]).label(parts[0][1]) if parts else "clean"

    @property
    def plain(self) -> NDArray[np.int64]:
        return self.rows[self.place < PLAIN]

    @property
    def singles(self) -> NDArray[np.int64]:
        return self.rows[(self.place >= 1) & (self.place <= HELD_SINGLES)]


class Exam:
    """Everything that is asked, gathered first: questions about the same images come together, so
    that the judge shares its work between them."""

    def __init__(self) -> None:
        self._asked: list[Question] = []
        self._parts: list[tuple[str, slice, Read]] = []

    def add(self, group: str, questions: Sequence[Question], read: Read) -> None:
        """`read` makes figures of `group` of the answers to `questions`, in their order."""
        start = len(self._asked)
        self._asked += questions
        self._parts.append((group, slice(start, len(self._asked)), read))

    def sit(self, judge: Judge) -> dict[str, Figures]:
        """Group → its figures. A missing answer ends the measurement: there must be none."""
        keys = [tuple(image.hash for image in question.images) for question in self._asked]
        order = sorted(range(len(keys)), key=lambda i: keys[i])
        answers: list[Answer | None] = [None] * len(order)
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            found = judge.answer([self._asked[place] for place in places])
            for place, answer in zip(places, found, strict=True):
                if answer.missing:
                    raise SystemExit(f"no answer: {answer.missing}")
                answers[place] = answer
        groups: dict[str, Figures] = {}
        for group, part, read in self._parts:
            given = [answer for answer in answers[part] if answer is not None]
            groups.setdefault(group, {}).update(read(given))
        return groups


def mean(values: Sequence[float] | Floats, clusters: Sequence[int] | NDArray[np.int64]) -> Figure:
    """Mean with an interval from the sums of each cluster (linearised, as for a ratio)."""
    x, groups = np.asarray(values, float), np.asarray(clusters)
    value = float(x.mean())
    _, codes = np.unique(groups, return_inverse=True)
    sums = np.bincount(codes, x - value)
    k = len(sums)
    half = 1.96 * float(np.sqrt((sums**2).sum() * k / (k - 1))) / len(x)
    return Figure(value, value - half, value + half, len(x))


def srcc(scores: Floats, truth: Floats, clusters: NDArray[np.int64]) -> Figure:
    found = stats.srcc(scores, truth, clusters=clusters)
    return Figure(found.value, found.low, found.high, found.n)


def rate(image: ImagePart, wording: wordings.Wording) -> Question:
    text, prefill = wording
    return score(image, text, levels=LEVELS, weights=WEIGHTS, prefill=prefill)


def levels(exam: Exam, group: str, held: Held, wording: wordings.Wording) -> None:
    """Expected level against opinion, over singles and over mixes, and against what is shown."""
    rows = held.plain
    mixes = held.rows[(held.place > HELD_SINGLES) & (held.place < PLAIN)]
    appeal = np.array([content.appeal(held.data.facts[row].thumb) for row in rows])

    def read(answers: list[Answer]) -> Figures:
        values = np.full(len(held.rows), np.nan)
        values[rows] = [answer.expected(WEIGHTS) for answer in answers]
        return {
            "level SRCC, singles, human table": _srcc_of(values, held, held.singles),
            "level SRCC, mixes, proxy": _srcc_of(values, held, mixes),
            "level SRCC with the appeal of what is shown": srcc(
                values[rows], appeal, held.content[rows]
            ),
            "mass of the five levels": mean([a.mass or 0 for a in answers], held.content[rows]),
        }

    exam.add(group, [rate(held.images[row], wording) for row in rows], read)


def whole_photos(judge: Judge, data: Path, part: str, contents: int | None) -> Figures:
    """Level SRCC over whole photos, read in five native windows: the method `tiles`.

    The same photos and distortions as the windows that everything else is asked about.
    """
    paths = [path for path in photos(data) if role(path) == part][:contents]
    scorer = JudgeScorer(judge, make_method("tiles"))
    values: list[float] = []
    opinion: list[float] = []
    owner: list[int] = []
    for number, path in enumerate(paths):
        made = held_singles(path)
        pictures = [_picture(sample.pixels) for sample in made]
        for sample, scored in zip(made, scorer.score_many(pictures), strict=True):
            if isinstance(scored, Exception):
                raise SystemExit(f"no score: {scored}")
            values.append(scored.value)
            opinion.append(sample.opinion)
            owner.append(number)
    found = srcc(np.array(values), np.array(opinion), np.array(owner))
    return {"level SRCC, singles, five windows": found}


def _picture(pixels: NDArray[np.uint8]) -> Picture:
    height, width = pixels.shape[:2]
    key = content_hash(pixels.tobytes())
    return Picture(pixels, key, width, height, "PNG", pixels.nbytes, "made")


def _srcc_of(values: Floats, held: Held, rows: NDArray[np.int64]) -> Figure:
    return srcc(values[rows], held.opinion[rows], held.content[rows])


def naming(exam: Exam, group: str, held: Held, wording: wordings.Wording) -> None:
    """Which family, eight options in an order of their own for every picture."""
    rows = np.concatenate([held.rows[held.place == 0], held.singles])
    questions, orders = [], []
    letters = "{lettered}" in wording[0]
    for row in rows:
        order = [FAMILIES[i] for i in np.random.default_rng(int(row)).permutation(len(FAMILIES))]
        orders.append(order)
        text, prefill = wording
        if letters:
            marks = "ABCDEFGH"
            listed = " ".join(f"{m}. {name}" for m, name in zip(marks, order, strict=True))
            asked, options = text.format(lettered=listed), tuple(marks)
        else:
            asked, options = text.format(options=", ".join(order)), tuple(order)
        questions.append(choice(held.images[row], asked, options=options, prefill=prefill))
    truth = np.array([held.family[row] for row in rows])
    below = PRISTINE - held.opinion[rows]

    def read(answers: list[Answer]) -> Figures:
        tops = [int(np.argmax(answer.probabilities)) for answer in answers]
        named = np.array([order[top] for order, top in zip(orders, tops, strict=True)])
        found: Figures = {}
        for limit in VISIBLE:
            seen = (truth != "clean") & (below >= limit)
            right = (named == truth)[seen].astype(float)
            label = f"accuracy, at least {limit} below pristine"
            found[f"family {label}"] = mean(right, held.content[rows][seen])
            each = [right[truth[seen] == name].mean() for name in np.unique(truth[seen])]
            found[f"family macro {label}"] = float(np.mean(each))
        clean = held.place[rows] == 0
        called = (named == "clean")[clean].astype(float)
        found["pristine photos called clean"] = mean(called, held.content[rows][clean])
        return found

    exam.add(group, questions, read)


def pairs(exam: Exam, group: str, held: Held, wording: wordings.Wording, each: int = 6) -> None:
    """Which of two is better, in both orders; half of the pairs of one photo, half of two."""
    chosen = []
    for photo in range(held.content[-1] + 1):
        rng = np.random.default_rng(photo)
        own = held.plain[held.content[held.plain] == photo]
        kept = 0
        while kept < each:
            a = int(rng.choice(own))
            b = int(rng.choice(own if kept < each // 2 else held.plain))
            if abs(held.opinion[a] - held.opinion[b]) >= CLEAR:
                chosen.append((a, b))
                kept += 1
    text, prefill = wording
    marks = ("A", "B") if "A." in text else ("first", "second")

    def question(a: int, b: int) -> Question:
        return choice(held.images[a], held.images[b], text, options=marks, prefill=prefill)

    better = np.array([held.opinion[a] > held.opinion[b] for a, b in chosen])
    owner = held.content[[a for a, _ in chosen]]

    def read(answers: list[Answer]) -> Figures:
        first = np.array([answer.probabilities[0] for answer in answers]).reshape(-1, 2)
        says = first > 0.5
        single = np.stack([says[:, 0] == better, says[:, 1] != better], 1).mean(1)
        together = ((first[:, 0] + 1 - first[:, 1]) / 2 > 0.5) == better
        return {
            "pair accuracy, one order": mean(single, owner),
            "pair accuracy, both orders together": mean(together.astype(float), owner),
            "position bias, points towards the first": mean(100 * (says.mean(1) - 0.5), owner),
            "same verdict in both orders": mean((says[:, 0] != says[:, 1]).astype(float), owner),
        }

    exam.add(group, [q for a, b in chosen for q in (question(a, b), question(b, a))], read)


def same_object(exam: Exam, group: str, held: Held, wording: wordings.Wording) -> None:
    """Two pictures of one photo, however distorted, against two of different photos."""
    photos = int(held.content[-1]) + 1
    asked, truth, owner = [], [], []
    text, prefill = wording
    for photo in range(photos):
        rng = np.random.default_rng((7, photo))
        own = photo * EACH + rng.permutation(EACH)[:4]
        others = [(photo + int(step)) % photos * EACH + int(rng.integers(EACH)) for step in (1, 5)]
        for a, b, same in (
            (own[0], own[1], True), (own[2], own[3], True),
            (own[0], others[0], False), (others[1], own[1], False),
        ):  # fmt: skip
            asked.append(predicate(held.images[a], held.images[b], text, prefill=prefill))
            truth.append(same)
            owner.append(photo)

    def read(answers: list[Answer]) -> Figures:
        says = np.array([answer.probabilities[0] > 0.5 for answer in answers])
        return {"same-object accuracy": mean((says == np.array(truth)).astype(float), owner)}

    exam.add(group, asked, read)


def conditional(exam: Exam, group: str, held: Held) -> None:
    """Q-Debias's question; then again with the photo itself where the copy was."""
    text, prefill = wordings.SECOND_BESIDE_POOR[0]

    def question(first: int, second: int) -> Question:
        images = (held.images[first], held.images[second])
        return choice(*images, text, options=("Good", "Poor"), prefill=prefill)

    copies = held.rows[held.place >= PLAIN]
    queries = copies - PLAIN  # the copies are of the first pictures, in their order
    photos = copies - held.place[copies]
    owner = held.content[copies]
    appeal = np.array([content.appeal(held.data.facts[row].thumb) for row in queries])
    asked = [question(c, q) for c, q in zip(copies, queries, strict=True)]
    asked += [question(p, q) for p, q in zip(photos, queries, strict=True)]

    def read(answers: list[Answer]) -> Figures:
        good, beside_photo = np.array([answer["Good"] for answer in answers]).reshape(2, -1)
        return {
            "conditional SRCC with the appeal of what is shown": srcc(good, appeal, owner),
            "conditional SRCC with opinion of the second": srcc(good, held.opinion[queries], owner),
            "P(good) beside the copy less beside the photo": mean(good - beside_photo, owner),
            "share of queries with P(good) higher beside the copy": mean(
                (good > beside_photo).astype(float), owner
            ),
        }

    exam.add(group, asked, read)


def free_text(describer: Describer, held: Held, each: int = 1) -> Figures:
    """Does a generated sentence name faults, and the right one where there is one?"""
    rows = [
        int(row)
        for photo in range(int(held.content[-1]) + 1)
        for row in held.singles[held.content[held.singles] == photo][:each]
    ]
    said = [describer.describe(held.images[row]) for row in rows]
    faults = [faults_in(text) for text in said]
    seen = [
        i for i, row in enumerate(rows)
        if held.family[row] != "clean" and PRISTINE - held.opinion[row] >= VISIBLE[1]
    ]  # fmt: skip
    owner = held.content[rows]
    return {
        "free text that parses": mean([float(bool(one)) for one in faults], owner),
        "free text that names the visible fault": mean(
            [float(held.family[rows[i]] in faults[i]) for i in seen], owner[seen]
        ),
        "examples": said[:6],
    }


def speed(judge: Judge, held: Held) -> dict[str, float]:
    """Two-image questions a second: the eight of Q-Debias about each of ten pictures."""
    asked = []
    for photo in range(10):
        copies = photo * EACH + PLAIN + np.arange(len(Q_DEBIAS))
        for copy in copies:
            for text, prefill in (wordings.SECOND_BESIDE_POOR[0], wordings.SAME[0]):
                asked.append(
                    choice(
                        held.images[copy], held.images[photo * EACH], text,
                        options=("Yes", "No") if "object" in text else ("Good", "Poor"),
                        prefill=prefill,
                    )
                )  # fmt: skip
    judge.answer(asked[:8])
    started = time.perf_counter()
    judge.answer(asked)
    return {"two-image questions a second": len(asked) / (time.perf_counter() - started)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("judge", help="built-in, built-in-base, or hf:FOLDER")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache/built_in_judge"))
    parser.add_argument("--out", type=Path, default=Path("runs/out/built_in_judge"))
    parser.add_argument("--part", default="test", choices=("test", "validation"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--contents", type=int, default=None, help="fewer, for a quick look")
    args = parser.parse_args()
    started = time.perf_counter()
    judge = load_judge(args.judge)
    loaded = time.perf_counter() - started
    folder = Path(args.judge.removeprefix("hf:"))
    folder = folder if folder.is_dir() else built_in.FOLDER / args.judge
    held = Held(Pictures(args.cache, args.part), args.contents)
    exam = Exam()
    levels(exam, SEEN, held, wordings.RATE[0])
    naming(exam, SEEN, held, wordings.NAME[0])
    pairs(exam, SEEN, held, wordings.BETTER_LETTER[0])
    same_object(exam, SEEN, held, wordings.SAME[0])
    conditional(exam, SEEN, held)
    naming(exam, BY_LETTER, held, wordings.NAME_BY_LETTER[1])
    levels(exam, UNSEEN, held, wordings.HELD_OUT["rate"][0])
    naming(exam, UNSEEN, held, wordings.HELD_OUT["name"][0])
    pairs(exam, UNSEEN, held, wordings.HELD_OUT["pair"][0])
    same_object(exam, UNSEEN, held, wordings.HELD_OUT["same"][0])
    found: dict[str, Any] = {
        "contents": int(held.content[-1]) + 1,
        "pictures": len(held.rows),
        "judge": judge.name,
        **exam.sit(judge),
        "whole photos": whole_photos(judge, args.data, args.part, args.contents),
        "free text": free_text(Describer(folder), held),
        "speed": {"load, seconds": loaded, **speed(judge, held)},
    }
    args.out.mkdir(parents=True, exist_ok=True)
    name = args.judge if args.judge.startswith("built") else "candidate"
    text = json.dumps(found, indent=1)
    (args.out / f"figures-{name}-{args.part}.json").write_text(text + "\n")
    for part, figures in found.items():
        if not isinstance(figures, dict):
            print(f"{part}: {figures}")
            continue
        print(part)
        for label, value in figures.items():
            print(f"  {label:<55} {shown(value)}")


def shown(value: Any) -> str:
    """A figure as the card prints it."""
    if isinstance(value, Figure):
        digits = 1 if abs(value.value) > 1 else 3
        spans = (f"{one:.{digits}f}" for one in value[:3])
        return "{} [{}, {}], n = {}".format(*spans, value.n)
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
