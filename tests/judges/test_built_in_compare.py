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
from runs.built_in_judge.checkpoint import (  # noqa: E402
    HEAD,
    HEADS,
    LAYERS,
    WIDTH,
    new_model,
    of_state,
    tokenizer,
)
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


def test_layers_and_heads_that_add_nothing_leave_the_judge_as_it_was(
    shallow: Any, tokens: Any
) -> None:
    deep = compare.deeper(shallow).eval()
    for layer in deep.model.language_model.layers[: compare.NEW]:
        layer.self_attn.o_proj.weight.data.zero_()
        layer.mlp.down_proj.weight.data.zero_()
    given = shown(deep, tokens, np.array([[0, 5], [7, 4]]))
    with torch.inference_mode():
        before, after = (m(inputs_embeds=given).logits for m in (shallow, deep))
    assert torch.allclose(before, after, atol=1e-5)
    again = of_state(deep.state_dict())
    assert again.config.text_config.num_attention_heads == HEADS + 1


def test_they_begin_as_a_comparison_and_tell_it_where_the_answer_begins(
    shallow: Any, tokens: Any
) -> None:
    torch.manual_seed(0)
    deep = compare.deeper(shallow)
    reader = compare.Reader(compare.build(deep, compare.directions(tokens, steps=60)))
    draws = [compare.pairs(np.random.default_rng(seed), len(tokens)) for seed in range(8)]
    rows, same = (np.concatenate(parts) for parts in zip(*draws, strict=True))
    given = shown(deep, tokens, rows)
    truth = same.astype(float)
    with torch.no_grad():
        *_, marks = compare.passed(deep, given)
        read = reader(marks[:, compare.SECOND])
        assert stats.srcc(read.numpy(), truth).value > 0.8  # .87 at most
        # It has learned nothing yet, so its scale is set by hand.
        reader.along *= 2 / read.std()
        reader.bias -= reader(marks[:, compare.SECOND]).mean()
        compare.tell(deep, reader, given)
        along = torch.nn.functional.normalize(reader.along, dim=0)
        told = added(deep, given, marks) @ along
    assert stats.srcc(told[:, -1].numpy(), truth).value > 0.6
    assert told[:, : compare.SECOND].abs().mean() < told[:, -1].abs().mean() / 2


def added(model: Any, given: Any, hidden: Any) -> Any:
    """What the listener's last head adds to each place."""
    listener = model.model.language_model.layers[compare.NEW]
    weight = listener.self_attn.o_proj.weight
    with_it = listened(model, given, hidden)
    kept = weight[:, HEADS * HEAD :].clone()
    weight[:, HEADS * HEAD :] = 0
    without = listened(model, given, hidden)
    weight[:, HEADS * HEAD :] = kept
    return with_it - without


def listened(model: Any, given: Any, hidden: Any) -> Any:
    language = model.model.language_model
    listener = language.layers[compare.NEW]
    length = given.shape[1]
    place = torch.arange(length)[None]
    mask = torch.full((length, length), -1e9).triu(1)[None, None]
    return listener.self_attn(
        listener.input_layernorm(hidden), language.rotary_emb(given, place), mask
    )[0]


def test_a_direction_says_what_is_wanted_where_it_is_wanted_and_nothing_elsewhere() -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(50, 9, WIDTH, generator=rng)
    wanted = torch.zeros(50, 9)
    wanted[:, 4] = torch.randn(50, generator=rng)
    x[:, 4, 7] += 5 * wanted[:, 4]
    said = x @ compare.direction(x, wanted)
    assert stats.srcc(said[:, 4].numpy(), wanted[:, 4].numpy()).value > 0.95
    assert said[:, [0, 8]].abs().mean() < said[:, 4].abs().mean() / 3


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
