"""A server with a decisions interface: `decisions:MODEL@URL`.

Two shapes, told apart on connect by which route is there:

decisions : POST URL/decisions, that of `client.decisions` in the `openai` client.
systemone : POST URL/systemone, that of `transformers serve`.

Such a server states a probability for every option, normalised over the options, so the mass is not
known; and it writes the options into the prompt, so their order may matter.
"""

from __future__ import annotations

import math
import os
import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal, TypeAlias

from snellen.errors import InputError, JudgeError, SnellenError
from snellen.judges.answer import Answer, Shown, ShownImage
from snellen.judges.conformance import TOLERANCE
from snellen.judges.image import ImagePart
from snellen.judges.protocol import Capabilities, unfit
from snellen.judges.question import Question, choice
from snellen.judges.server import split_address
from snellen.judges.server_messages import png_url
from snellen.judges.server_wire import RequestFailed, Wire

Shape: TypeAlias = Literal["decisions", "systemone"]
_SHAPES: tuple[Shape, ...] = ("decisions", "systemone")
_ABSENT = (404, 405, 501)
# What each shape takes at most: images (assets of systemone), options (its letters).
_LIMITS: dict[Shape, tuple[int | None, int]] = {"decisions": (None, 255), "systemone": (4, 26)}
_ASK = "Answer the question above."  # where a question does not end with text. Ours.
_TOGETHER = 16  # questions in a request: two of the largest groups that a method asks. Ours.
_SKY = "The sky is clear."
_PLAIN = (  # asked on connect
    choice(_SKY, "What is the weather?", options=("fine", "foul")),
    choice(_SKY, "What is the time of day?", options=("noon", "night", "dawn")),
)
_SUM = 0.01  # how far stated probabilities may be from adding up to 1: servers round them. Ours.


