"""What a step of a tuning is shown: the judge's own prompt, and features computed once."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from audit_planted import photo  # noqa: E402

from snellen.audit import questions as q  # noqa: E402
from snellen.audit.parts import PARTS, anatomy, white_box  # noqa: E402
from snellen.audit.showing import Showing, varied  # noqa: E402
from snellen.judges import ImagePart, load_judge  # noqa: E402
from snellen.judges.transformers_processor import encode, prompt_text  # noqa: E402

sys.path.insert(0, str(Path(__file__).parents[1] / "judges"))
import tiny_models  # noqa: E402

pytestmark = [
    pytest.mark.torch,
    pytest.mark.filterwarnings("ignore"),  # transformers' own, of another version each month
]
PICTURES = {"a": photo(1), "b": photo(2)[:60]}
# What their projector says is cut and joined, or put into another order, after it.
PACKED = {"llava_next", "llava_onevision", "qwen2_5_vl"}


@pytest.fixture(scope="module", params=tiny_models.FAMILIES)
def judge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = tmp_path_factory.mktemp(request.param)
        return white_box(load_judge(f"hf:{tiny_models.make(request.param, folder)}"))


def showing(judge: Any, *parts: Any, **options: Any) -> Showing:
    model = judge.model
    body = anatomy(model)
    model.requires_grad_(False)
    for part in parts:
        for _, one in body.parameters(part):
            one.requires_grad_(True)
    return Showing(model, judge.processor, body, parts, PICTURES.__getitem__, **options)


def asked_for(judge: Any, name: str, rng: np.random.Generator) -> Any:
    """The judge's own prompt of the question that `tell` draws with `rng`."""
    wording = q.TAUGHT[int(rng.integers(len(q.TAUGHT)))]
    order = rng.permutation(len(q.LABELS)).tolist()
    question = q.naming(ImagePart(PICTURES[name]), wording, order=order)
    text = prompt_text(judge.processor, question)
    return encode(judge.processor, judge.model.config, question, text, judge.model.device)[0]


@pytest.mark.parametrize("parts", [("projector",), ("language",)])
def test_a_picture_seen_once_is_asked_about_in_the_judges_own_prompt(
    judge: Any, parts: tuple[Any, ...]
) -> None:
    shown = showing(judge, *parts)
    for seed in range(4):  # from the second on, the picture is not encoded again
        told = shown.tell("b", "noise", np.random.default_rng(seed))
        own = asked_for(judge, "b", np.random.default_rng(seed))
        assert told.prompt.ids == own.ids
        inputs, _ = shown.batch([told, shown.tell("a", "blur", np.random.default_rng(9))])
        expected = torch.cat([
            judge._reader().seen(one)[0]
            for one in (own, asked_for(judge, "a", np.random.default_rng(9)))
        ])  # fmt: skip
        given = inputs["mm_encoder_outputs"]["image"].pooler_output
        found = given if isinstance(given, torch.Tensor) else torch.cat(list(given))
        assert torch.allclose(found.flatten(0, -2), expected, atol=1e-5)
        assert found.requires_grad == ("projector" in parts)


def test_answers_are_wanted_where_the_rows_end(judge: Any) -> None:
    shown = showing(judge, "language")
    rng = np.random.default_rng
    told = [shown.tell("a", "noise", rng(0)), shown.tell("b", "colorfulness", rng(1))]
    inputs, wanted = shown.batch(told)
    for row, one in enumerate(told):
        assert (
            judge.processor.tokenizer.decode(one.answer).strip() == ("noise", "colorfulness")[row]
        )
        kept = wanted[row][wanted[row] >= 0]
        assert tuple(kept.tolist()) == one.answer
        assert tuple(inputs["input_ids"][row, -len(one.answer) :].tolist()) == one.answer


def test_gradients_reach_all_parts_and_are_numbers(judge: Any) -> None:
    model = judge.model.train()
    shown = showing(judge, *PARTS)
    rng = np.random.default_rng(3)
    inputs, wanted = shown.batch([shown.tell("a", "noise", rng), shown.tell("b", "blur", rng)])
    out = model(**inputs, use_cache=False, logits_to_keep=wanted.shape[1] + 1)
    said = out.logits[:, -wanted.shape[1] - 1 : -1].float()
    torch.nn.functional.cross_entropy(said.flatten(0, 1), wanted.flatten()).backward()
    for part in PARTS:
        grads = [one.grad for _, one in anatomy(model).parameters(part) if one.grad is not None]
        assert all(grad.isfinite().all() for grad in grads)
        assert any(grad.any() for grad in grads)
    model.zero_grad(set_to_none=True)
    model.eval()


@pytest.mark.parametrize("part", ["language", "projector"])
def test_frozen_parts_see_a_picture_once(judge: Any, part: Any) -> None:
    def looks(keep: int, times: int) -> int:
        """How often the encoder is asked in so many steps."""
        asked: list[int] = []
        shown = showing(judge, part, keep=keep)
        hook = anatomy(judge.model).vision.register_forward_hook(lambda *_: asked.append(1))
        try:
            for seed in range(times):
                shown.batch([shown.tell("a", "blur", np.random.default_rng(seed))])
        finally:
            hook.remove()
        return len(asked)

    again = part == "projector" and judge.model.config.model_type in PACKED
    once = looks(1 << 20, 1)
    assert (looks(1 << 20, 4) > once) == again
    assert looks(0, 4) == 4 * looks(0, 1)  # without room everything is seen anew


def test_a_window_of_the_picture_at_native_resolution() -> None:
    pixels = np.arange(64 * 48 * 3, dtype=np.int64).reshape(64, 48, 3).astype(np.uint8)
    seen = [varied(pixels, np.random.default_rng(seed)) for seed in range(30)]
    assert {one.shape for one in seen} == {(56, 42, 3)}
    assert len({one.tobytes() for one in seen}) > 20
    rows = {
        pixels[top : top + 56, left : left + 42].tobytes() for top in range(9) for left in range(7)
    }
    rows |= {
        np.ascontiguousarray(pixels[top : top + 56, left : left + 42][:, ::-1]).tobytes()
        for top in range(9)
        for left in range(7)
    }
    assert {one.tobytes() for one in seen} <= rows
    assert np.array_equal(varied(pixels, np.random.default_rng(0)), seen[0])
