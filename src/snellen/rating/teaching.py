"""The student of a study: it says what to rate next, and learns from what people say.

What it sees of the pictures is worked out once; after that choosing, the figures while people rate
and the calibration at the end take seconds. Without torch there is no student to teach: pictures
are then spread over the scores, and figures are those of the scorer as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from snellen.errors import MissingExtra
from snellen.rating import exchange
from snellen.rating.choice import by_score, spread
from snellen.rating.pictures import Gallery
from snellen.rating.store import StudyFile

if TYPE_CHECKING:
    from snellen.students.features import Looked
    from snellen.students.model import StudentModel

_ACR_SCALE = (1.0, 5.0)


class Teaching:
    """A student and the pictures of a study.

    student : folder of a student, or "built-in".
    told    : called with how many pictures it has looked at, and of how many.
    Raises `ScorerError` for a student that cannot be opened.
    """

    def __init__(
        self,
        gallery: Gallery,
        student: str = "built-in",
        told: Callable[[int, int], None] = lambda done, total: None,
    ) -> None:
        self._gallery = gallery
        self._student: StudentModel | None = None
        self._looked: Looked | None = None
        try:
            from snellen.students.features import look_at
            from snellen.students.model import open_student

            self._student = open_student(student)
        except (ImportError, MissingExtra):
            return
        paths = [picture.path for picture in gallery.known.values()]
        self._looked = look_at(self._student, paths, told=told)

    def next(self, rated: Sequence[str], count: int) -> list[str]:
        """The next pictures to rate, by hash: at most `count`, none of `rated`."""
        free = [image for image in self._gallery.known if image not in set(rated)]
        if self._looked is None or not free:
            return [image for image in spread(by_score(self._gallery)) if image in set(free)][
                :count
            ]
        from snellen.students.choosing import choose

        looked = self._looked
        place = {name: row for row, name in enumerate(looked.hashes)}
        rows = [place[name] for name in rated if name in place]
        chosen = choose(
            looked.scores, looked.features, min(count, len(looked) - len(set(rows))),
            rated=rows, hashes=looked.hashes,
        )  # fmt: skip
        return [looked.hashes[row] for row in chosen.rows]

    def fit(self, opinions: dict[str, float]) -> dict[str, Any]:
        """How the student ranks pictures it did not learn from, once it learned these opinions.

        opinions : picture's hash → mean opinion.
        Returns srcc, low, high; cross-validated where the student can learn.
        Raises `StatsError` where they do not exist.
        """
        import numpy as np

        from snellen.stats import srcc

        known = self._gallery.known
        shared = [image for image in opinions if image in known]
        said = np.array([opinions[image] for image in shared])
        if self._looked is None:
            found = srcc([known[image].score for image in shared], said)
        else:
            from snellen.students.calibration import cross_check

            place = {name: row for row, name in enumerate(self._looked.hashes)}
            rows = [place[image] for image in shared]
            found = cross_check(self._looked.scores[rows], self._looked.features[rows], said).srcc
        return {"srcc": found.value, "low": found.low, "high": found.high}

    def calibrate(self, file: StudyFile) -> dict[str, Any]:
        """Calibrate the student with what counts, and write it beside the study's file.

        Returns what to tell people (`said`) and the `folder`. Raises `MissingExtra` without torch,
        and what `students.calibrating.calibrate` raises.
        """
        if self._student is None:
            raise MissingExtra("torch", "train", "calibrate the student")
        from snellen.students.calibrating import calibrate
        from snellen.students.ratings import read_opinions

        table = file.path.with_suffix(".counting.csv")
        acr = file.settings()["task"] == "acr"
        exchange.export(file, table, "counting")
        opinions = read_opinions(table, scale=_ACR_SCALE if acr else None)
        # The scale is the page's own, so which way it runs is known.
        done = calibrate(self._student, opinions, Path.cwd(), trusted=True, curve=False)
        folder = file.path.with_name(f"{file.path.stem}-student")
        done.student.save(folder)
        rank = done.checked.srcc
        return {
            "folder": str(folder),
            "said": f"{folder}: SRCC {rank.value:.2f} ({rank.low:.2f} to {rank.high:.2f}) on"
            f" pictures it has not seen. Now: snellen export {folder}",
        }
