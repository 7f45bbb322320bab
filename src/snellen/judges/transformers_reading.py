"""Read the probability of token sequences after many prompts, each computation once.

Three stages, each in batches: the trunks (padded on the left), what each prompt has after its
trunk, and the later tokens of options of several. Padding changes nothing: it is masked, positions
are those that the prompt has alone, and rows are continued together only where they go on alike.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch.nn.functional import pad

from snellen.judges.transformers_families import Family
from snellen.judges.transformers_options import Tokens, longest
from snellen.judges.transformers_prefix import Prompt, Trunk, trunks
from snellen.judges.transformers_vision import Eyes

T = TypeVar("T")

_KEPT = 256  # images whose features are kept: some MB each at most


@dataclass(frozen=True)
class _State:
    """A batch of prompts, begun.

    cache  : keys and values, or whatever the model keeps.
    mask   : (rows, tokens) 1 = not padding.
    logits : (rows, vocabulary) of the next token.
    """

    cache: Any
    mask: torch.Tensor
    logits: torch.Tensor


@dataclass(frozen=True)
class _Row:
    """One prompt in a batch: it goes on from `row` of a state, with its tokens from `start` on."""

    row: int
    member: int
    start: int = 0


class Reader:
    """Reads with one model; what it has seen of images is kept from batch to batch.

    share   : prompts that begin alike share their beginning; images are encoded once.
    at_once : the most prompts in one forward pass.
    eyes    : what encodes the images, where that is not left to the reader.
    """

    def __init__(
        self,
        model: Any,
        family: Family,
        *,
        share: bool = True,
        at_once: int = 8,
        eyes: Eyes | None = None,
    ) -> None:
        self._model, self._family = model, family
        self._share, self._at_once = share, at_once
        self._eyes = eyes or Eyes(model, family.layout, keep=_KEPT if share else 0)
        # Renamed in transformers 5.24.
        given = inspect.signature(model.forward).parameters
        self._cache = "cache" if "cache" in given else "past_key_values"

    @torch.inference_mode()
    def read(
        self, prompts: Sequence[Prompt], sequences: Sequence[Sequence[Tokens]]
    ) -> list[dict[Tokens, float]]:
        """For each prompt: sequence (and each beginning of it) → its log-probability after it.

        sequences : for each prompt.
        """
        found: list[dict[Tokens, float]] = [{} for _ in prompts]
        positions = [self._positions(prompt) for prompt in prompts]
        share = self._share and not self._family.apart
        for some in _chunks(trunks(prompts, share=share), self._at_once):
            state = self._begin(some, prompts, positions)
            alone = [(row, trunk) for row, trunk in enumerate(some) if len(trunk.members) == 1]
            ended = [_Row(row, trunk.members[0]) for row, trunk in alone]
            self._words(state, ended, positions, sequences, found)
            for rows in _alike(some, prompts):
                for few in _chunks(rows, self._at_once):
                    gone_on = self._go_on(state, few, prompts, positions)
                    ended = [_Row(place, one.member) for place, one in enumerate(few)]
                    self._words(gone_on, ended, positions, sequences, found)
        return found

    @torch.inference_mode()
    def run(self, prompt: Prompt, **options: Any) -> Any:
        """The model's output for one whole prompt; `options` go to its forward."""
        return self._model(**self.inputs([prompt]), **options)

    def inputs(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
        """Model inputs of whole prompts, padded on the left; gradients pass where they may."""
        lengths = [len(prompt.ids) for prompt in prompts]
        return self._inputs(prompts, lengths, [self._positions(prompt) for prompt in prompts])

    @torch.inference_mode()
    def seen(self, prompt: Prompt) -> list[torch.Tensor]:
        """(tokens, width) of each image: what the language model is given of it."""
        return [one.features for one in self._eyes.see(prompt)]

    def _begin(
        self, some: Sequence[Trunk], prompts: Sequence[Prompt], positions: Sequence[torch.Tensor]
    ) -> _State:
        firsts = [trunk.members[0] for trunk in some]
        inputs = self._inputs(
            [prompts[place] for place in firsts],
            [trunk.length for trunk in some],
            [positions[place] for place in firsts],
        )
        out = self._model(**inputs, use_cache=True, logits_to_keep=1)
        return _State(getattr(out, self._cache), inputs["attention_mask"], out.logits[:, -1])

    def _inputs(
        self,
        prompts: Sequence[Prompt],
        lengths: Sequence[int],
        positions: Sequence[torch.Tensor],
    ) -> dict[str, Any]:
        """Model inputs of the first `lengths` tokens of some prompts, padded on the left."""
        width = max(lengths)

        def batch(rows: Sequence[torch.Tensor], fill: int) -> torch.Tensor:
            cut = [row[..., :length] for row, length in zip(rows, lengths, strict=True)]
            return torch.stack([pad(one, (width - one.shape[-1], 0), value=fill) for one in cut])

        ids = [prompt.inputs["input_ids"][0] for prompt in prompts]
        # Whatever is masked may be any token but the mark of an image.
        nothing = 0 if self._model.config.image_token_id else 1
        inputs: dict[str, Any] = {
            "input_ids": batch(ids, nothing),
            "attention_mask": batch([torch.ones_like(one) for one in ids], 0),
            "position_ids": _by_row(batch(positions, self._family.first)),
        }
        if self._family.types:
            types = [prompt.inputs["token_type_ids"][0] for prompt in prompts]
            inputs["token_type_ids"] = batch(types, 0)
        seen = self._eyes.outputs(prompts)
        return {**inputs, "mm_encoder_outputs": seen} if seen else inputs

    def _go_on(
        self,
        state: _State,
        rows: Sequence[_Row],
        prompts: Sequence[Prompt],
        positions: Sequence[torch.Tensor],
    ) -> _State:
        """What the prompts of `rows` have after their trunks; as many tokens each."""
        ids = [prompts[one.member].inputs["input_ids"][0] for one in rows]
        rest = torch.stack([row[one.start :] for row, one in zip(ids, rows, strict=True)])
        where = torch.stack([positions[one.member][:, one.start :] for one in rows])
        return self._forward(state, [one.row for one in rows], rest, where, last=True)

    def _forward(
        self,
        state: _State,
        rows: Sequence[int],
        ids: torch.Tensor,
        positions: torch.Tensor,
        *,
        last: bool,
    ) -> _State:
        """(rows, tokens) more tokens, at (rows, 1 or 3, tokens) positions; `state` stays as it is.

        last : logits of the last token only; else of all, as (rows, tokens, vocabulary).
        """
        chosen = torch.tensor(rows, device=state.mask.device)
        mask = torch.cat([state.mask[chosen], torch.ones_like(ids)], dim=1)
        out = self._model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=_by_row(positions),
            use_cache=True,
            logits_to_keep=int(last),
            **{self._cache: _select(state.cache, chosen)},
        )
        return _State(getattr(out, self._cache), mask, out.logits[:, -1] if last else out.logits)

    def _words(
        self,
        state: _State,
        rows: Sequence[_Row],
        positions: Sequence[torch.Tensor],
        sequences: Sequence[Sequence[Tokens]],
        found: Sequence[dict[Tokens, float]],
    ) -> None:
        """Write the sequences' log-probabilities after the prompts of `rows` into `found`."""
        several: list[tuple[_Row, Tokens]] = []
        for one in rows:
            first = _logprobs(state.logits[one.row])
            for way in longest(sequences[one.member]):
                found[one.member][way[:1]] = float(first[way[0]])
                if len(way) > 1:
                    several.append((one, way))
        several.sort(key=lambda pair: len(pair[1]))
        for some in _chunks(several, self._at_once):
            width = max(len(way) for _, way in some) - 1
            # Padded on the right: what comes after a word cannot change it.
            said = torch.tensor(
                [[*way[:-1], *(0,) * (width + 1 - len(way))] for _, way in some],
                device=state.mask.device,
            )
            steps = torch.arange(1, width + 1, device=state.mask.device)
            where = torch.stack([positions[one.member][:, -1:] + steps for one, _ in some])
            gone_on = self._forward(state, [one.row for one, _ in some], said, where, last=False)
            for place, (one, way) in enumerate(some):
                logprobs = _logprobs(gone_on.logits[place])
                total = found[one.member][way[:1]]
                for number, token in enumerate(way[1:]):
                    total += float(logprobs[number, token])
                    found[one.member][way[: number + 2]] = total

    def _positions(self, prompt: Prompt) -> torch.Tensor:
        """(1, tokens) of every token of a prompt, or (3, tokens) where images have two of them."""
        ids = prompt.inputs["input_ids"]
        if self._family.layout != "grid":
            first = self._family.first
            return torch.arange(first, first + ids.shape[1], device=ids.device)[None]
        where, _ = self._model.model.get_rope_index(
            ids,
            mm_token_type_ids=prompt.inputs["mm_token_type_ids"],
            image_grid_thw=prompt.inputs.get("image_grid_thw"),
        )
        rows: torch.Tensor = where[:, 0]
        return rows


