"""Does the answer stay when only the way of asking changes?

Instability is the share of pictures whose named distortion changes (as in arXiv 2512.09555, where
the same image is named differently in repeated inference); of scores, the standard deviation over
wordings.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from snellen.audit.questions import PLAIN
from snellen.audit.rates import NOTHING, Rate, mean, share
from snellen.audit.sheet import Sheet

# What is changed → keys of the answers (see `sitting`), and what a reader is told of it.
KINDS: tuple[tuple[str, str], ...] = (
    ("again", "asked once more"),
    ("file", "the same pixels in another file"),
    ("order", "options in another order"),
    ("letters", "letters in place of words"),
    ("wording", "another wording"),
)


@dataclass(frozen=True)
class Changed:
    """`changed`: share of answers unlike the plain one. `reason`: why it is not known."""

    kind: str
    told: str
    changed: Rate
    reason: str = ""


@dataclass(frozen=True)
class Consistency:
    """Everything that was asked a second time.

    changes   : one for each of `KINDS`.
    letters_accuracy, words_accuracy : on the same pictures and orders.
    taught, unseen : accuracy with the wordings tuning may use, and with those it never does.
    spread    : standard deviation of the rating over three wordings, points of 100.
    first     : mean P(the first is better) of pairs asked both ways round; .5 = no preference.
    flipped   : share of pairs whose winner changes with the order.
    pristine_wins : share of pairs, both orders averaged, in which the pristine one wins.
    n         : pictures that were asked thoroughly.
    """

    changes: tuple[Changed, ...]
    words_accuracy: Rate
    letters_accuracy: Rate
    taught: Rate
    unseen: Rate
    spread: Rate
    first: Rate
    flipped: Rate
    pristine_wins: Rate
    n: int


def consistent(sheet: Sheet, *, samples: bool) -> Consistency:
    """From the pictures that were asked thoroughly. samples : the judge draws its answers."""
    rows = [row for row, asked in enumerate(sheet.asked) if asked]
    changes = []
    for kind, told in KINDS:
        found = _changed(sheet, rows, kind)
        reason = ""
        if kind == "again" and not samples:
            reason = "the judge does not draw: the same question has one answer"
        elif not found.n:
            reason = "nothing was answered both ways"
        changes.append(Changed(kind, told, found, reason))
    return Consistency(
        changes=tuple(changes),
        words_accuracy=_accuracy(sheet, rows, lambda key: key.startswith("order/"), plain=True),
        letters_accuracy=_accuracy(sheet, rows, lambda key: key.startswith("letters/")),
        taught=_accuracy(sheet, rows, lambda key: key.startswith("wording/taught"), plain=True),
        unseen=_accuracy(sheet, rows, lambda key: key.startswith("wording/unseen")),
        spread=_spread(sheet, rows),
        **_pairs(sheet, rows),
        n=len(rows),
    )


def _changed(sheet: Sheet, rows: list[int], kind: str) -> Rate:
    changed, references = [], []
    for row in rows:
        if not sheet.named[row]:
            continue
        for key, value in sheet.asked[row].items():
            if key.startswith(f"{kind}/") and value is not None:
                changed.append(int(np.argmax(value)) != sheet.said[row])
                references.append(sheet.reference[row])
    return share(changed, references)


def _accuracy(
    sheet: Sheet, rows: list[int], wanted: Callable[[str], bool], *, plain: bool = False
) -> Rate:
    """Accuracy over the answers whose key is wanted, and over the plain one."""
    right, references = [], []
    for row in rows:
        answers = [v for key, v in sheet.asked[row].items() if wanted(key) and v is not None]
        if plain and sheet.named[row]:
            answers.append(sheet.label[row])
        for value in answers:
            right.append(int(np.argmax(value)) == sheet.truth[row])
            references.append(sheet.reference[row])
    return share(right, references)


def _spread(sheet: Sheet, rows: list[int]) -> Rate:
    spreads, references = [], []
    for row in rows:
        scores = [v for k, v in sheet.asked[row].items() if k.startswith("rating/")]
        known = [value for value in scores if value is not None]
        if len(known) > 1:
            spreads.append(float(np.std(known, ddof=1)))
            references.append(sheet.reference[row])
    return mean(spreads, references) if spreads else NOTHING


def _pairs(sheet: Sheet, rows: list[int]) -> dict[str, Any]:
    """Of pairs asked in both orders: `first`, `flipped`, `pristine_wins`."""
    first, flipped, wins, references = [], [], [], []
    for row in rows:
        ahead = sheet.asked[row].get("better/first")
        behind = sheet.asked[row].get("better/second")
        if ahead is None or behind is None:
            continue
        first.append((ahead + 1 - behind) / 2)
        flipped.append((ahead > 0.5) != (behind > 0.5))
        wins.append((ahead + behind) / 2 < 0.5)
        references.append(sheet.reference[row])
    if not references:
        return {"first": NOTHING, "flipped": NOTHING, "pristine_wins": NOTHING}
    return {
        "first": mean(first, references),
        "flipped": share(flipped, references),
        "pristine_wins": share(wins, references),
    }


def wordings(sheet: Sheet) -> dict[str, Rate]:
    """Wording → accuracy with it, on the pictures that were asked in all of them."""
    rows = [row for row, asked in enumerate(sheet.asked) if asked and sheet.named[row]]
    plain = share(
        [sheet.said[row] == sheet.truth[row] for row in rows], [sheet.reference[r] for r in rows]
    )
    found = {f"taught/{PLAIN.name}": plain}
    keys = sorted({key for row in rows for key in sheet.asked[row] if key.startswith("wording/")})
    for key in keys:
        found[key.removeprefix("wording/")] = _accuracy(sheet, rows, lambda k, key=key: k == key)  # type: ignore[misc]
    return {name: rate for name, rate in found.items() if not math.isnan(rate.value)}
