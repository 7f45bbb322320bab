"""Figures while people rate: agreement so far, what the student makes of it, how many more.

They cost seconds, so they are worked out in a thread of their own whenever the answers that count
have changed, and the page shows the last ones; a rater never waits for them.
"""

from __future__ import annotations

import math
import threading
from typing import Any, TypeAlias

from snellen.errors import SnellenError
from snellen.rating import exchange, results
from snellen.rating.study import Study

FEWEST = 10  # rated pictures under which a correlation means nothing
WANTED = 0.02  # half-width of the interval that "about N more" aims at

Figures: TypeAlias = dict[str, Any]
"""`srcc`, `low` and `high` on pictures the student did not learn from, or the `reason`."""


class Live:
    """What is known so far.

    study : whose answers, and whose student.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._lock = threading.Lock()
        self._working = False
        self._of: dict[str, float] | None = None
        self._figures: Figures = {"reason": "nothing is rated yet"}

    def figures(self) -> Figures:
        """The last figures; starts to work on new ones where answers were added since."""
        opinions = {row["hash"]: row["mos"] for row in exchange.opinions_of(self._study.file)}
        with self._lock:
            if opinions == self._of or self._working:
                return {**self._figures, "working": self._working}
            if len(opinions) < FEWEST:
                self._of = opinions
                self._figures = {
                    "pictures": len(opinions),
                    "reason": f"{FEWEST - len(opinions)} more pictures until anything can be said",
                }
                return {**self._figures, "working": False}
            self._working = True
        threading.Thread(target=self._work, args=(opinions,), daemon=True).start()
        return {**self._figures, "working": True}

    def for_rater(self, name: str) -> Figures:
        """What a rater is told in a break: agreement with himself and with others, the student."""
        report = next(report for report in self._study.reports() if report.rater == name)
        others = None
        if self._study.task == "acr":
            others = results.agreement_with_others(self._study.file.trials(), name)
        return {
            "repeats": report.repeats,
            "same": report.same,
            "others": others,
            "student": self.figures(),
        }

    def calibrate(self) -> dict[str, Any]:
        """Write the calibrated student now; the reason where it cannot be."""
        try:
            return self._study.teaching.calibrate(self._study.file)
        except SnellenError as error:
            return {"error": error.what, "fix": error.fix}

    def _work(self, opinions: dict[str, float]) -> None:
        try:
            found = self._study.teaching.fit(opinions)
            found |= {"pictures": len(opinions), "more": more_needed(found, len(opinions))}
        except SnellenError as error:
            found = {"pictures": len(opinions), "reason": str(error)}
        with self._lock:
            self._of, self._figures, self._working = opinions, found, False


def more_needed(figures: Figures, n: int, wanted: float = WANTED) -> int | None:
    """How many more pictures until the interval of the SRCC is about ± `wanted`.

    From the interval's formula (Bonett & Wright 2000) at the correlation seen now; None where
    there is none. Ours, as a forecast: it takes the student to stay as good as it is.
    """
    if "srcc" not in figures:
        return None
    r = float(figures["srcc"])
    steep = 1.96 * (1 - r * r) * math.sqrt(1 + r * r / 2)
    return max(0, math.ceil(3 + (steep / wanted) ** 2) - n)
