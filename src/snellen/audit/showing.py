"""What a model is shown while parts of it learn: questions with their answers, and pictures.

The prompt is the one that the judge answers (`transformers_processor.encode`), in whatever family,
with the words of the answer behind it. What frozen parts make of a picture is the same at every
step, so it is computed once: all that the language model is given of it where encoder and projector
are frozen, what the projector is given where the encoder alone is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from snellen.audit import questions as q
from snellen.audit.material import Pixels
from snellen.audit.parts import Anatomy, Part
from snellen.judges import ImagePart, Question
from snellen.judges.transformers_families import Layout, family_of
from snellen.judges.transformers_options import Tokens, spell
from snellen.judges.transformers_prefix import Prompt
from snellen.judges.transformers_processor import encode, prompt_text
from snellen.judges.transformers_reading import Reader
from snellen.judges.transformers_vision import Eyes, Seen, apart, flat

_KEEP = 4 << 30  # bytes of features of frozen parts that are kept; further pictures are seen anew
_HEAVY = ("pixel_values", "pixel_attention_mask")  # of a prompt's inputs: what only encoders need
_NOTHING: Pixels = np.zeros((32, 32, 3), np.uint8)
_WINDOW = 7 / 8  # of a picture's sides is shown at a step, somewhere in it (ours)


@dataclass(frozen=True)
class Told:
    """A prompt, and the tokens that ought to follow it."""

    prompt: Prompt
    answer: Tokens


class Showing:
    """Turns pictures and what is to be said of them into the inputs of a step.

    picture : name of a picture → pixels.
    parts   : that learn. keep : bytes of features of frozen parts that are kept.
    prefill : whether the answer may be begun for the model.
    """

    def __init__(
        self,
        model: Any,
        processor: Any,
        body: Anatomy,
        parts: Sequence[Part],
        picture: Callable[[str], Pixels],
        *,
        keep: int = _KEEP,
        prefill: bool = True,
    ) -> None:
        self._model, self._processor = model, processor
        self._picture, self._prefill = picture, prefill
        family = family_of(model.config)
        self._retells = not family.images_first  # its question lies between image and answer
        self._said_type = 1 if family.images_first else 0  # what sees only what is before it
        self._alive = "vision" in parts
        self.sight = Sight(model, family.layout, body, parts, keep=keep)
        self._reader = Reader(model, family, eyes=self.sight)
        self._begun: dict[str, tuple[Prompt, str]] = {}
        self._spelled: dict[tuple[str, str], Tokens] = {}

    def batch(self, told: Sequence[Told]) -> tuple[dict[str, Any], torch.Tensor]:
        """Model inputs, and the tokens wanted at the end of each row: (rows, longest answer).

        Rows end alike, so the answers are their last tokens; −100 where an answer is shorter.
        """
        rows = [_grown(one.prompt, one.answer, kind=self._said_type) for one in told]
        inputs = self._reader.inputs(rows)
        longest = max(len(one.answer) for one in told)
        wanted = torch.full((len(told), longest), -100)
        for row, one in enumerate(told):
            wanted[row, longest - len(one.answer) :] = torch.tensor(one.answer)
        return inputs, wanted.to(inputs["input_ids"].device)

    def tell(self, name: str, label: str, rng: np.random.Generator) -> Told:
        """A picture, asked about in one of the taught wordings, options in some order.

        Where the encoder learns, the picture is shown another way each time: a window of it,
        mirrored or not.
        """
        wording = q.TAUGHT[int(rng.integers(len(q.TAUGHT)))]
        order = rng.permutation(len(q.LABELS)).tolist()

        def asked(pixels: Pixels) -> Question:
            image = ImagePart(pixels)
            return q.naming(image, wording, order=order, prefill=self._prefill)

        if name in self._begun:
            prompt, before = self._begun[name]
            text = prompt_text(self._processor, asked(_NOTHING))
            again = self._retold(prompt, before, text)
            if again is not None:
                return Told(again, self._answer(text, label))
        pixels = varied(self._picture(name), rng) if self._alive else self._picture(name)
        text = prompt_text(self._processor, asked(pixels))
        config, device = self._model.config, self._model.device
        prompt, _ = encode(self._processor, config, asked(pixels), text, device)
        if self.sight.keep(prompt) and self._retells:
            rest = {key: one for key, one in prompt.inputs.items() if key not in _HEAVY}
            prompt = replace(prompt, inputs=rest)
            self._begun[name] = prompt, text
        return Told(prompt, self._answer(text, label))

    def _answer(self, text: str, label: str) -> Tokens:
        """The tokens of a label as it is most naturally said after a prompt."""
        key = text[-24:], label  # what a word melts into is the end of what is before it
        if key not in self._spelled:
            self._spelled[key] = spell(self._processor.tokenizer, text, [label])[label][0]
        return self._spelled[key]

    def _retold(self, prompt: Prompt, before: str, text: str) -> Prompt | None:
        """The prompt of another question about the same picture: its end is another.

        None where the processor wrote something else there than the tokenizer makes of the text.
        """
        old, new = self._ids(before), self._ids(text)
        pairs = enumerate(zip(old, new, strict=False))
        same = next((place for place, (a, b) in pairs if a != b), min(len(old), len(new)))
        kept = len(prompt.ids) - len(old[same:])
        if prompt.ids[kept:] != old[same:]:
            return None
        return _grown(prompt, new[same:], cut=kept)

    def _ids(self, text: str) -> Tokens:
        return tuple(self._processor.tokenizer(text, add_special_tokens=False)["input_ids"])


class Sight(Eyes):
    """What the language model is given of pictures, gradients where parts learn.

    Features of frozen parts are kept, up to `keep` bytes. In families that pack or reorder what the
    projector says (LLaVA-NeXT, Qwen2.5-VL), they are kept only where the projector is frozen, too.
    """

    def __init__(
        self, model: Any, layout: Layout, body: Anatomy, parts: Sequence[Part], *, keep: int = _KEEP
    ) -> None:
        super().__init__(model, layout, keep=0)
        self._room = 0 if "vision" in parts else keep
        self._projector = body.projector if "projector" in parts else None
        self._frozen: dict[str, Seen | _Given] = {}

    def keep(self, prompt: Prompt) -> bool:
        """Encode the prompt's picture for all steps to come; False where that cannot be."""
        [key], [view] = prompt.images, apart(prompt.inputs, prompt.tokens, self._layout)
        if key not in self._frozen and self._room > 0:
            found = self._look(view)
            if found is None:
                self._room = 0
            else:
                self._frozen[key] = found
                self._room -= found.bytes
        return key in self._frozen

    def see(self, prompt: Prompt) -> list[Seen]:
        known = [self._frozen[key] for key in prompt.images if key in self._frozen]
        if not known:
            return super().see(prompt)
        return [self._again(one) if isinstance(one, _Given) else one for one in known]

    def _look(self, view: Mapping[str, torch.Tensor]) -> Seen | _Given | None:
        """What is kept of a picture; None where nothing can be."""
        with torch.no_grad():
            return self._encode(view) if self._projector is None else self._before(view)

    def _before(self, view: Mapping[str, torch.Tensor]) -> _Given | None:
        """What the projector is given; None where what it says goes through more afterwards."""
        given: list[tuple[Any, Any, Any]] = []

        def note(_module: Any, args: Any, options: Any, said: Any) -> None:
            given.append((args, options, said))

        assert self._projector is not None
        hook = self._projector.register_forward_hook(note, with_kwargs=True)
        try:
            seen = self._encode(view)
        finally:
            hook.remove()
        [(args, options, said)] = given if len(given) == 1 else [((), {}, None)]
        if not isinstance(said, torch.Tensor) or not torch.equal(flat(said), seen.features):
            return None
        return _Given(args, options, seen.deep)

    def _again(self, given: _Given) -> Seen:
        assert self._projector is not None
        return Seen(flat(self._projector(*given.args, **given.options)), given.deep)


