"""The work of `snellen label`: a teacher is asked about pictures, and about pairs if told to.

    folder = label(["photos"], load_judge("…"), make_method("levels"), Order(), Path("labels"))

Points come first, as half of the pairs are between pictures that the points put close together.
Every answer goes through a file of answers, so nothing is asked twice: the same command again goes
on where it was stopped. Before all of them are asked, the first few are timed and a forecast made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from snellen.audit.reliability import Reliability, plain
from snellen.errors import ImageError, InputError
from snellen.images import AnyFile, content_hash, name_of
from snellen.images.addresses import place_of
from snellen.judges import Judge, Memory, check_images
from snellen.runs import Request, Run
from snellen.scoring.base import Method
from snellen.scoring.pairing import next_round
from snellen.students.asking import Asks, Spent, Teacher
from snellen.students.features import Told, found_images
from snellen.students.labels import PAIRS, VERB, pair_name

_TIMED = 2  # pictures asked about before the forecast
ANSWERS = "answers.db"


@dataclass(frozen=True)
class Order:
    """What to ask for.

    pairs_per_image : pairs each picture is in, half at random and half close; none unless asked
                      for, as they taught students nothing more (docs/students.md).
    shard           : (which, of how many), from 1: pictures are dealt by their content, pairs are
                      made within a shard, and `read_labels` takes all shards together.
    audit           : what an audit found of this judge; labels are weighed by it.
    """

    pairs_per_image: int = 0
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
    elsewhere: Asks | None = None,
) -> Labelled:
    """Label every picture under `paths`; the same call again goes on where it was stopped.

    folder        : the run of labels; one for this request under `snellen-runs/` without.
    memory        : file of answers; `answers.db` in the run's folder without. Shards may share one.
    fresh         : forget the labels that are there (answers are kept).
    only_forecast : stop after the forecast.
    foretold      : called with the forecast; told : with pictures and pairs done, and of how many.
    elsewhere     : who asks instead of this process; there is no forecast then, and `judge` is only
                    known by its name and what it can.
    Raises `InputError` for an order that makes no sense or a judge that takes too few images,
    `NothingFound`, `RunError`, `AnswerFileError`.
    """
    _check(order, judge, method)
    pictures, notes = _dealt(found_images(paths), order.shard)
    request = request_of(paths, judge, method, order)
    directory = folder if folder is not None else request.directory()
    teacher = f"{judge.name} {method.name}"
    with (
        Run.open(directory, request, teacher, fresh=fresh) as points,
        Run.open(directory / PAIRS, request, teacher, fresh=fresh) as pairs,
        Memory(judge, memory or directory / ANSWERS) as asked,
    ):
        here = Teacher(asked, method, order.audit)
        work = _Work(elsewhere or here, teacher, order, points, pairs, pictures, told)
        if elsewhere is None:
            foretold(work.forecast(here.spent))
        if not only_forecast:
            work.points()
            work.pairs()
            points.finish(sorted(work.names.values()))
            pairs.finish(sorted(work.pair_names))
        done = Labelled(directory, len(pictures), len(work.pair_names), notes=notes)
        done.missing, done.missing_pairs = work.missing()
        done.asked, done.remembered = asked.asked, asked.remembered
    return done


def request_of(paths: Sequence[str], judge: Judge, method: Method, order: Order) -> Request:
    """What is asked for; the same whoever asks the judge."""
    options = {
        "judge": judge.name, "method": method.name, "pairs_per_image": order.pairs_per_image,
        "shard": list(order.shard), "audit": order.audit and plain(order.audit),
    }  # fmt: skip
    return Request(VERB, tuple(map(place_of, paths)), options)


class _Work:
    """One run of labels: which pictures are known, what to ask about the others."""

    def __init__(
        self,
        asks: Asks,
        teacher: str,
        order: Order,
        points: Run,
        pairs: Run,
        pictures: dict[str, AnyFile],
        told: Told,
    ) -> None:
        self.asks, self.teacher, self.order, self.told = asks, teacher, order, told
        self.run, self.pair_run, self.pictures = points, pairs, pictures
        self.names = {name: name_of(path) for name, path in pictures.items()}
        self.scores: dict[str, float] = {}
        self.pair_names: list[str] = []
        for name in list(pictures):
            row = self._kept(name)
            if row is not None:
                self.scores[name] = row["score"]
        self.done = len(self.scores)
        self.total = len(pictures) + self._pairs_expected()

    def forecast(self, spent: Spent) -> Forecast:
        """Label the first few pictures and reckon what the rest costs.

        spent : what asking took so far; counted on while they are labelled.
        """
        todo = self._todo()
        for name in todo[:_TIMED]:
            self._label([name])
        rest = [name for name in todo if name not in self.scores][_TIMED * (not self.scores) :]
        each = max(1, min(_TIMED, len(todo)))
        pairs = max(0, self._pairs_expected() - self._pairs_known())
        images = len(rest) * spent.images / each + 4 * pairs
        measured = spent.seconds > 0 and spent.images > 0
        tokens = spent.tokens / spent.images if measured and spent.tokens is not None else None
        return Forecast(
            pictures=len(rest),
            pairs=pairs,
            questions=round(len(rest) * spent.questions / each) + 2 * pairs,
            seconds=images * spent.seconds / spent.images if measured else None,
            tokens=None if tokens is None else round(images * tokens),
        )

    def points(self) -> None:
        """Label every picture that has none yet."""
        self._label(self._todo())

    def pairs(self) -> None:
        """Ask about every sampled pair that is not known yet."""
        sampled = self.sample()
        self.pair_names = [pair_name(*pair) for pair in sampled]
        todo = [pair for pair in sampled if not self._pair_known(pair)]
        self.done = self.total - len(todo)
        files = [(pair, (self.pictures[pair[0]], self.pictures[pair[1]])) for pair in todo]
        for (first, second), row in self.asks.pairs(files):
            self.pair_run.append(
                {"image": pair_name(first, second), "scorer": self.teacher, "first": first,
                 "second": second, **row}
            )  # fmt: skip
            self._one_done()

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

    def _todo(self) -> list[str]:
        return [name for name in self.pictures if name not in self.scores]

    def _label(self, names: Sequence[str]) -> None:
        """Ask about some pictures and write a row for each."""
        for name, row in self.asks.pictures([(name, self.pictures[name]) for name in names]):
            if row["missing"] is None:
                self.scores[name] = row["score"]
            place = place_of(str(self.pictures[name]))
            self.run.append(
                {"image": self.names[name], "scorer": self.teacher, "hash": name, "path": place,
                 **row}
            )  # fmt: skip
            self._one_done()

    def _one_done(self) -> None:
        self.done += 1
        self.told(self.done, self.total)

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
    check_images(judge, method.name, method.images, "Take another --method, such as levels.")
    if order.pairs_per_image:
        check_images(judge, "a pair", 2, "Leave out --pairs-per-image.")


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
