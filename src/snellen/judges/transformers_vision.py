"""What the vision encoder is given for each image, and its answer, computed once an image.

The processor lays the pixels of all images of a prompt into one tensor; they are taken apart again,
so that an image that several questions show is encoded once. Whether it is the same image is
decided by what the encoder is given, not by the file: some families cut an image otherwise when
another one lies beside it.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import torch

from snellen.judges.transformers_families import Layout
from snellen.judges.transformers_prefix import Prompt

_PIXELS = ("pixel_values", "pixel_attention_mask", "image_sizes", "image_grid_thw")


@dataclass(frozen=True, eq=False)
class Seen:
    """What the language model gets of one image.

    features : (tokens, width). deep : one more (tokens, width) for each of the first layers of
    models that add the image there again (Qwen3-VL); else empty.
    """

    features: torch.Tensor
    deep: tuple[torch.Tensor, ...] = ()

    @property
    def bytes(self) -> int:
        return sum(one.nbytes for one in (self.features, *self.deep))


def apart(
    inputs: Mapping[str, Any], tokens: Sequence[int], layout: Layout
) -> list[dict[str, torch.Tensor]]:
    """The encoder's inputs of each image.

    inputs : of the whole prompt. tokens : places of each image in it.
    """
    if not tokens:
        return []
    counts, axis = [1] * len(tokens), 0
    if layout == "grid":
        counts = inputs["image_grid_thw"].prod(-1).tolist()
    elif layout != "sized":
        axis = 1 if layout == "tiles" else 0
        crop = sum(tokens) // inputs["pixel_values"].shape[axis]  # every crop takes as many places
        counts = [count // crop for count in tokens]
    edges = [0, *itertools.accumulate(counts)]
    found = []
    for number, (start, end) in enumerate(itertools.pairwise(edges)):
        one = {}
        for name in _PIXELS:
            if name not in inputs:
                continue
            by_image = name in ("image_grid_thw", "image_sizes")
            where = slice(number, number + 1) if by_image else slice(start, end)
            one[name] = inputs[name][:, where] if axis and not by_image else inputs[name][where]
        if "batch_num_images" in inputs:  # whether the image is cut depends on how many there are
            one["batch_num_images"] = inputs["batch_num_images"]
        found.append(one)
    return found


def digest(views: Mapping[str, torch.Tensor]) -> str:
    """Who an image is to the encoder: 64 hexadecimal digits of all that it is given."""
    hashed = hashlib.sha256()
    for name, value in sorted(views.items()):
        hashed.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        hashed.update(value.cpu().contiguous().view(torch.uint8).numpy().data)
    return hashed.hexdigest()


class _Encoded(SimpleNamespace):
    """What stands where a family's forward expects its own encoder's output."""

    def to_tuple(self) -> tuple[Any, ...]:
        """As the models' outputs have it; asked for since transformers 5.24."""
        return tuple(vars(self).values())


class Eyes:
    """Encodes each distinct image once.

    model  : the torch model; it must not change meanwhile. layout : of its family.
    keep   : of how many images the features are kept.
    """

    def __init__(self, model: Any, layout: Layout, *, keep: int) -> None:
        self._model, self._layout, self._keep = model, layout, keep
        self._known: dict[str, Seen] = {}
        self._as_list = False

    def see(self, prompt: Prompt) -> list[Seen]:
        """What there is to see in the images of a prompt, in order."""
        views = apart(prompt.inputs, prompt.tokens, self._layout)
        for key, view in zip(prompt.images, views, strict=True):
            if key not in self._known:
                self._known[key] = self._encode(view)
        found = [self._known[key] for key in prompt.images]
        while len(self._known) > self._keep:
            del self._known[next(iter(self._known))]
        return found

    def outputs(self, prompts: Sequence[Prompt]) -> dict[str, Any]:
        """`mm_encoder_outputs` of a batch of prompts, as every family's forward takes them."""
        seen = [one for prompt in prompts for one in self.see(prompt)]
        if not seen:
            return {}
        features = torch.cat([one.features for one in seen])
        deep = [[torch.cat(layer)] for layer in zip(*(one.deep for one in seen), strict=True)]
        pooled = [features] if self._as_list else features
        return {"image": _Encoded(pooler_output=pooled, deepstack_features=deep)}

    def _encode(self, views: Mapping[str, torch.Tensor]) -> Seen:
        out = self._model.model.get_image_features(**views, return_dict=True)
        self._as_list = not isinstance(out.pooler_output, torch.Tensor)
        deep = getattr(out, "deepstack_features", None) or ()
        return Seen(flat(out.pooler_output), tuple(flat(layer) for layer in deep))


def flat(features: Any) -> torch.Tensor:
    """(tokens, width) of a tensor or of several."""
    joined = features if isinstance(features, torch.Tensor) else torch.cat(list(features))
    return joined.reshape(-1, joined.shape[-1])
