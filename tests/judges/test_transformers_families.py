"""Every family that runs here, as a tiny random checkpoint.

Against its own `generate`, alone and in batches, with its images shared, shown and looked into.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_models  # noqa: E402

from snellen.judges import Answer, ImagePart, Question, WhiteBox, choice, conformance  # noqa: E402
from snellen.judges import transformers as judged  # noqa: E402
from snellen.judges.probes import picture, plain_questions  # noqa: E402
from snellen.judges.transformers_families import FAMILIES, family_of  # noqa: E402
from snellen.judges.transformers_prefix import Prompt  # noqa: E402
from snellen.judges.transformers_processor import encode, prompt_text  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore"),  # transformers' own, of another version each month
]

ONE, OTHER, TALL = (
    ImagePart(picture(seed, *size)) for seed, size in ((1, (64, 48)), (2, (90, 60)), (3, (40, 88)))
)
PAIR = choice(ONE, OTHER, "Which is good?", options=("Good", "Poor"), prefill="The quality is ")
MIXED = [  # one and two images, words before and after, options of one and of several tokens
    PAIR,
    choice(ONE, OTHER, "And how are they?", options=("excellent", "very bad", "fair")),
    choice(TALL, "Rate it.", options=("Good", "Poor")),
    choice(TALL, OTHER, "Which of these two is the better one, A or B?", options=("A", "B")),
    choice("Name", OTHER, "what is wrong.", options=("blur", "noise")),
]


@pytest.fixture(scope="module", params=tiny_models.FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tiny_models.make(request.param, tmp_path_factory.mktemp("models") / request.param)


@pytest.fixture(scope="module")
def judge(folder: Path) -> Iterator[judged.TransformersJudge]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield judged.load(str(folder))


def prompt_of(judge: judged.TransformersJudge, question: Question) -> Prompt:
    text = prompt_text(judge.processor, question)
    return encode(judge.processor, judge.model.config, question, text, "cpu")[0]


def generated(judge: judged.TransformersJudge, question: Question, tokens: int = 3) -> Any:
    return judge.model.generate(
        **prompt_of(judge, question).inputs,
        max_new_tokens=tokens,
        min_new_tokens=tokens,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
    )


def assert_same(some: list[Answer], others: list[Answer]) -> None:
    for one, other in zip(some, others, strict=True):
        assert not one.missing, one.missing
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)
        assert one.mass == pytest.approx(other.mass, abs=1e-4)


def test_every_family_has_its_checkpoint() -> None:
    assert set(tiny_models.FAMILIES) == set(FAMILIES)


@pytest.mark.parametrize("question", [PAIR, MIXED[2]], ids=["two images", "one image"])
def test_agrees_with_generate(judge: judged.TransformersJudge, question: Question) -> None:
    out = generated(judge, question)
    rows = [logits[0].double().log_softmax(-1) for logits in out.logits]
    said = tuple(out.sequences[0, -len(rows) :].tolist())
    tokens = [(token,) for token in range(len(rows[0]))]
    [found] = judge._reader().read([prompt_of(judge, question)], [[*tokens, said]])
    assert [found[token] for token in tokens if token != said[:1]] == pytest.approx(
        [float(rows[0][token]) for (token,) in tokens if token != said[0]], abs=1e-4
    )
    expected = np.cumsum([float(row[token]) for row, token in zip(rows, said, strict=True)])
    assert [found[said[: n + 1]] for n in range(len(said))] == pytest.approx(expected, abs=1e-4)


def test_a_batch_answers_as_each_question_alone(judge: judged.TransformersJudge) -> None:
    alone = [judge.answer([question])[0] for question in MIXED]
    assert_same(judge.answer(MIXED), alone)
    assert_same(judge.answer(MIXED[::-1])[::-1], alone)
    plain = judged.TransformersJudge("", judge.model, judge.processor, {}, share=False, batch=2)
    assert_same(plain.answer(MIXED), alone)


def test_images_and_beginnings_are_shared(
    judge: judged.TransformersJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = [ImagePart(picture(seed, 90, 60)) for seed in (4, 5)]
    asked = [
        choice(copy, OTHER, text, options=("Good", "Poor"))
        for copy in copies
        for text in ("The first is poor. The second?", "Do they show the same?")
    ]
    alone = [judge.answer([question])[0] for question in asked]
    encoded, begun = [], []
    encode_images, forward = judge.model.model.get_image_features, judge.model.forward

    def counted(**named: Any) -> Any:
        begun.extend(named["input_ids"] if "mm_encoder_outputs" in named else ())
        return forward(**named)

    monkeypatch.setattr(
        judge.model.model,
        "get_image_features",
        lambda **named: encoded.append(1) or encode_images(**named),
    )
    monkeypatch.setattr(judge.model, "forward", counted)
    assert_same(judge.answer(asked), alone)
    assert len(encoded) == 3
    assert len(begun) == (4 if family_of(judge.model.config).apart else 2)


def test_keeps_every_promise_of_a_judge(folder: Path) -> None:
    assert conformance.check(lambda: judged.load(str(folder)))


def test_works_in_half_precision(folder: Path, judge: judged.TransformersJudge) -> None:
    half = judged.load(str(folder), dtype="bfloat16")
    for one, other in zip(half.answer(MIXED), judge.answer(MIXED), strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=0.25)


def test_images_are_told_as_shown(judge: judged.TransformersJudge) -> None:
    config = judge.model.config
    for question in plain_questions(prefill=True, images=None):
        shown = judge.answer([question])[0].shown
        prompt = prompt_of(judge, question)
        assert "PIL" in shown.processor or "torchvision" in shown.processor
        assert shown.tokens == len(prompt.ids)
        placed = [image.tokens or 0 for image in shown.images]
        assert sum(placed) == prompt.ids.count(config.image_token_id) > 0
        for image, part in zip(shown.images, question.images, strict=True):
            assert image.hash == part.hash
            assert image.crops > 1 or (image.shown_width and image.shown_height)
            assert image.resampler in {"bicubic", "bilinear", "lanczos"}


def test_a_line_of_pixels_is_answered_or_refused_with_the_reason(
    judge: judged.TransformersJudge,
) -> None:
    line = ImagePart(picture(6, 1, 10_000))
    odd, plain = judge.answer([choice(line, "Good?", options=("Yes", "No")), PAIR])
    assert not plain.missing
    if odd.missing:
        assert "aspect ratio" in odd.missing or "room for" in odd.missing
    else:
        assert odd.shown.images[0].height == 10_000


def test_looking_inside(judge: judged.TransformersJudge) -> None:
    assert isinstance(judge, WhiteBox)
    assert judge.can.embeddings
    prompt, width = prompt_of(judge, MIXED[2]), judge.word_embedding("good").shape[0]
    scores = judge.token_scores(MIXED[2], k=5)
    row = generated(judge, MIXED[2], tokens=1).logits[0][0]
    assert [one.logit for one in scores] == pytest.approx(row.topk(5).values.tolist(), abs=1e-3)
    assert {one.embedding.shape for one in scores} == {(width,)}
    states = judge.layers(MIXED[2])
    assert {state.shape for state in states} == {(len(prompt.ids), width)}
    assert len(states) == 1 + judge.model.config.get_text_config().num_hidden_layers
    visual = judge.visual_tokens(TALL)
    places = np.array(prompt.ids) == judge.model.config.image_token_id
    # PaliGemma and its like scale what enters the language model; directions are kept.
    inside, given = states[0][places].ravel(), visual.ravel()
    assert np.corrcoef(inside, given)[0, 1] == pytest.approx(1, abs=1e-4)
