"""The work of `snellen distil`: a student learns what a teacher said.

    student = distil(new_student(), labels, Recipe(), Path("student"))

Unless told otherwise only the head learns: the body is the built-in scorer's, its features are
computed once for each picture, and a thousand steps take seconds. With `tune="all"` everything
learns, from the pixels, at a small rate. The teacher's levels of pictures held out (and every pair
they are in, where there are any) say when to stop. A checkpoint is written as it goes; the same
command again goes on from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from snellen.errors import ConstantValues, InputError, TooFewRatings
from snellen.images import read
from snellen.images.view import make_view
from snellen.runs import atomic
from snellen.students.features import Told, look_at
from snellen.students.labels import Labels
from snellen.students.losses import pairs_loss, points_loss
from snellen.students.model import StudentModel

CHECKPOINT, LOG = "checkpoint.pt", "log.jsonl"
FEWEST = 20  # labelled pictures; with fewer, three would be held out to stop by
_HELD_OUT = 10  # every so many pictures by content hash are held out
_EVERY = {"head": 25, "all": 1}  # epochs between two looks at the held-out pictures
_RATE = {"head": 1e-3, "all": 1e-5}
_DECAY = 1e-4
_SEEN_AT_ONCE = {"head": 1 << 16, "all": 1}  # pictures in one call
_PAIRS_A_STEP = 8  # pairs a step from pixels: 16 pictures' activations in memory
_PATIENCE = 6  # looks without a better one before it stops
_GAIN = 1e-5  # of the held-out loss; less is none
_ALIKE = 1e-6  # of a level's probability; labels no further apart are one label


@dataclass(frozen=True)
class Recipe:
    """How to learn.

    tune         : "head" (seconds) or "all" (the body too, minutes to hours).
    pair_weight  : λ, the weight of pairs, where there are any, against points; 0 leaves them out.
    use_reliability : weigh labels by the teacher's own doubt. Off: with our built-in judge on pcuid
                   all labels alike taught far more (docs/students.md), as doubt is where grades
                   differ.
    use_audit    : weigh labels by what an audit found.
    epochs       : passes at most.
    """

    tune: Literal["head", "all"] = "head"
    pair_weight: float = 1.0
    use_reliability: bool = False
    use_audit: bool = True
    epochs: int = 1000


@dataclass(frozen=True)
class Lesson:
    """Labels as tensors, and which of them are held out."""

    levels: Tensor
    weight: Tensor
    first: Tensor
    second: Tensor
    p: Tensor
    pair_weight: Tensor
    held: Tensor  # (n,) pictures
    pair_held: Tensor  # (m,) pairs with such a picture

    @classmethod
    def of(cls, labels: Labels, recipe: Recipe) -> Lesson:
        n = len(labels)
        trust = labels.audit if recipe.use_audit else np.ones(n)
        weight = trust * (labels.reliability if recipe.use_reliability else 1.0)
        pair_trust = np.sqrt(trust[labels.first] * trust[labels.second])
        pair_weight = pair_trust * (labels.pair_reliability if recipe.use_reliability else 1.0)
        order = np.argsort(np.array(labels.hashes))
        held = np.zeros(n, bool)
        held[order[::_HELD_OUT]] = True

        def tensor(values: Any) -> Tensor:
            return torch.from_numpy(np.asarray(values)).float()

        return cls(
            levels=tensor(labels.levels),
            weight=tensor(weight),
            first=torch.from_numpy(labels.first),
            second=torch.from_numpy(labels.second),
            p=tensor(labels.p),
            pair_weight=tensor(pair_weight),
            held=torch.from_numpy(held),
            pair_held=torch.from_numpy(held[labels.first] | held[labels.second]),
        )


def distil(
    student: StudentModel,
    labels: Labels,
    recipe: Recipe,
    folder: Path,
    *,
    cache: Path | None = None,
    looked: Told = lambda done, total: None,
    told: Callable[[int, int, float], None] = lambda epoch, epochs, held_out: None,
) -> StudentModel:
    """Teach `student` (in place) and save it to `folder`; returns it.

    looked : called as pictures are looked at, before any training.
    told   : called at every look at the held-out pictures: epoch, epochs at most, their loss.
    Raises `TooFewRatings` under `FEWEST` labels whose pictures can be read, `ConstantValues` where
    they are all alike, `InputError` for a recipe that makes no sense.
    """
    if recipe.pair_weight < 0 or recipe.epochs < 1:
        raise InputError(
            f"λ is {recipe.pair_weight:g} and epochs {recipe.epochs}",
            "λ is at least 0, epochs at least 1.",
        )
    seen = look_at(student, labels.paths, cache=cache, told=looked)
    labels = _only(labels, seen.hashes)
    if len(labels) < FEWEST:
        raise TooFewRatings(
            f"{len(labels)} labelled pictures can be read, and distilling needs {FEWEST}",
            "Label more pictures; where files were moved, label them where they are now.",
        )
    if np.ptp(labels.levels, axis=0).max() < _ALIKE and not (recipe.pair_weight and len(labels.p)):
        raise ConstantValues(
            f"the teacher said the same of all {len(labels)} pictures: there is nothing to learn",
            "Label pictures of different quality, or take another teacher: `snellen audit` says"
            " what it sees.",
        )
    order = {name: row for row, name in enumerate(seen.hashes)}
    raw = seen.raw[[order[name] for name in labels.hashes]]
    if student.card["body"] != "built-in":
        _normalise(student, raw)
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(int(labels.identity(), 16) % 2**31)
    lesson = Lesson.of(labels, recipe)
    see = _from_features(student, raw) if recipe.tune == "head" else _from_pixels(student, labels)
    training = _Training(student, lesson, recipe, see, folder)
    training.run(_key(student, labels, recipe), told)
    student.card |= _card(labels, recipe, training)
    student.save(folder)
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return student


See = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Rows of pictures → score and log-variance of each."""


