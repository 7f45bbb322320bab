"""In plain words, distortion by distortion: does the judge see it, guess it, or is it blind?

Two questions, kept apart because judges part on them: does it *name* the distortion, and does its
*score* fall? Thresholds and words are ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from snellen.audit.ladders import Ladder
from snellen.audit.material import PRISTINE
from snellen.audit.perception import informed
from snellen.audit.questions import LABELS
from snellen.audit.rates import NOTHING, Rate, Resampling
from snellen.audit.sheet import Sheet

Sight = Literal["sees it", "guesses", "blind", "not known"]
SEES = 0.5  # of `informed`: named in at least half of the cases more than when it is not there
FOLLOWS = 0.6  # of tau: the score falls at most steps
STRONG = 3  # places from which on a person sees the distortion: the verdict is about these


@dataclass(frozen=True)
class Verdict:
    """What the judge sees of one type.

    sight    : sees it, guesses (better than chance, not by much) or blind (no better than chance).
    informed : recall less false alarms at the three strongest places.
    tau      : how well the score follows the level.
    score    : the score's side in words.
    said_instead : the label that it says most often where it is wrong; "" where it is mostly right.
    """

    type: str
    family: str
    sight: Sight
    informed: Rate
    tau: Rate
    score: str
    said_instead: str

    @property
    def sentence(self) -> str:
        """Such as "motion-blur (blur): guesses, mostly says noise; its score falls"."""
        instead = f", mostly says {self.said_instead}" if self.said_instead else ""
        return f"{self.type} ({self.family}): {self.sight}{instead}; {self.score}"


def verdicts(sheet: Sheet, ladders: tuple[Ladder, ...]) -> tuple[Verdict, ...]:
    """One for each type, in the sheet's order."""
    named = sheet.named
    resampling = Resampling(sheet.of(named)) if named.any() else None
    types = np.array(sheet.type)
    by_type = {ladder.name: ladder for ladder in ladders}
    found = []
    for name in dict.fromkeys(sheet.type):
        if name == PRISTINE:
            continue
        own = (types == name) & (sheet.place >= STRONG)
        if not own.any():
            own = (types == name) & (sheet.place > 0)
        if not own.any():
            continue
        place = int(sheet.truth[own][0])
        rate = NOTHING if resampling is None else informed(sheet, own & named, place, resampling)
        ladder = by_type.get(name)
        found.append(
            Verdict(
                type=name,
                family=LABELS[place],
                sight=sight(rate),
                informed=rate,
                tau=ladder.tau if ladder else NOTHING,
                score=_score(ladder),
                said_instead=_instead(sheet, own & named, place),
            )
        )
    return tuple(found)


def sight(rate: Rate) -> Sight:
    """The word for an informedness."""
    if not rate.n or np.isnan(rate.low):
        return "not known"
    if rate.low <= 0:  # a wide interval around a large value is no proof of blindness
        return "blind" if rate.value < SEES / 2 else "not known"
    return "sees it" if rate.value >= SEES else "guesses"


def _score(ladder: Ladder | None) -> str:
    if ladder is None or not ladder.n or np.isnan(ladder.tau.low):
        return "its score is not known"
    if ladder.flat == 1:
        return "its score never moves"
    if ladder.tau.high < 0:
        return "its score rises as it gets worse"
    if ladder.tau.low <= 0 and ladder.tau.value >= FOLLOWS:
        return "its score may follow: too few photos to tell"
    if ladder.tau.low <= 0 or ladder.noticed is None:
        return "its score does not follow"
    how = "falls with it" if ladder.tau.value >= FOLLOWS else "falls a little"
    return f"its score {how}, from step {ladder.noticed} of {_top(ladder)} on"


def _top(ladder: Ladder) -> int:
    return max(place for place, score in enumerate(ladder.scores) if not np.isnan(score))


def _instead(sheet: Sheet, own: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], place: int) -> str:
    """What is said most often; empty where that is the right label or nothing was said."""
    if not own.any():
        return ""
    counts = np.bincount(sheet.said[own], minlength=len(LABELS))
    top = int(counts.argmax())
    return "" if top == place else LABELS[top]
