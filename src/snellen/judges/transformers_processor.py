"""The processor of a checkpoint, with and without torchvision.

Several families' processors insist on a *video* processor, which needs torchvision, although images
do not. Without torchvision the same class is loaded with its video processor left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import torch
from PIL import Image
from transformers import AutoProcessor
from transformers.models.auto.processing_auto import processor_class_from_name

from snellen.errors import JudgeError
from snellen.judges.answer import Shown, ShownImage
from snellen.judges.chat import begun, messages, refuse_marks
from snellen.judges.question import Question
from snellen.judges.transformers_families import Layout, family_of, family_of_processor
from snellen.judges.transformers_prefix import Prompt
from snellen.judges.transformers_vision import apart, digest


def load_processor(place: str, config: Any, **options: Any) -> Any:
    """The processor of the checkpoint at `place` (folder or name on the hub).

    Raises `JudgeError` for a family that is not among `FAMILIES`, and where there is no chat
    template to put a question into.
    """
    family = family_of(config, place)
    if find_spec("torchvision"):
        processor = AutoProcessor.from_pretrained(place, **options)
    else:
        processor = _without_video(family.processor).from_pretrained(place, **options)
    if not family.images_first and not _template(processor):
        raise JudgeError(
            f"{place} has no chat template: it was not trained to answer questions",
            "Use its instruction-tuned version.",
        )
    return processor


def backend(processor: Any) -> str:
    """Name of the image processor and what it computes with."""
    name = type(processor.image_processor).__name__
    return f"{name.removesuffix('Pil')} ({'PIL' if name.endswith('Pil') else 'torchvision'})"


def prompt_text(processor: Any, question: Question) -> str:
    """The question in the model's chat template, up to where its answer goes on.

    Spaces at the end are left off: whether the option begins with one is up to the option. Raises
    `JudgeError` for words that are marks of the model, such as "<image>".
    """
    refuse_marks(question, processor.tokenizer.all_special_tokens)
    family = family_of_processor(processor)
    if family.images_first:
        marks = processor.image_token * len(question.images)
        return f"{marks}{question.text}{family.tail}{question.prefill.strip()}"
    text: str = processor.tokenizer.apply_chat_template(
        messages(question),
        chat_template=_template(processor),
        add_generation_prompt=True,
        tokenize=False,
        enable_thinking=False,  # where a template knows it, the answer begins at once
    )
    return begun(text, question.prefill)


def encode(
    processor: Any, config: Any, question: Question, text: str, device: Any
) -> tuple[Prompt, Shown]:
    """Model inputs of one question, and the record of what the model is shown."""
    family = family_of(config)
    pixels = [image.pixels() for image in question.images]
    images = [Image.fromarray(one) for one in pixels]
    bos = processor.tokenizer.bos_token
    begun = question.prefill.strip() if family.tail else ""  # else it is part of the text
    given = text[: len(text) - len(family.tail + begun)] if family.tail else text
    inputs = dict(
        processor(
            text=[given],
            images=[images] if images else None,
            add_special_tokens=not (family.images_first or (bos and text.startswith(bos))),
            return_text_replacement_offsets=True,
            return_tensors="pt",
        )
    )
    replaced = inputs.pop("text_replacement_offsets", [[]])[0]
    tokens = tuple(_count(processor, config, one["replacement"]) for one in replaced)
    inputs.pop("labels", None)
    if begun:
        inputs |= _continued(inputs, processor.tokenizer(begun, add_special_tokens=False))
    views = apart(inputs, tokens, family.layout)
    ids = inputs["input_ids"][0]
    places = (ids == config.image_token_id).nonzero().flatten().tolist()
    shown = tuple(
        ShownImage(
            image.hash,
            one.shape[1],
            one.shape[0],
            *_shown_size(processor, view, family.layout),
            tokens=count,
            crops=_crops(view, family.layout),
            resampler=_resampler(processor),
        )
        for image, one, view, count in zip(question.images, pixels, views, tokens, strict=True)
    )
    prompt = Prompt(
        {name: _to(value, device) for name, value in inputs.items()},
        tuple(digest(view) for view in views),
        tokens,
        places[-1] if places else -1,
    )
    return prompt, Shown(shown, len(ids), backend(processor), text)


def _template(processor: Any) -> str:
    """The chat template, of the processor or else of its tokenizer; empty where there is none."""
    template = processor.chat_template or processor.tokenizer.chat_template or ""
    return str(template["default"] if isinstance(template, dict) else template)


def _count(processor: Any, config: Any, text: str) -> int:
    """How many places of an image are in a text."""
    ids: list[int] = processor.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids.count(config.image_token_id)


def _continued(inputs: dict[str, Any], words: Any) -> dict[str, Any]:
    """Inputs with the first words of the answer behind them; these see what is before them only."""
    said = torch.tensor([words["input_ids"]])
    more = {"input_ids": said, "attention_mask": torch.ones_like(said)}
    more["token_type_ids"] = torch.ones_like(said)
    return {name: torch.cat([inputs[name], value], 1) for name, value in more.items()}


def _shown_size(
    processor: Any, view: Mapping[str, torch.Tensor], layout: Layout
) -> tuple[int | None, int | None]:
    """(width, height) of an image as the encoder is given it; None where it is cut."""
    if layout == "grid":
        patch = processor.image_processor.patch_size
        _, rows, columns = view["image_grid_thw"][0].tolist()
        return columns * patch, rows * patch
    if _crops(view, layout) > 1:
        return None, None
    height, width = view["pixel_values"].shape[-2:]
    return width, height


def _crops(view: Mapping[str, torch.Tensor], layout: Layout) -> int:
    """Into how many pieces an image is cut, a view of the whole among them."""
    if layout == "grid":
        return 1
    pieces = view["pixel_values"].flatten(0, -4)
    if layout != "sized":
        return len(pieces)
    return max(1, int(pieces.flatten(1).any(1).sum()))  # padded with pieces of nothing


def _resampler(processor: Any) -> str:
    """How the image processor resizes, such as "bicubic"; empty where it does not."""
    method = getattr(processor.image_processor, "resample", None)
    if method is None or not getattr(processor.image_processor, "do_resize", True):
        return ""
    value = getattr(method, "value", method)  # Pillow's number, or torchvision's name
    return value if isinstance(value, str) else Image.Resampling(int(value)).name.lower()


def _to(value: Any, device: Any) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else value


def _without_video(name: str) -> Any:
    """The processor class `name` that asks for no video processor."""
    base = processor_class_from_name(name)
    attributes = [one for one in base.get_attributes() if one != "video_processor"]
    if len(attributes) == len(base.get_attributes()):
        return base

    def begin(cls: Any, args: Any, /, *rest: Any, **options: Any) -> Any:
        return base.from_args_and_dict.__func__(cls, [*args, None], *rest, **options)

    members = {
        "from_args_and_dict": classmethod(begin),
        "get_attributes": classmethod(lambda _: attributes),
        "video_processor": _NO_VIDEO,
    }
    return type(name, (base,), members)


_NO_VIDEO = SimpleNamespace(merge_size=1, temporal_patch_size=1)
