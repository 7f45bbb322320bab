"""The work of `snellen label`: a teacher is asked about every picture, and about pairs of them.

    folder = label(["photos"], load_judge("…"), make_method("levels"), Order(), Path("labels"))

Points come first, as half of the pairs are between pictures that the points put close together.
Every answer goes through a file of answers, so nothing is asked twice: the same command again goes
on where it was stopped. Before all of them are asked, the first few are timed and a forecast made.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from snellen.audit.reliability import Reliability, plain
from snellen.errors import ImageError, InputError, MissingAnswer
from snellen.images import AnyFile, content_hash, name_of, read
from snellen.images.addresses import place_of
from snellen.judges import Answer, ImagePart, Judge, Memory, Question
from snellen.runs import Request, Run
from snellen.scoring.base import Method
from snellen.scoring.pairing import next_round
from snellen.scoring.pairs import check_takes_two, pair_questions, read_pair
from snellen.students.features import Told, found_images
from snellen.students.labels import PAIRS, VERB, pair_name
from snellen.students.reliability import levels_of, reliability_of

_CHUNK = 8  # pictures, or pairs, asked about together
_TIMED = 2  # pictures asked about before the forecast
ANSWERS = "answers.db"


@dataclass(frozen=True)
class Order:
    """What to ask for.

    pairs_per_image : pairs each picture is in, half at random and half close; 0 for none.
    shard           : (which, of how many), from 1: pictures are dealt by their content, pairs are
                      made within a shard, and `read_labels` takes all shards together.
    audit           : what an audit found of this judge; labels are weighed by it.
    """

    pairs_per_image: int = 4
    shard: tuple[int, int] = (1, 1)
    audit: Reliability | None = None


@dataclass(frozen=True)
class Forecast:
    """What the rest will cost, from the first pictures asked about.

    pictures, pairs : to be labelled, known ones left out.
    questions       : about them, at most: those in the file of answers cost nothing.
    seconds         : at the measured rate, pairs as the two images they show; None where every
                      answer so far came from the file.
    tokens          : of the prompts; None where the judge does not count them.
    """

    pictures: int
    pairs: int
    questions: int
    seconds: float | None
    tokens: int | None


@dataclass
class Labelled:
    """What was done: the run's folder, counts, and what was left out."""

    folder: Path
    pictures: int = 0
    pairs: int = 0
    missing: int = 0
    missing_pairs: int = 0
    asked: int = 0
    remembered: int = 0
    notes: list[str] = field(default_factory=list)


def label(
    paths: Sequence[str],
    judge: Judge,
    method: Method,
    order: Order,
    folder: Path | None = None,
    *,
    memory: Path | None = None,
    fresh: bool = False,
    only_forecast: bool = False,
    foretold: Callable[[Forecast], None] = lambda forecast: None,
    told: Told = lambda done, total: None,
) -> Labelled:
    """Label every picture under `paths`; the same call again goes on where it was stopped.

    folder        : the run of labels; one for this request under `snellen-runs/` without.
    memory        : file of answers; `answers.db` in the run's folder without. Shards may share one.
    fresh         : forget the labels that are there (answers are kept).
    only_forecast : stop after the forecast.
    foretold      : called with the forecast; told : with pictures and pairs done, and of how many.
    Raises `InputError` for an order that makes no sense or a judge that takes too few images,
    `NothingFound`, `RunError`, `AnswerFileError`.
    """
    _check(order, judge, method)
    pictures, notes = _dealt(found_images(paths), order.shard)
    audit = order.audit and plain(order.audit)
    options = {
        "judge": judge.name, "method": method.name, "pairs_per_image": order.pairs_per_image,
        "shard": list(order.shard), "audit": audit,
    }  # fmt: skip
    request = Request(VERB, tuple(map(place_of, paths)), options)
    directory = folder if folder is not None else request.directory()
    teacher = f"{judge.name} {method.name}"
    with (
        Run.open(directory, request, teacher, fresh=fresh) as points,
        Run.open(directory / PAIRS, request, teacher, fresh=fresh) as pairs,
        Memory(judge, memory or directory / ANSWERS) as asked,
    ):
        work = _Work(asked, method, order, points, pairs, pictures, told)
        forecast = work.forecast()
        foretold(forecast)
        if not only_forecast:
            work.points()
            work.pairs()
            points.finish(sorted(work.names.values()))
            pairs.finish(sorted(work.pair_names))
        done = Labelled(directory, len(pictures), len(work.pair_names), notes=notes)
        done.missing, done.missing_pairs = work.missing()
        done.asked, done.remembered = asked.asked, asked.remembered
    return done


