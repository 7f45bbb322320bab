"""The transformers judge on tiny random checkpoints, against the models' own log-probabilities."""

from __future__ import annotations

import itertools
import math
import warnings
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

import tiny_models  # noqa: E402
from PIL import Image  # noqa: E402

from snellen.errors import InputError, JudgeError, UnknownName  # noqa: E402
from snellen.judges import ImagePart, Question, choice, conformance, load_judge  # noqa: E402
from snellen.judges import transformers as judged  # noqa: E402
from snellen.judges.probes import picture, plain_questions  # noqa: E402
from snellen.judges.transformers_options import longest, option_logprobs  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore"),  # transformers' own, of another version each month
]

ONE, OTHER = ImagePart(picture(1)), ImagePart(picture(2, 90, 60))
PAIR = choice(ONE, OTHER, "Which is good?", options=("Good", "Poor"), prefill="The quality is ")


@pytest.fixture(scope="module", params=tiny_models.FAMILIES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tiny_models.make(request.param, tmp_path_factory.mktemp("models") / request.param)


@pytest.fixture(scope="module")
def judge(folder: Path) -> judged.TransformersJudge:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return judged.load(str(folder))


def expected(judge: judged.TransformersJudge, question: Question) -> list[float]:
    """Option's log-probabilities by one plain forward pass over prompt and words, no cache."""
    processor, model = judge.processor, judge.model
    text = judged.prompt_text(processor, question)
    images = [Image.fromarray(part.pixels()) for part in question.images]
    found = []
    ways = judged.spell(processor.tokenizer, text, question.options)
    for option in question.options:
        total = 0.0
        for way in ways[option]:
            inputs = processor(text=[text], images=[images], return_tensors="pt")
            length = inputs["input_ids"].shape[1]
            said = torch.tensor([way])
            inputs["input_ids"] = torch.cat([inputs["input_ids"], said], 1)
            inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
            if "mm_token_type_ids" in inputs:
                kinds = inputs["mm_token_type_ids"]
                inputs["mm_token_type_ids"] = torch.cat([kinds, torch.zeros_like(said)], 1)
            model.model.rope_deltas = None
            with torch.no_grad():
                rows = model(**inputs).logits[0].double().log_softmax(-1)
            total += math.exp(sum(float(rows[length - 1 + i, t]) for i, t in enumerate(way)))
        found.append(math.log(total))
    return found


def test_agrees_with_a_plain_forward_pass(judge: judged.TransformersJudge) -> None:
    longer = choice(ONE, OTHER, "How?", options=("excellent", "very bad", "fair"))
    for question in (PAIR, longer):
        [answer] = judge.answer([question])
        assert answer.logprobs == pytest.approx(expected(judge, question), abs=1e-4)
        assert len(judge.spell(question)[question.options[0]]) >= 2


def test_agrees_with_generate(judge: judged.TransformersJudge) -> None:
    processor, model = judge.processor, judge.model
    text = judged.prompt_text(processor, PAIR)
    images = [Image.fromarray(part.pixels()) for part in PAIR.images]
    inputs = processor(text=[text], images=[images], return_tensors="pt")
    out = model.generate(
        **inputs,
        max_new_tokens=1,
        do_sample=False,
        output_logits=True,
        return_dict_in_generate=True,
    )
    row = out.logits[0][0].double().log_softmax(-1)
    prompt, _ = judged.encode(processor, model.config, PAIR, text, model.device)
    tokens = [(token,) for token in range(len(row))]
    [found] = judged.read(model, [prompt], [tokens])
    assert [found[token] for token in tokens] == pytest.approx(row.tolist(), abs=1e-4)


def test_questions_with_the_same_images_share_and_say_the_same(
    judge: judged.TransformersJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ("Which is sharper?", "Which is noisier, A or B?", "Is it so?")
    asked = [choice(ONE, OTHER, text, options=("A", "B", "very good")) for text in texts]
    alone = [judge.answer([question])[0] for question in asked]
    seen = []
    forward = judge.model.forward
    monkeypatch.setattr(
        judge.model,
        "forward",
        lambda *args, **named: seen.append("pixel_values" in named) or forward(*args, **named),
    )
    together = judge.answer(asked)
    assert seen.count(True) == 1
    for one, other in zip(alone, together, strict=True):
        assert one.logprobs == pytest.approx(other.logprobs, abs=1e-3)
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)


def test_keeps_every_promise_of_a_judge(folder: Path) -> None:
    assert conformance.check(lambda: judged.load(str(folder)))


def test_images_are_told_as_shown(judge: judged.TransformersJudge) -> None:
    for question in plain_questions(prefill=True, images=None):
        shown = judge.answer([question])[0].shown
        assert "PIL" in shown.processor or "torchvision" in shown.processor
        assert len(shown.images) == len(question.images)
        text, config = shown.prompt, judge.model.config
        prompt, _ = judged.encode(judge.processor, config, question, text, "cpu")
        assert shown.tokens == len(prompt.ids)
        placed = [image.tokens for image in shown.images]
        assert sum(filter(None, placed)) == prompt.ids.count(config.image_token_id)
        assert all(image.crops >= 1 for image in shown.images)


def test_out_of_memory_halves_and_says_so(
    judge: judged.TransformersJudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [choice(ONE, text, options=("A", "B")) for text in ("One?", "Two?", "Three?")]
    before = judge.answer(asked)

    def small(model: object, prompts: list[object], ways: object) -> object:
        if len(prompts) > 1:
            raise torch.OutOfMemoryError("full")
        return read(model, prompts, ways)

    read = judged.read
    monkeypatch.setattr(judged, "read", small)
    for one, other in zip(before, judge.answer(asked), strict=True):
        assert one.probabilities == pytest.approx(other.probabilities, abs=1e-4)
        assert "out of memory" in other.notes[0]
    monkeypatch.setattr(judged, "read", lambda *_: (_ for _ in ()).throw(MemoryError()))
    assert all("out of memory" in answer.missing for answer in judge.answer(asked))


def test_marks_of_the_model_are_refused(judge: judged.TransformersJudge) -> None:
    odd = choice(ONE, "Is <image> good?", options=("Yes", "No"))
    answers = judge.answer([odd, PAIR])
    assert "'<image>', which is a mark" in answers[0].missing
    assert not answers[1].missing


def test_the_name_and_the_reasons(judge: judged.TransformersJudge, folder: Path) -> None:
    assert judge.name == load_judge(f"hf:{folder}").name
    assert load_judge(f"hf:{folder}", dtype="bfloat16").name != judge.name
    assert judge.describe()["device"].partition(": ")[2]


def test_what_cannot_be_loaded_is_said(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown dtype 'float8'"):
        judged.load(str(folder), dtype="float8")
    with pytest.raises(InputError, match="no device"):
        judged.load(str(folder), device="abacus")
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(JudgeError, match="'bert', which is not supported"):
        judged.load(str(tmp_path))


def test_an_unknown_model_gets_the_nearest_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judged.AutoConfig, "from_pretrained", _not_there)
    with pytest.raises(UnknownName, match="Qwen/Qwen2-VL-2B-Instruct"):
        judged.load("Qwen/Qwen2-VL-2B-Instuct")


def _not_there(*_: object, **__: object) -> None:
    raise OSError("no such model")


def test_a_text_counts_for_the_longest_sequence_it_begins_with() -> None:
    spelled = {"1": ((1,), (5, 1)), "10": ((1, 2),), "100": ((1, 2, 2),)}
    given = {(1,): 0.5, (5, 1): 0.1, (1, 2): 0.3, (1, 2, 2): 0.1}
    found = option_logprobs(spelled, {way: math.log(value) for way, value in given.items()})
    assert [math.exp(value) for value in found] == pytest.approx([0.3, 0.2, 0.1])
    assert longest(itertools.chain(*spelled.values())) == [(1, 2, 2), (5, 1)]


def test_nothing_and_not_a_number_stay_so() -> None:
    assert option_logprobs({"a": ((1,),)}, {(1,): -math.inf}) == [-math.inf]
    assert math.isnan(option_logprobs({"a": ((1,),)}, {(1,): math.nan})[0])