class _Training:
    """The loop: steps, looks at what is held out, checkpoints, and the best weights at the end."""

    def __init__(
        self, student: StudentModel, lesson: Lesson, recipe: Recipe, see: See, folder: Path
    ) -> None:
        self.lesson, self.recipe, self.see, self.folder = lesson, recipe, see, folder
        self.part = student.network.head if recipe.tune == "head" else student.network
        self.optimiser = torch.optim.AdamW(
            self.part.parameters(), lr=_RATE[recipe.tune], weight_decay=_DECAY
        )
        self.epoch, self.stale = 0, 0
        self.start = self.best = self.held_out()
        self.best_state = _copy(self.part.state_dict())

    def run(self, key: str, told: Callable[[int, int, float], None]) -> None:
        """Until the held-out pictures stop gaining; leaves the best weights in the student.

        key : of all that this training depends on; a checkpoint of another is passed over.
        """
        self._take_up(key)
        every = _EVERY[self.recipe.tune]
        while self.epoch < self.recipe.epochs and self.stale < _PATIENCE:
            for rows, pairs in self._batches():
                loss = self._loss(self._said(rows), rows, pairs)
                self.optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self.optimiser.step()
            self.epoch += 1
            if self.epoch % every == 0 or self.epoch == self.recipe.epochs:
                found = self.held_out()
                self.stale = 0 if found < self.best - _GAIN else self.stale + 1
                if not self.stale:
                    self.best, self.best_state = found, _copy(self.part.state_dict())
                self._keep(key, found)
                told(self.epoch, self.recipe.epochs, found)
        self.part.load_state_dict(self.best_state)

    def held_out(self) -> float:
        """The joint loss on held-out pictures and the pairs they are in."""
        lesson = self.lesson
        needed = lesson.held.clone()
        for side in (lesson.first, lesson.second):
            needed[side[lesson.pair_held]] = True
        with torch.no_grad():
            said = self._said(needed.nonzero()[:, 0])
            rows, pairs = lesson.held.nonzero()[:, 0], lesson.pair_held.nonzero()[:, 0]
            return float(self._loss(said, rows, pairs))

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Pictures and the pairs between them: all at once, or a few pairs at a time in an order
        that depends on the epoch alone."""
        lesson = self.lesson
        rows, pairs = (~lesson.held).nonzero()[:, 0], (~lesson.pair_held).nonzero()[:, 0]
        if self.recipe.tune == "head":
            yield rows, pairs
            return
        chance = torch.Generator().manual_seed(self.epoch)
        pairs = pairs[torch.randperm(len(pairs), generator=chance)]
        alone = ~lesson.held
        if self.recipe.pair_weight:
            for some in torch.split(pairs, _PAIRS_A_STEP):
                both = torch.unique(torch.cat([lesson.first[some], lesson.second[some]]))
                alone[both] = False
                yield both, some
        for few in torch.split(alone.nonzero()[:, 0], 2 * _PAIRS_A_STEP):
            yield few, pairs[:0]

    def _said(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Score and log-variance (n,) of the pictures `rows`, zero elsewhere."""
        n = len(self.lesson.levels)
        parts = [self.see(few) for few in torch.split(rows, _SEEN_AT_ONCE[self.recipe.tune])]
        score, log_variance = (torch.cat(part) for part in zip(*parts, strict=True))
        return torch.zeros(n).index_put((rows,), score), torch.zeros(n).index_put(
            (rows,), log_variance
        )

    def _loss(self, said: tuple[Tensor, Tensor], rows: Tensor, pairs: Tensor) -> Tensor:
        """Points of the pictures `rows` and λ times the pairs `pairs`."""
        lesson, (score, log_variance) = self.lesson, said
        loss = points_loss(
            score[rows], log_variance[rows], lesson.levels[rows], lesson.weight[rows]
        )
        if self.recipe.pair_weight and len(pairs):
            one, other = lesson.first[pairs], lesson.second[pairs]
            loss = loss + self.recipe.pair_weight * pairs_loss(
                (score[one], log_variance[one]), (score[other], log_variance[other]),
                lesson.p[pairs], lesson.pair_weight[pairs],
            )  # fmt: skip
        return loss

    def _keep(self, key: str, found: float) -> None:
        """The checkpoint, and a line in the log."""
        with atomic(self.folder / CHECKPOINT) as file:
            state = {
                "key": key, "epoch": self.epoch, "stale": self.stale, "best": self.best,
                "start": self.start, "part": self.part.state_dict(),
                "best_state": self.best_state, "optimiser": self.optimiser.state_dict(),
            }  # fmt: skip
            torch.save(state, file)
        with (self.folder / LOG).open("a", encoding="utf-8") as log:
            log.write(json.dumps({"epoch": self.epoch, "held_out": round(found, 6)}) + "\n")

    def _take_up(self, key: str) -> None:
        """Go on from the checkpoint of this very training, if there is one."""
        path = self.folder / CHECKPOINT
        try:
            state = torch.load(path, weights_only=True)
        except Exception:  # none, or torn: begin
            state = {}
        if state.get("key") != key:
            (self.folder / LOG).unlink(missing_ok=True)
            return
        self.part.load_state_dict(state["part"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.best_state = state["best_state"]
        self.epoch, self.stale = state["epoch"], state["stale"]
        self.start, self.best = state["start"], state["best"]


def _from_features(student: StudentModel, raw: Any) -> See:
    """The head on features that are known already."""
    features = torch.from_numpy(np.ascontiguousarray(raw))
    return lambda rows: student.network.head(features[rows])


def _from_pixels(student: StudentModel, labels: Labels) -> See:
    """Everything, from the pictures' native-resolution views."""

    def see(rows: Tensor) -> tuple[Tensor, Tensor]:
        scores, log_variances = [], []
        for row in rows.tolist():
            view = make_view(read(labels.paths[row]).pixels, student.policy)
            found = student.network(
                torch.from_numpy(view.crops)[None], torch.from_numpy(view.whole)[None]
            )
            scores.append(found.score)
            log_variances.append(found.log_variance)
        return torch.cat(scores), torch.cat(log_variances)

    return see


def _only(labels: Labels, hashes: list[str]) -> Labels:
    """The labels of these pictures and of the pairs between them, in the order of the labels."""
    there = set(hashes)
    kept = np.array([name in there for name in labels.hashes], bool)
    if kept.all():
        return labels
    place = np.cumsum(kept) - 1
    pairs = kept[labels.first] & kept[labels.second]
    rows = np.flatnonzero(kept)
    return replace(
        labels,
        paths=[labels.paths[row] for row in rows], hashes=[labels.hashes[row] for row in rows],
        levels=labels.levels[kept], score=labels.score[kept],
        reliability=labels.reliability[kept], audit=labels.audit[kept],
        first=place[labels.first[pairs]], second=place[labels.second[pairs]], p=labels.p[pairs],
        pair_reliability=labels.pair_reliability[pairs], disagreement=labels.disagreement[pairs],
    )  # fmt: skip


def _normalise(student: StudentModel, raw: Any) -> None:
    """Centre and scale the features by those of the labelled pictures; a body of another kind
    brings none of its own."""
    head = student.network.head
    values = torch.from_numpy(np.ascontiguousarray(raw))
    head.centre.copy_(values.mean(0))
    head.scale.copy_(values.std(0).clamp(min=1e-3))


def _key(student: StudentModel, labels: Labels, recipe: Recipe) -> str:
    text = json.dumps([student.identity(), labels.identity(), asdict(recipe)])
    return hashlib.sha256(text.encode()).hexdigest()


def _copy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().clone() for name, value in state.items()}


def _card(labels: Labels, recipe: Recipe, training: _Training) -> dict[str, Any]:
    """What the student's card says of its teacher and its lesson."""
    return {
        "name": "student",
        "version": "1",
        "teacher": {"judge": labels.teacher, "method": labels.method},
        "distilled": {
            **asdict(recipe), "epochs": training.epoch,
            "pictures": len(labels), "pairs": len(labels.first), "labels": labels.identity(),
            "held_out_before": round(training.start, 5), "held_out": round(training.best, 5),
        },
        "calibration": None,
    }  # fmt: skip
