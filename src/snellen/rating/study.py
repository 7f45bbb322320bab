"""A study that is going on: what comes next for whom, and keeping what they say.

    with Study.begin(Path("ratings.db"), gallery, task="acr", n=50) as study:
        rater = study.join("anna")
        step = study.next(rater)              # a Trial, or None when all is done
        study.answer(rater, step.id, "4")

The pictures are chosen round by round, the same for everybody, so that each round can use what was
said in those before; see `rating.choice`.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from snellen.errors import InputError, StudyError
from snellen.rating import choice, plan
from snellen.rating.pictures import Gallery
from snellen.rating.screening import RaterReport, report_rater
from snellen.rating.store import Rater, Shown, Stimulus, StudyFile, Task, Trial
from snellen.rating.teaching import Teaching
from snellen.runs import Closing

LEVELS = {5: "Excellent", 4: "Good", 3: "Fair", 2: "Poor", 1: "Bad"}
"""The five-level quality scale of absolute category rating (ITU-T P.910, clause 8.1)."""
SIDES = ("first", "second", "same")
_TASKS: tuple[Task, ...] = ("acr", "pairs")
_LONGEST = 3600.0  # seconds for one answer beyond which nothing was measured: a closed lid


@dataclass(frozen=True)
class Standing:
    """How far a rater is.

    done, total : answers given and asked for, without training.
    rounds      : finished and all.
    """

    done: int
    total: int
    rounds: tuple[int, int]


class Study(Closing):
    """One study over a gallery. Safe from several threads; made by `begin`.

    task  : "acr", one picture on five levels; "pairs", which of two is better, or the same.
    n     : pictures (acr) or pairs that every rater is asked about.
    """

    def __init__(
        self, file: StudyFile, gallery: Gallery, teaching: Teaching, settings: dict[str, Any]
    ) -> None:
        self.file = file
        self.gallery = gallery
        self.teaching = teaching
        self.task: Task = settings["task"]
        self.n = int(settings["n"])
        self.seed = str(settings["seed"])
        self.owner = str(settings["owner"])
        self._choosing = threading.Lock()

    @classmethod
    def begin(
        cls,
        path: Path,
        gallery: Gallery,
        task: Task = "acr",
        n: int = 50,
        seed: str | None = None,
        teaching: Teaching | None = None,
    ) -> Study:
        """Open the study in `path`, or begin one there.

        teaching : the student that says what comes next; without one it is the built-in scorer.
        seed     : of a new study's orders; drawn where not given, as raters must not know it.
        Raises `InputError` for options that make no sense or are another study's, `StudyError`
        where the file cannot be used.
        """
        if task not in _TASKS:
            raise InputError(f"the task is {task!r}", f"Tasks are {' and '.join(_TASKS)}.")
        if n < 1:
            raise InputError(f"n must be at least 1, got {n}")
        if task == "pairs" and len(gallery.known) < 2:
            raise InputError("pairs need at least two pictures", "Give more pictures.")
        most = len(gallery.known) if task == "acr" else choice.most_pairs(len(gallery.known))
        file = StudyFile(path)
        fresh = {"seed": seed or secrets.token_hex(8), "owner": secrets.token_urlsafe(16)}
        held = file.keep_settings({"task": task, "n": min(n, most), **fresh})
        if held["task"] != task:
            file.close()
            raise InputError(
                f"{path} is a study of {held['task']!r}, not of {task!r}",
                f"Give --task {held['task']}, or another file for the new study.",
            )
        if min(n, most) > held["n"]:  # asked for more than before: the study goes on
            file.change_setting("n", min(n, most))
            held = file.settings()
        file.name_images({picture.hash: picture.name for picture in gallery.known.values()})
        return cls(file, gallery, teaching or Teaching(gallery), held)

    def join(self, name: str) -> Rater:
        """The rater of this name, invited now if they are new."""
        if not name.strip() or not name.isprintable() or len(name) > 60:
            raise InputError(f"{name!r} is no name for a rater", "Use up to 60 printable letters.")
        return self.file.join(name.strip())

    def rater(self, token: str) -> Rater:
        """Whose secret link this is. Raises `StudyError` where it is nobody's."""
        for rater in self.file.raters():
            if secrets.compare_digest(rater.token.encode(), token.encode("utf-8", "replace")):
                return rater
        raise StudyError("this link belongs to no rater of the study", "Ask for a new link.")

    def next(self, rater: Rater) -> Trial | None:
        """The first unanswered trial, the same one until it is answered; None at the end."""
        while True:
            trials = self.file.trials(rater)
            open_trial = next((trial for trial in trials if trial.value is None), None)
            if open_trial is not None:
                if self._can_show(open_trial.shown):
                    return open_trial
                raise StudyError(
                    "a picture of this study is no longer in its folders",
                    "Start the command again with the folders it was begun with.",
                )
            if not self._plan_more(rater, trials):
                return None

    def answer(
        self,
        rater: Rater,
        trial_id: int,
        value: str,
        seconds: float | None = None,
        about: dict[str, Any] | None = None,
    ) -> None:
        """Keep an answer; it is on the disk when this returns.

        Raises `StudyError` for an answer that does not fit, for a trial that is not this rater's
        open one, and where it cannot be kept.
        """
        trials = self.file.trials(rater)
        trial = next((t for t in trials if t.id == trial_id), None)
        first_open = next((t for t in trials if t.value is None), None)
        if trial is None or (trial.value is None and trial is not first_open):
            raise StudyError("this picture was not shown to this rater", "Reload the page.")
        fitting = tuple(map(str, LEVELS)) if self.task == "acr" else SIDES
        if value not in fitting:
            raise StudyError(
                f"{value!r} is no answer", f"Answers are {', '.join(sorted(fitting))}."
            )
        measured = seconds if seconds is not None and 0 <= seconds <= _LONGEST else None
        self.file.answer(trial, value, measured, about or {})

    def undo(self, rater: Rater) -> bool:
        """Take back the last answer; it is asked again. False where there is none."""
        return self.file.undo(rater)

    def standing(self, rater: Rater) -> Standing:
        """How far this rater is, repeats and checks included."""
        trials = [trial for trial in self.file.trials(rater) if trial.kind != "training"]
        rounds = -(-self.n // plan.ROUND)
        planned = {trial.round for trial in trials}
        left = self.n - sum(trial.kind == "rating" for trial in trials)
        extra = left // plan.REPEAT_EVERY + left // plan.CHECK_EVERY
        finished = sum(
            all(t.value is not None for t in trials if t.round == number) for number in planned
        )
        done = sum(trial.value is not None for trial in trials)
        return Standing(done, len(trials) + left + extra, (finished, rounds))

    def reports(self) -> list[RaterReport]:
        """What each rater's own answers say, flags among it."""
        trials = self.file.trials()
        return [report_rater(self.task, rater.name, trials) for rater in self.file.raters()]

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    def _can_show(self, shown: Shown) -> bool:
        return all(stimulus.image in self.gallery.known for stimulus in shown)

    def _plan_more(self, rater: Rater, trials: list[Trial]) -> bool:
        """Give the rater another round of trials; False where the study has no more."""
        if not trials:
            images = list(self.gallery.known)
            self.file.add_trials(
                rater, plan.TRAINING_ROUND, plan.training(self.task, images, self.seed)
            )
            return True
        number = 1 + max(trial.round for trial in trials)
        items = self._round(number)
        if not items:
            return False
        earlier = [trial.shown for trial in trials if trial.kind == "rating"]
        planned = plan.round_for(rater.name, self.seed, number, items, earlier)
        self.file.add_trials(rater, number, planned)
        return True

    def _round(self, number: int) -> list[Shown]:
        """The round of everybody, chosen when the first rater gets there; empty at the end."""
        with self._choosing:
            rounds = self.file.rounds()
            if number < len(rounds):
                return rounds[number]
            earlier = [shown for items in rounds for shown in items]
            count = min(plan.ROUND, self.n - len(earlier))
            if count <= 0:
                return []
            if self.task == "acr":
                rated = [shown[0].image for shown in earlier]
                items: list[Shown] = [(Stimulus(i),) for i in self.teaching.next(rated, count)]
            else:
                asked_first = partial(self.teaching.next, [])
                items = choice.pairs(self.gallery, earlier, count, self.seed, asked_first)
            if items:
                self.file.add_round(number, items)
            return self.file.rounds()[number] if items else []
