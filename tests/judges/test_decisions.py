"""The decisions judge against both shapes of the interface, and against odd replies."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from fake_server import Traits, serving
from PIL import Image

pytest.importorskip("openai", reason="the judges extra is not installed")

from snellen.errors import InputError, JudgeError
from snellen.judges import Answer, ImagePart, Question, choice, conformance, predicate, score
from snellen.judges.decisions import load
from snellen.judges.probes import picture

IMAGE = ImagePart(picture(1))
LEVELS = ("bad", "fair", "good")
Route = Callable[[dict[str, Any]], object]


def weights(options: list[str], seen: object) -> list[float]:
    """Probabilities of the options from a hash of all that was sent."""
    raw = [
        1 + hashlib.sha256((json.dumps(seen) + option).encode()).digest()[0] for option in options
    ]
    return [value / sum(raw) for value in raw]


def check_image(data: str) -> None:
    Image.open(io.BytesIO(base64.b64decode(data, validate=True))).load()


def decisions(body: dict[str, Any]) -> object:
    """The shape of `client.decisions`."""
    if set(body) != {"model", "input", "questions"}:
        raise ValueError(f"fields {sorted(body)}")
    for part in body["input"][0]["content"]:
        if part["type"] == "input_image":
            check_image(part["image_url"].removeprefix("data:image/png;base64,"))
    answers = [decision(asked, body["input"]) for asked in body["questions"]]
    return {"answers": answers, "model": body["model"], "usage": {"input_tokens": 7}}


def decision(asked: dict[str, Any], given: object) -> dict[str, Any]:
    """The answer to one question; it depends on no other."""
    kind, fields = asked["type"], set(asked) - {"type", "instructions"}
    seen = [given, asked["instructions"]]
    if kind == "predicate" and not fields:
        return {"type": kind, "probability": weights(["true", "false"], seen)[0]}
    if kind == "choice" and fields == {"choices"}:
        options = [one["value"] for one in asked["choices"]]
        pairs = zip(options, weights(options, seen), strict=True)
        listed = [{"value": o, "probability": p} for o, p in pairs][::-1]
        return {"type": kind, "probabilities": listed}
    if kind == "score" and fields == {"levels"}:
        options = [one["label"] for one in asked["levels"]]
        numbered = enumerate(zip(options, weights(options, seen), strict=True))
        listed = [{"label": o, "value": i, "probability": p} for i, (o, p) in numbered]
        return {"type": kind, "probabilities": listed}
    raise ValueError(f"a {kind} with {sorted(fields)}")


def systemone(body: dict[str, Any]) -> object:
    """The shape of `transformers serve`; unknown fields are refused, as there."""
    if set(body) - {"assets"} != {"model", "state", "questions"}:
        raise ValueError(f"fields {sorted(body)}")
    for name, asset in body.get("assets", {}).items():
        if body["state"].count(name) != 1:
            raise ValueError(f"{name} is not in the state")
        check_image(asset["data_base64"])
    given = [body["state"], body.get("assets")]
    answers = {name: system_answer(asked, given) for name, asked in body["questions"].items()}
    return {"answers": answers, "usage": {"input_tokens": 7}}


def system_answer(asked: dict[str, Any], given: object) -> dict[str, Any]:
    """The answer to one question; it depends on no other."""
    kind, criteria = asked["type"], asked.get("criteria")
    seen = [given, asked["instructions"]]
    if kind == "noul" and criteria is None:
        return {"type": kind, "noul": weights(["true", "false"], seen)[0]}
    if kind == "choice" and isinstance(criteria, dict):
        pairs = zip(criteria, weights(list(criteria), seen), strict=True)
        return {"type": kind, "probabilities": dict(pairs)}
    if kind == "score" and isinstance(criteria, list):
        places = map(str, range(len(criteria)))
        pairs = zip(places, weights(criteria, seen), strict=True)
        return {"type": kind, "probabilities": dict(pairs)}
    raise ValueError(f"a {kind} with {criteria}")


SHAPES = {"/v1/decisions": decisions, "/v1/systemone": systemone}


def asked(routes: dict[str, Route], *questions: Question) -> list[Answer]:
    with serving(Traits(routes=routes)) as url:
        judge = load(f"m@{url}", retries=0)
        try:
            return judge.answer(questions)
        finally:
            judge.close()


@pytest.mark.parametrize("path", SHAPES)
def test_keeps_every_promise(path: str) -> None:
    with serving(Traits(routes={path: SHAPES[path]})) as url:
        outcomes = conformance.check(lambda: load(f"m@{url}"))
    assert sum(outcome.result == "kept" for outcome in outcomes) >= 14


@pytest.mark.parametrize("path", SHAPES)
def test_every_kind_is_read_in_the_order_of_its_options(path: str) -> None:
    answers = asked(
        {path: SHAPES[path]},
        choice(IMAGE, "Which?", options=LEVELS),
        score(IMAGE, "Which?", levels=LEVELS),
        predicate(IMAGE, "Which?"),
        predicate(IMAGE, "Which?", words=("Good", "Poor")),
    )
    assert [answer.missing for answer in answers] == [""] * 4
    assert answers[0].probabilities == pytest.approx(answers[1].probabilities)
    assert len(set(answers[0].probabilities)) == 3
    assert all(answer.mass is None for answer in answers)
    assert answers[0].shown.images[0].width == 64


@pytest.mark.parametrize("path", SHAPES)
def test_questions_about_the_same_images_share_a_request(path: str) -> None:
    requests: list[int] = []

    def route(body: dict[str, Any]) -> object:
        requests.append(len(body["questions"]))
        return SHAPES[path](body)

    other = ImagePart(picture(2))
    about_one = [choice(IMAGE, f"Which, {i}?", options=LEVELS) for i in range(18)]
    mixed = [about_one[0], predicate(other, "Is it?"), *about_one[1:], predicate(IMAGE, "Is it?")]
    with serving(Traits(routes={path: route})) as url:
        judge = load(f"m@{url}", retries=0)
        requests.clear()
        together = judge.answer(mixed)
        assert sorted(requests) == [1, 3, 16]
        alone = [judge.answer([question])[0] for question in mixed]
        assert "up to 16" in judge.describe()["requests"]
        judge.close()
    assert [one.probabilities for one in together] == [one.probabilities for one in alone]
    assert alone[0].shown.tokens == 7
    assert together[0].shown.tokens is None  # of three questions together


def test_a_server_that_answers_otherwise_together_is_asked_one_by_one() -> None:
    requests: list[int] = []

    def route(body: dict[str, Any]) -> object:
        requests.append(len(body["questions"]))
        given = [body["input"], body["questions"]]  # all of them in one prompt
        return {"answers": [decision(asked, given) for asked in body["questions"]]}

    with serving(Traits(routes={"/v1/decisions": route})) as url:
        judge = load(f"m@{url}", retries=0)
        requests.clear()
        judge.answer([choice(IMAGE, f"Which, {i}?", options=LEVELS) for i in range(3)])
        assert requests == [1, 1, 1]
        assert "one question each" in judge.describe()["requests"]
        judge.close()


def test_a_refused_request_is_asked_again_one_by_one() -> None:
    def route(body: dict[str, Any]) -> object:
        if any("odd" in asked["instructions"] for asked in body["questions"]):
            raise ValueError("this one cannot be asked")
        return decisions(body)

    texts = ("One?", "An odd one?", "Three?")
    answers = asked({"/v1/decisions": route}, *[choice(IMAGE, t, options=LEVELS) for t in texts])
    assert [bool(answer.missing) for answer in answers] == [False, True, False]
    assert "cannot be asked" in answers[1].missing


def test_a_prefill_and_too_many_images_are_missing() -> None:
    begun = choice(IMAGE, "How?", options=LEVELS, prefill="It is")
    many = choice(*[ImagePart(picture(i)) for i in range(5)], "Which?", options=LEVELS)
    mark = choice(IMAGE, "Is img-1 good?", options=LEVELS)
    said = [answer.missing for answer in asked({"/v1/systemone": systemone}, begun, many, mark)]
    assert "cannot begin" in said[0]
    assert "at most 4" in said[1]
    assert "img-1" in said[2]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"type": "refusal"}, "declined"),
        ({"type": "choice", "probabilities": []}, "every option"),
        ({"type": "choice"}, "every option"),
        ([], "every option"),
        (
            {
                "type": "choice",
                "probabilities": [{"value": v, "probability": 0.9} for v in ("Good", "Poor")],
            },
            "no probabilities",
        ),
        (
            {
                "type": "choice",
                "probabilities": [
                    {"value": v, "probability": float("nan")} for v in ("Good", "Poor")
                ],
            },
            "no probabilities",
        ),
    ],
    ids=["refusal", "empty", "none", "list", "sum", "nan"],
)
def test_odd_replies_are_missing_answers(answer: object, says: str) -> None:
    def route(body: dict[str, Any]) -> object:
        about_image = len(body["input"][0]["content"]) > 0 and "How?" in str(body["questions"])
        return {"answers": [answer]} if about_image else decisions(body)

    question = choice(IMAGE, "How?", options=("Good", "Poor"))
    [got] = asked({"/v1/decisions": route}, question)
    assert says in got.missing


def test_a_server_without_the_interface_is_refused() -> None:
    with serving(Traits()) as url, pytest.raises(JudgeError, match="no decisions interface"):
        load(f"m@{url}", retries=0)


def test_other_forms_of_address() -> None:
    with pytest.raises(InputError, match="not MODEL@URL"):
        load("model-alone")
