"""The processor of a checkpoint, with and without torchvision.

Several families' processors insist on a *video* processor, which needs torchvision, although images
do not. Without torchvision the same class is loaded with its video processor left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import torch
from PIL import Image
from transformers import AutoProcessor
from transformers.models.auto.processing_auto import processor_class_from_name

from snellen.errors import JudgeError
from snellen.judges.answer import Shown, ShownImage
from snellen.judges.question import Question
from snellen.judges.transformers_prefix import Prompt

# `model_type` of a configuration -> its processor class, the families that the tests hold to the
# promises of judges.
FAMILIES: dict[str, str] = {
    "idefics3": "Idefics3Processor",
    "llava": "LlavaProcessor",
    "qwen2_5_vl": "Qwen2_5_VLProcessor",
    "qwen2_vl": "Qwen2VLProcessor",
}


def load_processor(place: str, config: Any, **options: Any) -> Any:
    """The processor of the checkpoint at `place` (folder or name on the hub).

    Raises `JudgeError` for a family that is not among `FAMILIES`, and where there is no chat
    template to put a question into.
    """
    if config.model_type not in FAMILIES:
        raise JudgeError(
            f"{place} is of the family {config.model_type!r}, which is not supported yet",
            f"Supported are {', '.join(FAMILIES)}.",
        )
    if find_spec("torchvision"):
        processor = AutoProcessor.from_pretrained(place, **options)
    else:
        processor = _without_video(FAMILIES[config.model_type]).from_pretrained(place, **options)
    if not processor.chat_template and not processor.tokenizer.chat_template:
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
    special = [token for token in processor.tokenizer.all_special_tokens if token.strip()]
    for words in (question.text, question.prefill, *question.options):
        for token in special:
            if token in words:
                raise JudgeError(
                    f"the question contains {token!r}, which is a mark of this model",
                    "Write it in another way.",
                )
    content = [
        {"type": "text", "text": part} if isinstance(part, str) else {"type": "image"}
        for part in question.parts
    ]
    text: str = processor.apply_chat_template(
        [{"role": "user", "content": content}], add_generation_prompt=True, tokenize=False
    )
    text = text.rstrip(" ")
    if question.prefill.strip():
        text += (" " if text.endswith(":") else "") + question.prefill.strip()
    return text


def encode(
    processor: Any, config: Any, question: Question, text: str, device: Any
) -> tuple[Prompt, Shown]:
    """Model inputs of one question, and the record of what the model is shown."""
    pixels = [image.pixels() for image in question.images]
    images = [Image.fromarray(one) for one in pixels]
    bos = processor.tokenizer.bos_token
    inputs = processor(
        text=[text],
        images=[images] if images else None,
        add_special_tokens=not (bos and text.startswith(bos)),
        return_tensors="pt",
    )
    inputs = {name: _to(value, device) for name, value in inputs.items()}
    ids = inputs["input_ids"][0]
    places = (ids == config.image_token_id).nonzero().flatten().tolist()
    hashes = tuple(image.hash for image in question.images)
    sizes = _shown_sizes(processor, inputs, len(images), places)
    shown = tuple(
        ShownImage(part, one.shape[1], one.shape[0], *size)
        for part, one, size in zip(hashes, pixels, sizes, strict=True)
    )
    record = Shown(shown, len(ids), backend(processor), text)
    return Prompt(inputs, hashes, places[-1] if places else -1), record


def _shown_sizes(
    processor: Any, inputs: dict[str, Any], images: int, places: Sequence[int]
) -> Sequence[tuple[int | None, int | None, int | None, int]]:
    """(width, height, tokens, crops) of each image as far as the inputs tell.

    places : of the image tokens in the prompt.
    """
    if "image_grid_thw" in inputs:  # Qwen: one picture of any size, in patches
        patch, merge = processor.image_processor.patch_size, processor.image_processor.merge_size
        return [
            (w * patch, h * patch, t * h * w // merge**2, 1)
            for t, h, w in inputs["image_grid_thw"].tolist()
        ]
    if "global_image_token_id" in vars(processor):  # Idefics3: tiles, then the whole as one more
        whole = (inputs["input_ids"][0] == processor.global_image_token_id).nonzero().flatten()
        tile = processor.image_seq_len
        before = [sum(place < end for place in places) for end in whole.tolist()]
        ends = [0, *(count + tile for count in before)]
        tokens = [end - start for start, end in itertools.pairwise(ends)]
        return [(None, None, count, count // tile) for count in tokens]
    if not images:
        return []
    height, width = inputs["pixel_values"].shape[-2:]  # LLaVA: one square each
    return [(width, height, len(places) // images, 1)] * images


def _to(value: Any, device: Any) -> Any:
    return value.to(device) if isinstance(value, torch.Tensor) else value


def _without_video(name: str) -> Any:
    """The processor class `name` that asks for no video processor."""
    base = processor_class_from_name(name)
    attributes = [one for one in base.get_attributes() if one != "video_processor"]
    if len(attributes) == len(base.get_attributes()):
        return base
    members = {"get_attributes": classmethod(lambda _: attributes), "video_processor": _NO_VIDEO}
    return type(name, (base,), members)


_NO_VIDEO = SimpleNamespace(merge_size=1, temporal_patch_size=1)
