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
    [asked] = body["questions"]
    kind, fields = asked["type"], set(asked) - {"type", "instructions"}
    seen = [body["input"], asked["instructions"]]
    if kind == "predicate" and not fields:
        answer: dict[str, Any] = {"probability": weights(["true", "false"], seen)[0]}
    elif kind == "choice" and fields == {"choices"}:
        options = [one["value"] for one in asked["choices"]]
        pairs = zip(options, weights(options, seen), strict=True)
        answer = {"probabilities": [{"value": o, "probability": p} for o, p in pairs][::-1]}
    elif kind == "score" and fields == {"levels"}:
        options = [one["label"] for one in asked["levels"]]
        numbered = enumerate(zip(options, weights(options, seen), strict=True))
        answer = {
            "probabilities": [{"label": o, "value": i, "probability": p} for i, (o, p) in numbered]
        }
    else:
        raise ValueError(f"a {kind} with {sorted(fields)}")
    usage = {"input_tokens": 7}
    return {"answers": [{"type": kind, **answer}], "model": body["model"], "usage": usage}


def systemone(body: dict[str, Any]) -> object:
    """The shape of `transformers serve`; unknown fields are refused, as there."""
    if set(body) - {"assets"} != {"model", "state", "questions"}:
        raise ValueError(f"fields {sorted(body)}")
    for name, asset in body.get("assets", {}).items():
        if body["state"].count(name) != 1:
            raise ValueError(f"{name} is not in the state")
        check_image(asset["data_base64"])
    [(name, asked)] = body["questions"].items()
    kind, criteria = asked["type"], asked.get("criteria")
    seen = [body["state"], body.get("assets"), asked["instructions"]]
    if kind == "noul" and criteria is None:
        answer: dict[str, Any] = {"noul": weights(["true", "false"], seen)[0]}
    elif kind == "choice" and isinstance(criteria, dict):
        pairs = zip(criteria, weights(list(criteria), seen), strict=True)
        answer = {"probabilities": dict(pairs)}
    elif kind == "score" and isinstance(criteria, list):
        places = map(str, range(len(criteria)))
        answer = {"probabilities": dict(zip(places, weights(criteria, seen), strict=True))}
    else:
        raise ValueError(f"a {kind} with {criteria}")
    return {"answers": {name: {"type": kind, **answer}}, "usage": {"input_tokens": 7}}


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
    assert all(answer.mass is None and answer.shown.tokens == 7 for answer in answers)
    assert answers[0].shown.images[0].width == 64


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
