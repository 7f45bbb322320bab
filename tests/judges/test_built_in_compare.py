"""How `built-in` comes to compare two pictures: layers that begin as a comparison."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))  # `runs` is no part of the package
torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")  # the recipe's labels come from a model of it; the extra `train`

pytestmark = pytest.mark.torch

from runs.built_in_judge import compare  # noqa: E402
from runs.built_in_judge.checkpoint import LAYERS, WIDTH, new_model, tokenizer  # noqa: E402
from runs.built_in_judge.make import PICTURES  # noqa: E402
from runs.built_in_judge.vision import TOKENS  # noqa: E402
from snellen import stats  # noqa: E402

PHOTOS = 100


@pytest.fixture(scope="module")
def shallow() -> Any:
    torch.manual_seed(0)
    return new_model(len(tokenizer()), layers=LAYERS + 1).eval()


@pytest.fixture(scope="module")
def tokens() -> Any:
    """(PHOTOS × PICTURES, 49, WIDTH): a photo of its own, much that all have, and noise."""
    rng = np.random.default_rng(0)
    photo = rng.normal(size=(PHOTOS, 1, WIDTH)).repeat(PICTURES, axis=0)
    made = rng.normal(size=(1, 1, WIDTH)) + photo + rng.normal(size=(len(photo), TOKENS, WIDTH))
    return made.astype(np.float16)


def shown(model: Any, tokens: Any, rows: Any) -> Any:
    given = torch.from_numpy(tokens[rows].astype(np.float32))
    return compare.shown(model, given, compare.SAME)


def test_new_layers_that_add_nothing_leave_the_judge_as_it_was(shallow: Any, tokens: Any) -> None:
    deep = compare.deeper(shallow).eval()
    for layer in deep.model.language_model.layers[: compare.NEW]:
        layer.self_attn.o_proj.weight.data.zero_()
        layer.mlp.down_proj.weight.data.zero_()
    given = shown(deep, tokens, np.array([[0, 5], [7, 4]]))
    with torch.inference_mode():
        before, after = (m(inputs_embeds=given).logits for m in (shallow, deep))
    assert torch.allclose(before, after, atol=1e-5)


def test_they_begin_as_a_comparison_and_say_it_loudly_at_the_second_mark_only(
    shallow: Any, tokens: Any
) -> None:
    torch.manual_seed(0)
    deep = compare.deeper(shallow)
    reader = compare.Reader(compare.build(deep, compare.directions(tokens, steps=60)))
    rows, same = compare.pairs(np.random.default_rng(1), len(tokens))
    given = shown(deep, tokens, rows)
    reader.bias.data -= reader(second(compare.passed(deep, given, 2))).mean()
    compare.speak(deep, reader, given)
    with torch.no_grad():
        *_, read, said = compare.passed(deep, given, compare.NEW)
    along = torch.nn.functional.normalize(reader.along.detach(), dim=0)
    loud = (said - read) @ along
    truth = same.astype(float)
    assert stats.srcc(reader(second([read])).detach().numpy(), truth).value > 0.8  # .87 at most
    assert stats.srcc(loud[:, compare.SECOND].numpy(), truth).value > 0.8
    assert loud[:, compare.SECOND].std() == pytest.approx(compare.LOUD, rel=0.2)
    elsewhere = np.delete(loud.numpy(), [compare.SECOND // 2, compare.SECOND], axis=1)
    assert np.abs(elsewhere).mean() < compare.LOUD / 5


def second(hidden: Any) -> Any:
    """The last of some hidden states, at the second picture's mark."""
    *_, last = hidden
    return last[:, compare.SECOND]


def test_pictures_of_one_photo_are_half_of_the_pairs_and_never_a_picture_and_itself() -> None:
    for seed in range(20):
        rows, same = compare.pairs(np.random.default_rng(seed), 400)
        assert (same == (rows[:, 0] // PICTURES == rows[:, 1] // PICTURES)).all()
        assert 0.5 <= same.mean() < 0.6
        assert (rows[::2, 0] != rows[::2, 1]).all()


def test_what_differs_within_a_photo_is_no_direction(tokens: Any) -> None:
    """Noise along one direction is not what photos are told apart by."""
    loud = tokens.astype(np.float32)
    loud[..., 0] += 30 * np.random.default_rng(1).normal(size=(len(loud), 1))
    torch.manual_seed(0)
    found = compare.directions(loud.astype(np.float16), steps=200)
    share = found[:, 0].square().sum() / found.square().sum()
    assert share < 1 / WIDTH
