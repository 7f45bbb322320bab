"""All questions about one picture, and the row that their answers make.

Every picture is named once and scored once. Some, chosen by the hash of their names, are asked the
same in other words, other orders, letters, another file of the same pixels, and beside their
pristine original: what consistency is read from.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PIL import Image

from snellen.audit import questions as q
from snellen.audit.material import PRISTINE, Item
from snellen.errors import MissingAnswer
from snellen.images import Picture
from snellen.judges import Answer, Capabilities, ImagePart, Question

if TYPE_CHECKING:
    from snellen.scoring import Method

ORDERS = 2  # further orders of the options
AGAIN = 3  # repetitions of a judge that draws
_DIGITS = 6

Read = Callable[[Answer], Any]


@dataclass(frozen=True)
class Sitting:
    """The questions about one picture, and how each answer is read."""

    item: Item
    questions: list[Question]
    order: tuple[int, ...]
    method: Method
    scored: int  # questions 1 … scored are the method's; the first names the distortion
    further: dict[str, tuple[int, Read]]

    def row(self, answers: Sequence[Answer]) -> dict[str, Any]:
        """What the answers say, as JSON values; a missing one is null beside its reason."""
        named = answers[0]
        score, why = self._score(answers[1 : 1 + self.scored])
        return {
            **facts(self.item),
            "label": _read(_labels(self.order), named),
            "mass": named.mass,
            "missing": named.missing or None,
            "score": score,
            "score_missing": why,
            "asked": {
                key: _read(read, answers[place]) for key, (place, read) in self.further.items()
            },
        }

    def _score(self, answers: Sequence[Answer]) -> tuple[float | None, str | None]:
        try:
            return round(self.method.score(answers).value, _DIGITS), None
        except MissingAnswer as error:
            return None, str(error)


def facts(item: Item) -> dict[str, Any]:
    """The part of a row that is known before anybody is asked."""
    return {
        "reference": item.reference,
        "type": item.type,
        "family": item.family,
        "level": item.level,
        "place": item.place,
        "mos": None if math.isnan(item.mos) else item.mos,
    }


def sitting(
    item: Item,
    picture: Picture,
    pristine: Picture | None,
    can: Capabilities,
    method: Method,
    *,
    thorough: bool,
) -> Sitting:
    """The questions of one picture for a judge that can do `can`.

    thorough : ask what consistency needs, too.
    """
    image = ImagePart(picture, item.name)
    order = q.order_of(picture.hash)
    asked = [q.naming(image, order=order, prefill=can.prefill), *method.questions(picture)]
    scored = len(asked) - 1
    further: dict[str, tuple[int, Read]] = {}

    def ask(key: str, question: Question, read: Read) -> None:
        further[key] = (len(asked), read)
        asked.append(question)

    if thorough:
        _other_words(image, order, can, ask)
        _other_orders(image, picture.hash, can, ask)
        _other_files(picture, item, order, can, ask)
        _two_pictures(image, item, pristine, can, ask)
    return Sitting(item, asked, order, method, scored, further)


def chosen(items: Sequence[Item], count: int) -> set[str]:
    """Names of the `count` items that are asked thoroughly: those first by hash."""
    ranked = sorted((item.name for item in items if item.family), key=_hash)
    return set(ranked[:count])


Ask = Callable[[str, Question, Read], None]


def _other_words(image: ImagePart, order: tuple[int, ...], can: Capabilities, ask: Ask) -> None:
    for wording in (*q.TAUGHT[1:], *q.UNSEEN):
        question = q.naming(image, wording, order=order, prefill=can.prefill)
        kind = "unseen" if wording in q.UNSEEN else "taught"
        ask(f"wording/{kind}/{wording.name}", question, _labels(order))
    for wording in q.RATINGS:
        ask(f"rating/{wording.name}", q.rating(image, wording, prefill=can.prefill), _percent)


def _other_orders(image: ImagePart, content: str, can: Capabilities, ask: Ask) -> None:
    for number in range(1, ORDERS + 1):
        other = q.order_of(content, number)
        ask(f"order/{number}", q.naming(image, order=other, prefill=can.prefill), _labels(other))
    for number in range(ORDERS):
        other = q.order_of(content, number)
        ask(f"letters/{number}", q.naming_by_letter(image, order=other), _labels(other))


def _other_files(
    picture: Picture, item: Item, order: tuple[int, ...], can: Capabilities, ask: Ask
) -> None:
    """The same pixels as a PNG file; and, where the judge draws, the same question again."""
    file = io.BytesIO()
    Image.fromarray(picture.pixels).save(file, "PNG", compress_level=1)
    again = ImagePart(file.getvalue(), item.name)
    ask("file/png", q.naming(again, order=order, prefill=can.prefill), _labels(order))
    if can.samples:
        for number in range(AGAIN):
            same = ImagePart(picture, item.name)
            question = q.naming(same, order=order, prefill=can.prefill)
            ask(f"again/{number}", question, _labels(order))


def _two_pictures(
    image: ImagePart, item: Item, pristine: Picture | None, can: Capabilities, ask: Ask
) -> None:
    """The pristine and this one, both ways round: P(this one is better)."""
    if pristine is None or item.type == PRISTINE or not item.place:
        return
    if can.max_images is not None and can.max_images < 2:
        return
    beside = ImagePart(pristine, item.reference)
    ask("better/first", q.better(image, beside), lambda answer: _digits(answer["A"]))
    ask("better/second", q.better(beside, image), lambda answer: _digits(answer["B"]))


def _labels(order: tuple[int, ...]) -> Read:
    return lambda answer: _rounded(q.by_label(answer, order))


def _percent(answer: Answer) -> float:
    """Expected level on 0–100."""
    top = len(answer.options) - 1
    return _digits(100 * answer.expected([place / top for place in range(top + 1)]))


def _read(read: Read, answer: Answer) -> Any:
    return None if answer.missing else read(answer)


def _rounded(values: Any) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]


def _digits(value: float) -> float:
    return round(value, _DIGITS)


def _hash(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "backslashreplace")).digest()