class _Work:
    """One run of labels: which pictures are known, what to ask about the others."""

    def __init__(
        self,
        judge: Memory,
        method: Method,
        order: Order,
        points: Run,
        pairs: Run,
        pictures: dict[str, AnyFile],
        told: Told,
    ) -> None:
        self.judge, self.method, self.order, self.told = judge, method, order, told
        self.run, self.pair_run, self.pictures = points, pairs, pictures
        self.names = {name: name_of(path) for name, path in pictures.items()}
        self.teacher = f"{judge.name} {method.name}"
        self.scores: dict[str, float] = {}
        self.pair_names: list[str] = []
        self._trust = _Trust(order.audit)
        self._began = {"questions": 0, "images": 0, "tokens": 0, "seconds": 0.0}
        self._count_tokens = True
        for name in list(pictures):
            row = self._kept(name)
            if row is not None:
                self.scores[name] = row["score"]
        self.done = len(self.scores)
        self.total = len(pictures) + self._pairs_expected()

    def forecast(self) -> Forecast:
        """Label the first few pictures and reckon what the rest costs."""
        todo = [name for name in self.pictures if name not in self.scores]
        for name in todo[:_TIMED]:
            self._label([name])
        rest = [name for name in todo if name not in self.scores][_TIMED * (not self.scores) :]
        known = self._began
        each = known["questions"] / max(1, min(_TIMED, len(todo)))
        images_each = known["images"] / max(1, min(_TIMED, len(todo)))
        pairs = max(0, self._pairs_expected() - self._pairs_known())
        questions = round(len(rest) * each) + 2 * pairs
        images = len(rest) * images_each + 4 * pairs
        measured = self.judge.asked > 0 and known["images"] > 0
        tokens = known["tokens"] / known["images"] if measured and self._count_tokens else None
        return Forecast(
            pictures=len(rest),
            pairs=pairs,
            questions=questions,
            seconds=images * known["seconds"] / known["images"] if measured else None,
            tokens=None if tokens is None else round(images * tokens),
        )

    def points(self) -> None:
        """Label every picture that has none yet."""
        todo = [name for name in self.pictures if name not in self.scores]
        for some in _chunks(todo):
            self._label(some)

    def pairs(self) -> None:
        """Ask about every sampled pair that is not known yet."""
        sampled = self.sample()
        self.pair_names = [pair_name(*pair) for pair in sampled]
        todo = [pair for pair in sampled if not self._pair_known(pair)]
        self.done = self.total - len(todo)
        for some in _chunks(todo):
            parts = [(ImagePart(self.pictures[a]), ImagePart(self.pictures[b])) for a, b in some]
            questions = [question for pair in parts for question in pair_questions(*pair)]
            answers = self.judge.answer(questions)
            for place, pair in enumerate(some):
                self._write_pair(pair, *answers[2 * place : 2 * place + 2])
            self.done += len(some)
            self.told(self.done, self.total)

    def sample(self) -> list[tuple[str, str]]:
        """Pairs of labelled pictures: rounds at random and rounds of neighbours by score, in turn.

        Each round pairs every picture once and nobody meets twice. The rounds depend on the
        pictures' content and scores alone.
        """
        names = sorted(self.scores)
        standing = np.array([self.scores[name] for name in names])
        played: list[tuple[int, int]] = []
        for number in range(self.order.pairs_per_image):
            played += next_round(standing, played, number, "snellen label")
        return [(names[one], names[other]) for one, other in played]

    def missing(self) -> tuple[int, int]:
        """Pictures and pairs of this run without a label."""
        pictures = sum(name not in self.scores for name in self.pictures)
        entries = [self.pair_run.get(name) for name in self.pair_names]
        return pictures, sum(entry is None or entry.missing for entry in entries)

    def _label(self, names: Sequence[str]) -> None:
        """Ask about some pictures together and write a row for each."""
        asked: dict[str, list[Question]] = {}
        for name in names:
            try:
                picture = read(self.pictures[name])
            except ImageError as error:
                self._write(name, {"missing": str(error)})
                continue
            asked[name] = self.method.questions(picture)
            if self.order.audit is not None:
                self._trust.look(name, picture)
        began = time.perf_counter()
        before = self.judge.asked
        answers = iter(self.judge.answer([one for some in asked.values() for one in some]))
        if self.judge.asked > before:
            self._began["seconds"] += time.perf_counter() - began
        for name, questions in asked.items():
            self._count(questions)
            said = [next(answers) for _ in questions]
            self._read(name, said)
        self.done += len(names)
        self.told(self.done, self.total)

    def _read(self, name: str, answers: list[Answer]) -> None:
        """What one picture's answers say, as a row."""
        for answer in answers:
            if answer.shown.tokens is None:
                self._count_tokens = False
            else:
                self._began["tokens"] += answer.shown.tokens
        try:
            score = self.method.score(answers)
        except MissingAnswer as error:
            self._write(name, {"missing": str(error)})
            return
        self.scores[name] = score.value
        self._write(
            name,
            {
                "score": score.value,
                "levels": levels_of(score),
                "spread": score.spread,
                "reliability": reliability_of(score),
                "audit": self._trust.of(name),
                "missing": None,
            },
        )

    def _count(self, questions: Sequence[Question]) -> None:
        self._began["questions"] += len(questions)
        self._began["images"] += sum(len(question.images) for question in questions)

    def _write(self, name: str, row: dict[str, Any]) -> None:
        path = self.pictures[name]
        self.run.append(
            {"image": self.names[name], "scorer": self.teacher, "hash": name,
             "path": place_of(str(path)), **row}
        )  # fmt: skip

    def _write_pair(self, pair: tuple[str, str], forward: Answer, backward: Answer) -> None:
        verdict = read_pair(forward, backward)
        row: dict[str, Any] = {"missing": verdict.missing or None}
        if not verdict.missing:
            assert verdict.forward is not None
            assert verdict.backward is not None
            row |= {
                "p": verdict.preference,
                "forward": verdict.forward,
                "backward": verdict.backward,
                "reliability": verdict.reliability,
                "disagreement": abs(verdict.forward - verdict.backward),
            }
        first, second = pair
        self.pair_run.append(
            {"image": pair_name(first, second), "scorer": self.teacher, "first": first,
             "second": second, **row}
        )  # fmt: skip

    def _kept(self, name: str) -> dict[str, Any] | None:
        """The row of a picture that has its label already."""
        entry = self.run.get(self.names[name])
        if entry is None or entry.missing or entry.scorer != self.teacher:
            return None
        row = self.run.read(entry)
        return row if row["hash"] == name else None

    def _pair_known(self, pair: tuple[str, str]) -> bool:
        entry = self.pair_run.get(pair_name(*pair))
        return entry is not None and not entry.missing and entry.scorer == self.teacher

    def _pairs_expected(self) -> int:
        """Pairs that will be sampled; known exactly once every picture has its score."""
        if len(self.scores) == len(self.pictures):
            return len(self.sample())
        return len(self.pictures) // 2 * min(self.order.pairs_per_image, len(self.pictures) - 1)

    def _pairs_known(self) -> int:
        """Pairs that are labelled already, of those that the scores sample."""
        if len(self.scores) < len(self.pictures):
            return 0
        return sum(self._pair_known(pair) for pair in self.sample())