def _alike(some: Sequence[Trunk], prompts: Sequence[Prompt]) -> list[list[_Row]]:
    """The prompts that go on after a trunk, those with as many tokens left together.

    So no padding comes to lie inside a prompt, where windows and recurrent states would count it.
    """
    shapes: dict[int, list[_Row]] = {}
    for row, trunk in enumerate(some):
        if len(trunk.members) == 1:
            continue
        for member in trunk.members:
            left = len(prompts[member].ids) - trunk.length
            shapes.setdefault(left, []).append(_Row(row, member, trunk.length))
    return list(shapes.values())


def _by_row(positions: torch.Tensor) -> torch.Tensor:
    """(rows, 1 or 3, tokens) as the models take them: (rows, tokens) or (3, rows, tokens)."""
    return positions[:, 0] if positions.shape[1] == 1 else positions.transpose(0, 1)


def _select(cache: Any, rows: torch.Tensor) -> Any:
    """A cache of these rows of `cache`, which stays as it is; a row may come several times."""
    chosen = copy.copy(cache)
    chosen.layers = [copy.copy(layer) for layer in cache.layers]
    for layer in chosen.layers:
        # Recurrent layers keep their states in mappings, which a shallow copy would share.
        states: Mapping[str, Any] = vars(layer)
        vars(layer).update({n: dict(v) for n, v in states.items() if isinstance(v, dict)})
    chosen.reorder_cache(rows)
    return chosen


def _logprobs(logits: torch.Tensor) -> torch.Tensor:
    """(…, vocabulary) in double precision, so that reading adds no error of its own."""
    return torch.log_softmax(logits.double(), dim=-1).cpu()


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