@dataclass(frozen=True, eq=False)
class _Given:
    """What the projector is given of a picture; `deep` as `Seen` has it."""

    args: tuple[Any, ...]
    options: Mapping[str, Any]
    deep: tuple[torch.Tensor, ...]

    @property
    def bytes(self) -> int:
        every = (*self.args, *self.options.values(), *self.deep)
        return sum(one.nbytes for one in every if isinstance(one, torch.Tensor))


def varied(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """A window of seven eighths of the sides, anywhere, mirrored or not; nothing is resampled."""
    height, width, _ = pixels.shape
    h, w = round(height * _WINDOW), round(width * _WINDOW)
    top, left = rng.integers(height - h + 1), rng.integers(width - w + 1)
    seen = pixels[top : top + h, left : left + w]
    return np.ascontiguousarray(seen[:, ::-1] if rng.random() < 0.5 else seen)


def _grown(prompt: Prompt, tokens: Tokens, *, cut: int | None = None, kind: int = 0) -> Prompt:
    """A prompt with more tokens behind it, or in place of those from `cut` on.

    kind : their token type, in families that have types.
    """
    many = len(tokens)
    filled = {
        "input_ids": list(tokens),
        "attention_mask": [1] * many,
        "token_type_ids": [kind] * many,
        "mm_token_type_ids": [0] * many,
    }
    inputs = dict(prompt.inputs)
    for key in filled.keys() & inputs.keys():
        begun = inputs[key][:, :cut]
        more = torch.tensor([filled[key]], dtype=begun.dtype, device=begun.device)
        inputs[key] = torch.cat([begun, more], 1)
    return replace(prompt, inputs=inputs)
