"""The families of models that run here, and what sets each apart.

All of them are asked in the same way: images through the encoder, features into the prompt, the
prompt through the language model. What differs is one table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from snellen.errors import JudgeError

Layout: TypeAlias = Literal["grid", "crops", "tiles", "sized"]


@dataclass(frozen=True, slots=True)
class Family:
    """One architecture of transformers.

    title     : as people call it.
    processor : its processor class.
    layout    : how the processor lays out the pixels of several images.
                grid  : patches of all images in one row, `image_grid_thw` says how many of each;
                crops : (crops of all images, 3, height, width), as many tokens from every crop;
                tiles : the same with a batch of 1 before it;
                sized : (images, crops, 3, height, width), unpadded by `image_sizes`.
    types     : the model wants `token_type_ids`: which tokens see each other both ways.
    apart     : why prompts that begin alike cannot share their beginning; empty where they can.
    tail      : what the processor puts after the question, before the answer.
    first     : position of the first token.
    images_first : the checkpoints have no chat template; the images come first, then the text.
    """

    title: str
    processor: str
    layout: Layout
    types: bool = False
    apart: str = ""
    tail: str = ""
    first: int = 0
    images_first: bool = False


# `model_type` of a configuration -> the family. The tests hold each to the promises of judges.
FAMILIES: dict[str, Family] = {
    "gemma3": Family("Gemma3", "Gemma3Processor", "crops", types=True),
    "idefics3": Family("Idefics3", "Idefics3Processor", "tiles"),
    "internvl": Family("InternVL", "InternVLProcessor", "crops"),
    "llava": Family("LLaVA", "LlavaProcessor", "crops"),
    "llava_next": Family("LLaVA-NeXT", "LlavaNextProcessor", "sized"),
    "llava_onevision": Family("LLaVA-OneVision", "LlavaOnevisionProcessor", "sized"),
    "paligemma": Family(
        "PaliGemma",
        "PaliGemmaProcessor",
        "crops",
        types=True,
        apart="every token of a PaliGemma prompt sees the whole prompt",
        tail="\n",
        first=1,
        images_first=True,
    ),
    "qwen2_5_vl": Family("Qwen2.5-VL", "Qwen2_5_VLProcessor", "grid"),
    "qwen2_vl": Family("Qwen2-VL", "Qwen2VLProcessor", "grid"),
    "qwen3_5": Family("Qwen3.5", "Qwen3VLProcessor", "grid"),
    "qwen3_vl": Family("Qwen3-VL", "Qwen3VLProcessor", "grid"),
    "smolvlm": Family("SmolVLM", "SmolVLMProcessor", "tiles"),
}


def family_of(config: Any, name: str = "") -> Family:
    """The family of a model's configuration. Raises `JudgeError` for one that is not in the table.

    name : what to call the model in the error.
    """
    family = FAMILIES.get(config.model_type)
    if family is None:
        titles = ", ".join(sorted((one.title for one in FAMILIES.values()), key=str.lower))
        raise JudgeError(
            f"{name or 'the model'} is of the family {config.model_type!r}, which is not supported",
            f"Supported are {titles}.",
        )
    return family


def family_of_processor(processor: Any) -> Family:
    """The first family whose processor this is: those that share one ask in the same words."""
    name = type(processor).__name__
    return next(family for family in FAMILIES.values() if family.processor == name)