class DecisionsJudge:
    """Asks `concurrency` requests at a time. Made by `load`.

    together : questions about the same images and texts go in one request, up to `_TOGETHER`. Where
               the server refuses such a request each is asked by itself, so that one question that
               it cannot take spoils no other.
    """

    def __init__(
        self, model: str, wire: Wire, shape: Shape, concurrency: int, *, together: bool
    ) -> None:
        self._model, self._wire, self._shape = model, wire, shape
        self._concurrency, self._together = concurrency, together
        self.name = f"decisions:{model}@{wire.url} ({shape})"
        images, options = _LIMITS[shape]
        self.can = Capabilities(
            "given", max_images=images, max_options=options, prefill=False, mass=False, lists=True
        )

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer for each question, in their order."""
        answers: dict[int, Answer] = {}
        groups: dict[object, list[int]] = {}
        for place, question in enumerate(questions):
            why = unfit(question, self.can)
            if why:
                answers[place] = Answer.without(question.options, why)
            else:
                about = _split(question)[0] if self._together else place
                groups.setdefault(about, []).append(place)
        requests = [
            places[start : start + _TOGETHER]
            for places in groups.values()
            for start in range(0, len(places), _TOGETHER)
        ]
        if requests:
            start = time.perf_counter()
            with ThreadPoolExecutor(min(self._concurrency, len(requests))) as pool:
                found = pool.map(self._ask, ([questions[one] for one in some] for some in requests))
                for places, said in zip(requests, found, strict=True):
                    answers.update(zip(places, said, strict=True))
            self._wire.cost.took(time.perf_counter() - start)
        return [answers[place] for place in range(len(questions))]

    def describe(self) -> Mapping[str, str]:
        """Which shape the server has, whether questions share requests, and what was spent."""
        share = (
            f"up to {_TOGETHER} questions about the same images in one"
            if self._together
            else "one question each: asked together, the server answers otherwise"
        )
        return {
            "interface": f"{self._wire.url}/{self._shape}",
            "requests": share,
            "cost": str(self._wire.cost),
        }

    def close(self) -> None:
        """Close the connections to the server."""
        self._wire.close()

    def _ask(self, questions: Sequence[Question]) -> list[Answer]:
        """Answers of one request; where it fails for several, of each by itself."""
        try:
            return ask(self._wire, self._model, self._shape, questions)
        except SnellenError as error:
            if len(questions) > 1:
                return [answer for one in questions for answer in self._ask([one])]
            return [Answer.without(questions[0].options, str(error))]


def load(
    address: str,
    *,
    api_key: str | None = None,
    concurrency: int = 8,
    timeout: float = 120.0,
    retries: int = 4,
    backoff: float = 0.5,
) -> DecisionsJudge:
    """The judge of `decisions:ADDRESS`; the options are those of `server:`.

    address : MODEL@URL, the URL up to and with /v1.
    Raises `InputError` for another form, `JudgeError` where the server cannot be reached, has
    neither route, or does not answer a plain question.
    """
    model, url = split_address("decisions", address)
    if concurrency < 1:
        raise InputError(f"concurrency={concurrency}", "Give at least one request at a time.")
    key = api_key or os.environ.get("OPENAI_API_KEY") or "none"
    wire = Wire(url, api_key=key, timeout=timeout, retries=retries, backoff=backoff)
    try:
        shape = _shape_of(wire, model)
        together = _answers_together(wire, model, shape)
        return DecisionsJudge(model, wire, shape, concurrency, together=together)
    except BaseException:
        wire.close()
        raise


def _shape_of(wire: Wire, model: str) -> Shape:
    """The first shape whose route is there and answers."""
    for shape in _SHAPES:
        try:
            [answer] = ask(wire, model, shape, _PLAIN[:1])
        except RequestFailed as error:
            if error.status in _ABSENT:
                continue
            raise
        if answer.missing:
            raise JudgeError(
                f"{wire.url}/{shape} does not answer a plain question: {answer.missing}"
            )
        return shape
    raise JudgeError(
        f"{wire.url} has no decisions interface: neither /decisions nor /systemone is there",
        "Check the address, or use server:MODEL@URL if it gives log-probabilities.",
    )


def _answers_together(wire: Wire, model: str, shape: Shape) -> bool:
    """Whether questions that share a request are answered as each is alone. Neither interface says
    so, and a server may put all of them into one prompt."""
    try:
        alone = [answer for one in _PLAIN for answer in ask(wire, model, shape, [one])]
        together = ask(wire, model, shape, _PLAIN)
    except SnellenError:
        return False
    return all(
        not one.missing
        and not other.missing
        and max(abs(p - q) for p, q in zip(one.probabilities, other.probabilities, strict=True))
        <= TOLERANCE
        for one, other in zip(alone, together, strict=True)
    )


def ask(wire: Wire, model: str, shape: Shape, questions: Sequence[Question]) -> list[Answer]:
    """Questions about the same images and texts in one request; one answer each.

    Raises `RequestFailed`, `ImageError`, `JudgeError`.
    """
    body, images = (_decisions_body if shape == "decisions" else _systemone_body)(questions)
    reply, tries = wire.post(f"/{shape}", {"model": model, **body})
    usage = reply.get("usage")
    tokens = usage.get("input_tokens") if isinstance(usage, dict) else None
    # Of several questions the server counts all tokens together, and of none alone.
    counted = tokens if isinstance(tokens, int) and len(questions) == 1 else None
    shown = Shown(images, counted, "the server's own")
    notes = [f"the request was sent {tries} times"] if tries > 1 else []
    return [
        _answer(reply, shape, place, question, shown, notes)
        for place, question in enumerate(questions)
    ]


def _answer(
    reply: Mapping[str, Any],
    shape: Shape,
    place: int,
    question: Question,
    shown: Shown,
    notes: Sequence[str],
) -> Answer:
    """The answer to the question that was `place`-th in its request."""
    try:
        said = reply["answers"][place if shape == "decisions" else _name(place)]
        if said["type"] == "refusal":
            reason = "the model declined to answer"
            return Answer.without(question.options, reason, shown=shown, notes=notes)
        stated = _stated(said, shape, question)
    except (KeyError, IndexError, TypeError, ValueError):
        reason = "the server's reply does not hold a probability for every option"
        return Answer.without(question.options, reason, shown=shown, notes=notes)
    if not all(0 <= value <= 1 for value in stated) or abs(math.fsum(stated) - 1) > _SUM:
        reason = f"the server stated {stated}, which are no probabilities of the options"
        return Answer.without(question.options, reason, shown=shown, notes=notes)
    logits = [math.log(value) if value > 0 else -math.inf for value in stated]
    return Answer.from_logits(question.options, logits, shown=shown, notes=notes)


def _name(place: int) -> str:
    """What a question is called where questions have names."""
    return f"q{place + 1}"


def _stated(said: Mapping[str, Any], shape: Shape, question: Question) -> list[float]:
    """The probabilities in the order of the options. Raises `KeyError` and the like where the reply
    has another form."""
    if _is_predicate(question):
        true = float(said["probability" if shape == "decisions" else "noul"])
        return [true, 1 - true]
    given = said["probabilities"]
    if shape == "decisions":
        place = "label" if question.kind == "score" else "value"
        by_option = {one[place]: one["probability"] for one in given}
    elif question.kind == "score":
        by_option = {option: given[str(i)] for i, option in enumerate(question.options)}
    else:
        by_option = given
    if len(by_option) != len(question.options):
        raise ValueError("other options")
    return [float(by_option[option]) for option in question.options]


def _is_predicate(question: Question) -> bool:
    """Predicates of these interfaces are yes or no; with other words it is asked as a choice."""
    words = tuple(option.casefold() for option in question.options)
    return question.kind == "predicate" and words in (("yes", "no"), ("true", "false"))


def _split(question: Question) -> tuple[tuple[str | ImagePart, ...], str]:
    """What comes first, and the instructions: the text that the question ends with."""
    *before, last = question.parts
    if before and isinstance(last, str):
        return tuple(before), last
    return question.parts, _ASK


def _decisions_body(
    questions: Sequence[Question],
) -> tuple[dict[str, Any], tuple[ShownImage, ...]]:
    """Questions with the same parts before their instructions, as the body of a request."""
    content: list[dict[str, Any]] = []
    images: list[ShownImage] = []
    for part in _split(questions[0])[0]:
        if isinstance(part, str):
            content.append({"type": "input_text", "text": part})
            continue
        url, width, height = png_url(part)
        content.append({"type": "input_image", "image_url": url, "detail": "original"})
        images.append(ShownImage(part.hash, width, height))
    asked: list[dict[str, Any]] = []
    for question in questions:
        one: dict[str, Any] = {"instructions": _split(question)[1], "type": "choice"}
        if _is_predicate(question):
            one["type"] = "predicate"
        elif question.kind == "score":
            one.update(type="score", levels=[{"label": option} for option in question.options])
        else:
            one["choices"] = [{"value": option} for option in question.options]
        asked.append(one)
    return {"input": [{"role": "user", "content": content}], "questions": asked}, tuple(images)


def _systemone_body(
    questions: Sequence[Question],
) -> tuple[dict[str, Any], tuple[ShownImage, ...]]:
    """The same for the other shape, where images stand in the text by their names."""
    for question in questions:
        if any(re.search(r"img-\d", text) for text in (question.text, *question.options)):
            raise JudgeError(
                "the question holds the mark of an image, such as img-1, as text",
                "Write it without the hyphen.",
            )
    state: list[str] = []
    assets: dict[str, Any] = {}
    images: list[ShownImage] = []
    for part in _split(questions[0])[0]:
        if isinstance(part, str):
            state.append(part)
            continue
        url, width, height = png_url(part)
        name = f"img-{len(assets) + 1}"
        state.append(name)
        assets[name] = {"data_base64": url.partition(",")[2]}
        images.append(ShownImage(part.hash, width, height))
    asked: dict[str, Any] = {}
    for place, question in enumerate(questions):
        one: dict[str, Any] = {"instructions": _split(question)[1], "type": "choice"}
        if _is_predicate(question):
            one["type"] = "noul"
        elif question.kind == "score":
            one.update(type="score", criteria=list(question.options))
        else:
            one["criteria"] = dict.fromkeys(question.options)
        asked[_name(place)] = one
    body = {"state": "\n".join(state), "questions": asked}
    return {**body, **({"assets": assets} if assets else {})}, tuple(images)
