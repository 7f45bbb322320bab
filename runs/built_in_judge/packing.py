"""Many questions about the same pictures in one row of tokens.

Pictures cost most, so a row holds the first picture, questions about it alone, the second picture,
and questions about both. A mask lets each question see its pictures and itself only, and positions
go on from the pictures, so that every question is read exactly as if it were asked by itself
(tests/judges/test_built_in_training.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from runs.built_in_judge.checkpoint import SPECIAL, tokenizer
from runs.built_in_judge.questions import Asked
from runs.built_in_judge.vision import TOKENS

Ints = NDArray[np.int64]
_ID = {token: place for place, token in enumerate(SPECIAL)}
_PICTURE = [_ID["<img>"], *[_ID["<image>"]] * TOKENS, _ID["</img>"]]
_FIRST, _SECOND = 0, 1  # numbers of the pictures' own segments; questions have the next ones
SAID_WEIGHT = 0.25  # of each token of a whole sentence, against 1 for a question


@dataclass(frozen=True)
class Row:
    """One row of tokens; all arrays are (length,) but `targets`.

    segment : which part each token belongs to. both : whether it may see the second picture.
    targets : (place, token, weight): how much of the next token's probability is wanted there.
    """

    ids: Ints
    position: Ints
    segment: Ints
    both: NDArray[np.bool_]
    targets: tuple[tuple[int, int, float], ...]


@lru_cache(maxsize=1)
def _words() -> Any:
    return tokenizer()


@lru_cache(maxsize=200_000)
def tokens(text: str) -> tuple[int, ...]:
    return tuple(_words()(text, add_special_tokens=False)["input_ids"])


def pack(one: Sequence[Asked], two: Sequence[Asked]) -> Row:
    """Questions about the first picture, and about both, in one row."""
    ids, position, segment, both = [], [], [], []
    targets: list[tuple[int, int, float]] = []

    def add(new: Sequence[int], start: int, part: int, sees: bool) -> None:
        ids.extend(new)
        position.extend(range(start, start + len(new)))
        segment.extend([part] * len(new))
        both.extend([sees] * len(new))

    first = [_ID["<user>"], *_PICTURE]
    add(first, 0, _FIRST, False)
    end, part = len(first), _SECOND + 1
    for questions, sees in ((one, False), (two, True)):
        if sees and questions:
            add(_PICTURE, end, _SECOND, True)
            end += len(_PICTURE)
        for asked in questions:
            prompt = [*tokens(asked.text), _ID["<model>"], *tokens(asked.prefill)]
            said = [*tokens(asked.said), _ID["</s>"]] if asked.said else []
            add([*prompt, *said[:-1]], end, part, sees)
            place = len(ids) - len(said[:-1]) - 1
            targets += [(place + i, token, SAID_WEIGHT) for i, token in enumerate(said)]
            targets += [(place, *_one(word), p) for word, p in asked.answer.items() if p > 1e-6]
            part += 1
    return Row(np.array(ids), np.array(position), np.array(segment), np.array(both), tuple(targets))


def _one(word: str) -> tuple[int]:
    """The word's token: an answer has exactly one."""
    found = tokens(word)
    if len(found) != 1:
        raise ValueError(f"answer {word!r} is {len(found)} tokens")
    return (found[0],)


def allowed(row: Row) -> NDArray[np.bool_]:
    """(length, length): whether the token of the row may look at the one of the column."""
    before = np.tri(len(row.ids), dtype=bool)
    own = row.segment[:, None] == row.segment
    picture = (row.segment == _FIRST) | ((row.segment == _SECOND) & row.both[:, None])
    return before & (own | picture)


@dataclass(frozen=True)
class Batch:
    """Rows padded to one length: ids and position (n, length), mask (n, 1, length, length) to be
    added to the attention's logits, targets as (row, place, token, weight) columns."""

    ids: Tensor
    position: Tensor
    mask: Tensor
    where: Tensor
    place: Tensor
    token: Tensor
    weight: Tensor


def stack(rows: Sequence[Row]) -> Batch:
    length = max(len(row.ids) for row in rows)
    ids = np.zeros((len(rows), length), np.int64)
    position = np.zeros_like(ids)
    mask = np.zeros((len(rows), length, length), bool)
    mask[:, np.arange(length), np.arange(length)] = True  # padding looks at itself, not at nothing
    flat: list[tuple[int, int, int, float]] = []
    for i, row in enumerate(rows):
        n = len(row.ids)
        ids[i, :n], position[i, :n], mask[i, :n, :n] = row.ids, row.position, allowed(row)
        flat += [(i, *target) for target in row.targets]
    where, place, token, weight = zip(*flat, strict=True)
    added = torch.zeros(mask.shape).masked_fill(~torch.from_numpy(mask), -1e9)
    return Batch(
        torch.from_numpy(ids),
        torch.from_numpy(position),
        added[:, None],
        torch.tensor(where),
        torch.tensor(place),
        torch.tensor(token),
        torch.tensor(weight),
    )


def look(model: Any, pixel_values: Tensor) -> Tensor:
    """What the language model is given (n, 49, its width) of pictures (n, 3, 224, 224)."""
    return torch.stack(list(model.model.get_image_features(pixel_values).pooler_output))


def logits(model: Any, batch: Batch, projected: Tensor) -> Tensor:
    """Logits (targets, vocabulary) at every target's place.

    projected : from `look`, pictures in the order of the rows.
    """
    embedded = model.get_input_embeddings()(batch.ids)
    here = (batch.ids == _ID["<image>"])[..., None]
    embedded = embedded.masked_scatter(here, projected.to(embedded.dtype))
    hidden = model.model.language_model(
        inputs_embeds=embedded,
        attention_mask=batch.mask.to(embedded.dtype),
        position_ids=batch.position,
        use_cache=False,
    ).last_hidden_state
    return model.lm_head(hidden[batch.where, batch.place])


def answer_loss(found: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy with the wanted probabilities, per unit of weight."""
    logprobs = torch.log_softmax(found.float(), -1)
    wanted = logprobs.gather(1, batch.token[:, None])[:, 0]
    return -(wanted * batch.weight).sum() / batch.weight.sum()