class _Trust:
    """What the audit says of each picture, through the built-in scorer's families."""

    def __init__(self, audit: Reliability | None) -> None:
        self.audit = audit
        self._found: dict[str, float] = {}
        if audit is not None:
            from snellen.scorers import load_scorer

            self._scorer = load_scorer()

    def look(self, name: str, picture: Any) -> None:
        assert self.audit is not None
        self._found[name] = self.audit.weight(self._scorer.score(picture).families)

    def of(self, name: str) -> float:
        return self._found.get(name, 1.0)


def _check(order: Order, judge: Judge, method: Method) -> None:
    which, of = order.shard
    if not 1 <= which <= of:
        raise InputError(f"there is no shard {which} of {of}", "Shards are 1/4 to 4/4, say.")
    if order.pairs_per_image < 0:
        raise InputError(f"{order.pairs_per_image} pairs an image", "Give 0 or more.")
    if order.audit is not None and order.audit.judge != judge.name:
        raise InputError(
            f"the audit is of {order.audit.judge}, and the teacher is {judge.name}",
            "Audit the teacher itself: `snellen audit`.",
        )
    most = judge.can.max_images
    if most is not None and most < method.images:
        raise InputError(
            f"{method.name} shows {method.images} images at a time and {judge.name} takes {most}",
            "Take another --method, such as levels.",
        )
    if order.pairs_per_image and most == 1:
        try:
            check_takes_two(judge)
        except InputError as error:
            raise InputError(error.what, "Add --pairs-per-image 0.") from None


def _dealt(
    paths: Sequence[AnyFile], shard: tuple[int, int]
) -> tuple[dict[str, AnyFile], list[str]]:
    """Content hash → path of this shard's pictures, sorted by hash; and what was left out.

    A file that cannot be read keeps a hash of its name, so that it becomes a row with the reason.
    """
    which, of = shard
    found: dict[str, AnyFile] = {}
    again = []
    for path in paths:
        try:
            name = content_hash(path.read_bytes())
        except (OSError, ImageError):
            name = hashlib.sha256(str(path).encode("utf-8", "surrogateescape")).hexdigest()
        if int(name[:8], 16) % of != which - 1:
            continue
        if name in found:
            again.append(path.name)
        found.setdefault(name, path)
    notes = []
    if again:
        shown = ", ".join(again[:3]) + " …" * (len(again) > 3)
        notes.append(f"{len(again)} copies of other pictures are labelled with them: {shown}")
    if not found:
        notes.append(f"no picture falls into shard {which} of {of}")
    return dict(sorted(found.items())), notes


def _chunks(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[start : start + _CHUNK] for start in range(0, len(items), _CHUNK))
