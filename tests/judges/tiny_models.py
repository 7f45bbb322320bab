"""Tiny checkpoints with random weights, one a family, written as a real one is."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

_SPECIAL = ["<unk>", "<s>", "</s>", "<image>", "<video>", "<user>", "<model>", "<img>", "</img>"]
_TILES = ["<fake_token_around_image>", "<end_of_utterance>", "<global-img>"]
_TILES += [f"<row_{row}_col_{column}>" for row in (1, 2, 3) for column in (1, 2, 3)]
# What the processors ask the tokenizer for, besides the usual.
_NAMED = {
    "image_token": "<image>",
    "video_token": "<video>",
    "vision_bos_token": "<img>",
    "vision_eos_token": "</img>",
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<image>",
    "boi_token": "<img>",
    "eoi_token": "</img>",
}
_TEMPLATE = (
    "{% for m in messages %}<user>{% for p in m['content'] %}"
    "{% if p['type'] == 'image' %}IMAGE{% else %}{{ p['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}<model>\n"
)
_TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 4096,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
    "initializer_range": 0.3,
}
_CLIP = {
    "model_type": "clip_vision_model",
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 56,
    "patch_size": 14,
    "initializer_range": 0.3,
}
_LAYERS = (
    ["sliding_attention", "full_attention"],
    ["linear_attention", "full_attention"],
)
_ROPE = {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 10000.0}
_QWEN_IMAGES = {"min_pixels": 28 * 28 * 4, "max_pixels": 28 * 28 * 16, "patch_size": 14}

_SIGLIP = {**_CLIP, "model_type": "siglip_vision_model", "vision_use_head": False}
_QWEN3 = {
    "depth": 2,
    "num_heads": 4,
    "patch_size": 14,
    "hidden_size": 32,
    "out_hidden_size": 32,
    "intermediate_size": 64,
    "num_position_embeddings": 64,
    "initializer_range": 0.3,
}
_PINPOINTS = [[56, 112], [112, 56], [112, 112]]


@dataclass(frozen=True)
class _Tiny:
    """One family: text, vision and other parts of its configuration, and of its processor's.

    image : the marks of an image in the chat template.
    """

    text: dict[str, Any]
    vision: dict[str, Any]
    processor: dict[str, Any]
    images: dict[str, Any]
    more: dict[str, Any] = field(default_factory=dict)
    image: str = "<image>"


def _qwen(processor: str, vision: dict[str, Any], **text: Any) -> _Tiny:
    return _Tiny(
        text={"rope_parameters": _ROPE, **text},
        vision=vision,
        processor={"processor_class": processor},
        images={"image_processor_type": "Qwen2VLImageProcessor", **_QWEN_IMAGES},
        more={"vision_start_token_id": 7, "vision_end_token_id": 8},
        image="<img><image></img>",
    )


def _tiles(name: str) -> _Tiny:
    return _Tiny(
        text={"model_type": "llama"},
        vision={**_CLIP, "model_type": f"{name.lower()}_vision"},
        processor={"processor_class": f"{name}Processor", "image_seq_len": 4},
        images={
            "image_processor_type": f"{name}ImageProcessor",
            "size": {"longest_edge": 112},
            "max_image_size": {"longest_edge": 56},
        },
        more={"scale_factor": 2, "pad_token_id": 0},
    )


_LLAVA = {
    "patch_size": 14,
    "vision_feature_select_strategy": "default",
    "num_additional_image_tokens": 1,
}
_SQUARE = {"size": {"height": 56, "width": 56}}
_CROPPED = {"size": {"shortest_edge": 56}, "crop_size": {"height": 56, "width": 56}}

_FAMILIES: dict[str, _Tiny] = {
    "gemma3": _Tiny(
        # A window shorter than the prompts, so that it matters.
        text={"head_dim": 8, "sliding_window": 16, "layer_types": _LAYERS[0]},
        vision=_SIGLIP,
        processor={"processor_class": "Gemma3Processor", "image_seq_length": 4},
        images={"image_processor_type": "Gemma3ImageProcessor", **_SQUARE},
        more={"mm_tokens_per_image": 4, "boi_token_index": 7, "eoi_token_index": 8},
        image="<img>",
    ),
    "idefics3": _tiles("Idefics3"),
    "internvl": _Tiny(
        text={"model_type": "qwen2"},
        vision={**_CLIP, "model_type": "internvl_vision"},
        processor={"processor_class": "InternVLProcessor", "image_seq_length": 4},
        images={"image_processor_type": "GotOcr2ImageProcessor", "max_patches": 4, **_SQUARE},
        more={"image_seq_length": 4},
    ),
    "llava": _Tiny(
        text={"model_type": "llama"},
        vision=_CLIP,
        processor={"processor_class": "LlavaProcessor", **_LLAVA},
        images={"image_processor_type": "CLIPImageProcessor", **_CROPPED},
    ),
    "llava_next": _Tiny(
        text={"model_type": "mistral"},
        vision=_CLIP,
        processor={"processor_class": "LlavaNextProcessor", **_LLAVA},
        images={
            "image_processor_type": "LlavaNextImageProcessor",
            "image_grid_pinpoints": _PINPOINTS,
            **_CROPPED,
        },
        more={"image_grid_pinpoints": _PINPOINTS},
    ),
    "llava_onevision": _Tiny(
        text={"model_type": "qwen2"},
        vision=_SIGLIP,
        processor={
            "processor_class": "LlavaOnevisionProcessor",
            "num_image_tokens": 16,
            "vision_feature_select_strategy": "full",
        },
        images={
            "image_processor_type": "LlavaOnevisionImageProcessor",
            "image_grid_pinpoints": _PINPOINTS,
            **_SQUARE,
        },
        more={"image_grid_pinpoints": _PINPOINTS, "vision_feature_select_strategy": "full"},
    ),
    "paligemma": _Tiny(
        text={"model_type": "gemma", "head_dim": 8},
        vision={**_SIGLIP, "projection_dim": 32},
        processor={"processor_class": "PaliGemmaProcessor"},
        images={
            "image_processor_type": "SiglipImageProcessor",
            "image_seq_length": 16,
            **_SQUARE,
        },
        more={"projection_dim": 32},
    ),
    "qwen2_5_vl": _qwen(
        "Qwen2_5_VLProcessor",
        {
            "depth": 2,
            "num_heads": 4,
            "patch_size": 14,
            "hidden_size": 32,
            "out_hidden_size": 32,
            "intermediate_size": 64,
            "fullatt_block_indexes": [1],
            "window_size": 56,
            "initializer_range": 0.3,
        },
    ),
    "qwen2_vl": _qwen(
        "Qwen2VLProcessor",
        {
            "depth": 2,
            "num_heads": 4,
            "patch_size": 14,
            "embed_dim": 32,
            "hidden_size": 32,
            "mlp_ratio": 2,
            "initializer_range": 0.3,
        },
    ),
    "qwen3_5": _qwen(
        "Qwen3VLProcessor",
        _QWEN3,
        rope_parameters={**_ROPE, "partial_rotary_factor": 1.0},
        head_dim=8,
        layer_types=_LAYERS[1],
        linear_key_head_dim=32,  # fewer, and the recurrence loses digits in float32
        linear_value_head_dim=8,
        linear_num_key_heads=2,
        linear_num_value_heads=4,
    ),
    "qwen3_vl": _qwen("Qwen3VLProcessor", {**_QWEN3, "deepstack_visual_indexes": [0]}, head_dim=8),
    "smolvlm": _tiles("SmolVLM"),
}
FAMILIES = tuple(_FAMILIES)


def make(family: str, folder: Path, **larger: dict[str, Any]) -> Path:
    """A checkpoint of `family` in `folder`, the same each time.

    larger : text, vision, processor, images, more: what is otherwise than in the tiny one.
    """
    import torch
    from transformers import CONFIG_MAPPING, AutoModelForImageTextToText

    folder.mkdir(parents=True, exist_ok=True)
    tiny = _FAMILIES[family]
    made = replace(tiny, **{name: getattr(tiny, name) | some for name, some in larger.items()})
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(folder)
    config = CONFIG_MAPPING[family](
        text_config={**_TEXT, "vocab_size": len(tokenizer), **made.text},
        vision_config=made.vision,
        tie_word_embeddings=False,
        **{"image_token_id": 3, "image_token_index": 3, "video_token_id": 4, **made.more},
    )
    torch.manual_seed(0)
    model = AutoModelForImageTextToText.from_config(config)
    for weights in model.parameters():
        if weights.ndim > 1 and not weights.any():  # Gemma3 begins with a projector of zeros
            torch.nn.init.normal_(weights, std=0.3)
    model.save_pretrained(folder)
    if family != "paligemma":  # it has none
        (folder / "chat_template.jinja").write_text(_TEMPLATE.replace("IMAGE", made.image))
    (folder / "processor_config.json").write_text(json.dumps(made.processor))
    (folder / "preprocessor_config.json").write_text(json.dumps(made.images))
    return folder


def _tokenizer() -> Any:
    """Bytes, and the merges of a few words, as byte-level tokenizers have."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=[*_SPECIAL, *_TILES],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    words = "The quality of the image is good poor Good Poor excellent fair bad Yes No A B"
    core.train_from_iterator([words] * 20, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<unk>",
        additional_special_tokens=[*_SPECIAL[3:], *_TILES],
        extra_special_tokens=_NAMED,
    )
