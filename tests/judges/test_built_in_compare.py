"""How `built-in` comes to compare two pictures: two layers that begin as a comparison."""

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
    return compare.shown(model, torch.from_numpy(tokens[rows].astype(np.float32)))


def test_new_layers_that_add_nothing_leave_the_judge_as_it_was(shallow: Any, tokens: Any) -> None:
    deep = compare.deeper(shallow).eval()
    for layer in deep.model.language_model.layers[: compare.NEW]:
        layer.self_attn.o_proj.weight.data.zero_()
        layer.mlp.down_proj.weight.data.zero_()
    given = shown(deep, tokens, np.array([[0, 5], [7, 4]]))
    with torch.inference_mode():
        before, after = (m(inputs_embeds=given).logits for m in (shallow, deep))
    assert torch.allclose(before, after, atol=1e-5)


def test_they_begin_as_a_comparison_and_say_it_at_the_second_mark_only(
    shallow: Any, tokens: Any
) -> None:
    torch.manual_seed(0)
    deep = compare.deeper(shallow)
    reader = compare.Reader(compare.build(deep, compare.directions(tokens, steps=60)))
    rows, same = compare.pairs(np.random.default_rng(1), len(tokens))
    with torch.inference_mode():
        *_, hidden = compare.passed(deep, shown(deep, tokens, rows))
        said, elsewhere = reader(hidden[:, -1]), reader(hidden[:, 10])
    assert stats.srcc(said.numpy(), same.astype(float)).value > 0.8  # .87 where nothing overlaps
    assert abs(stats.srcc(elsewhere.numpy(), same.astype(float)).value) < 0.4


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
