"""Read the probability of token sequences after many prompts, each in one row with others.

A row is a tree written out: the beginning that prompts share, what each has after it, and the
longer options after each of those. Positions go on from where a branch leaves the tree, and a token
looks at its own branch back to the root only, so every prompt is read exactly as if it were alone.
Rows go through the model one by one, without padding: on a CPU batches of rows were no faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from snellen.judges.onnx_model import Floats, Model
from snellen.judges.transformers_options import Tokens, longest
from snellen.judges.transformers_prefix import Prompt, Trunk, trunks

# Tokens in a row, beyond which it is rather begun anew: what tokens do not look at is computed too,
# and grows with the square of the row.
_ROW = 256


class Row:
    """One row of tokens, of branches that each go on from another."""

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._positions: list[int] = []
        self._branch: list[int] = []
        self._roots: list[frozenset[int]] = []  # of each branch: the branches it looks at
        self._ends: list[int] = []  # of each branch: the position after its last token

    def add(self, tokens: Sequence[int], after: int | None = None) -> tuple[int, list[int]]:
        """A branch after another, or at the root: its number, and the places of its tokens."""
        number, start = len(self._ends), len(self._tokens)
        begin = 0 if after is None else self._ends[after]
        behind = frozenset() if after is None else self._roots[after]
        self._roots.append(behind | {number})
        self._ends.append(begin + len(tokens))
        self._tokens += tokens
        self._positions += range(begin, begin + len(tokens))
        self._branch += [number] * len(tokens)
        return number, list(range(start, start + len(tokens)))

    def __len__(self) -> int:
        return len(self._tokens)

    def inputs(self) -> dict[str, npt.NDArray[Any]]:
        """`ids`, `positions` and `sees` of the model."""
        looks = np.zeros((len(self._ends), len(self._ends)), bool)
        for number, roots in enumerate(self._roots):
            looks[number, list(roots)] = True
        branch = np.array(self._branch)
        return {
            "ids": np.array(self._tokens, np.int64),
            "positions": np.array(self._positions, np.int64),
            "sees": np.tril(looks[branch[:, None], branch[None, :]]),
        }


def read(
    model: Model,
    image_token: int,
    prompts: Sequence[Prompt],
    features: Sequence[Sequence[Floats]],
    sequences: Sequence[Sequence[Tokens]],
) -> list[dict[Tokens, float]]:
    """For each prompt: sequence (and each beginning of it) → its log-probability after it.

    image_token : what stands in the prompts where an image is seen, once for each feature.
    features    : for each prompt, (tokens, width) of each of its images in order.
    sequences   : for each prompt.
    """
    found: list[dict[Tokens, float]] = [{} for _ in prompts]
    ways = [longest(some) for some in sequences]
    for trunk in trunks(prompts, share=True):
        seen = features[trunk.members[0]]
        for members in _rows(trunk, prompts, ways):
            row = Row()
            asked: list[tuple[int, int, list[tuple[Tokens, list[int]]]]] = []
            root, places = row.add(prompts[members[0]].ids[: trunk.length])
            for member in members:
                rest, branch, end = prompts[member].ids[trunk.length :], root, places[-1]
                if rest:
                    branch, own = row.add(rest, root)
                    end = own[-1]
                long = [(way, row.add(way[:-1], branch)[1]) for way in ways[member] if len(way) > 1]
                asked.append((member, end, long))
            said = _logprobs(model, image_token, row, seen, [
                place for _, end, long in asked for place in (end, *chain(*(p for _, p in long)))
            ])  # fmt: skip
            for member, end, long in asked:
                for way in ways[member]:
                    found[member][way[:1]] = float(said[end][way[0]])
                for way, places_of in long:
                    total = found[member][way[:1]]
                    for number, place in enumerate(places_of):
                        total += float(said[place][way[number + 1]])
                        found[member][way[: number + 2]] = total
    return found


def _rows(
    trunk: Trunk, prompts: Sequence[Prompt], ways: Sequence[Sequence[Tokens]]
) -> Iterator[list[int]]:
    """Members of a trunk that share a row; one at least, however long."""
    row: list[int] = []
    length = trunk.length
    for member in trunk.members:
        own = len(prompts[member].ids) - trunk.length
        own += sum(len(way) - 1 for way in ways[member])
        if row and length + own > _ROW:
            yield row
            row, length = [], trunk.length
        row.append(member)
        length += own
    yield row


def _logprobs(
    model: Model, image_token: int, row: Row, seen: Sequence[Floats], places: Sequence[int]
) -> dict[int, npt.NDArray[np.float64]]:
    """Place in the row → (vocabulary,) log-probabilities of what comes after it."""
    inputs = row.inputs()
    shown = inputs["ids"] == image_token
    inputs["ids"][shown] = model.words + np.arange(shown.sum())
    inputs["seen"] = np.concatenate([*seen, np.zeros((0, model.width), np.float32)])
    inputs["places"] = np.array(places, np.int64)
    # In double precision, so that reading adds no error of its own.
    logits = model.run("words", inputs).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    logits -= np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return dict(zip(places, logits, strict=True))
