"""Tiny checkpoints with random weights, one a family, written as a real one is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SPECIAL = ["<unk>", "<s>", "</s>", "<image>", "<video>", "<user>", "<model>", "<img>", "</img>"]
_IDEFICS = ["<fake_token_around_image>", "<end_of_utterance>", "<global-img>"]
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
_ROPE = {"rope_type": "default", "mrope_section": [2, 1, 1], "rope_theta": 10000.0}
_QWEN_IMAGES = {"min_pixels": 28 * 28 * 4, "max_pixels": 28 * 28 * 16, "patch_size": 14}

FAMILIES = ("idefics3", "llava", "qwen2_vl", "qwen2_5_vl")


def make(family: str, folder: Path) -> Path:
    """A checkpoint of `family` in `folder`, the same each time."""
    import torch
    from transformers import AutoModelForImageTextToText

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(folder)
    config = _config(family, len(tokenizer))
    torch.manual_seed(0)
    AutoModelForImageTextToText.from_config(config).save_pretrained(folder)
    image = "<s>" if family == "none" else "<image>"
    if family.startswith("qwen"):
        image = "<img><image></img>"
    (folder / "chat_template.jinja").write_text(_TEMPLATE.replace("IMAGE", image))
    processor, images = _processor(family)
    (folder / "processor_config.json").write_text(json.dumps(processor))
    (folder / "preprocessor_config.json").write_text(json.dumps(images))
    return folder


def _tokenizer() -> Any:
    """Bytes, and the merges of a few words, as byte-level tokenizers have."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=330,
        special_tokens=[*_SPECIAL, *_IDEFICS],
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
        additional_special_tokens=[*_SPECIAL[3:], *_IDEFICS],
        extra_special_tokens={"image_token": "<image>", "video_token": "<video>"},
    )


def _config(family: str, words: int) -> Any:
    from transformers import CONFIG_MAPPING

    text = {**_TEXT, "vocab_size": words}
    ids = {"image_token_id": 3, "video_token_id": 4, "tie_word_embeddings": False}
    if family == "idefics3":
        vision = {**_CLIP, "model_type": "idefics3_vision"}
        text["model_type"] = "llama"
        return CONFIG_MAPPING[family](
            text_config=text, vision_config=vision, scale_factor=2, **ids, pad_token_id=0
        )
    if family == "llava":
        text["model_type"] = "llama"
        return CONFIG_MAPPING[family](text_config=text, vision_config=_CLIP, image_token_id=3)
    vision = {"depth": 2, "num_heads": 4, "patch_size": 14, "initializer_range": 0.3}
    if family == "qwen2_vl":
        vision |= {"embed_dim": 32, "hidden_size": 32, "mlp_ratio": 2}
    else:
        vision |= {"hidden_size": 32, "out_hidden_size": 32, "intermediate_size": 64}
        vision |= {"fullatt_block_indexes": [1], "window_size": 56}
    text |= {"rope_parameters": _ROPE}
    return CONFIG_MAPPING[family](
        text_config=text,
        vision_config=vision,
        vision_start_token_id=7,
        vision_end_token_id=8,
        **ids,
    )


def _processor(family: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """processor_config.json and preprocessor_config.json."""
    if family == "idefics3":
        images = {
            "image_processor_type": "Idefics3ImageProcessor",
            "size": {"longest_edge": 112},
            "max_image_size": {"longest_edge": 56},
        }
        return {"processor_class": "Idefics3Processor", "image_seq_len": 4}, images
    if family == "llava":
        images = {
            "image_processor_type": "CLIPImageProcessor",
            "size": {"shortest_edge": 56},
            "crop_size": {"height": 56, "width": 56},
        }
        processor = {
            "processor_class": "LlavaProcessor",
            "patch_size": 14,
            "vision_feature_select_strategy": "default",
            "num_additional_image_tokens": 1,
        }
        return processor, images
    name = {"qwen2_vl": "Qwen2VLProcessor", "qwen2_5_vl": "Qwen2_5_VLProcessor"}[family]
    images = {"image_processor_type": "Qwen2VLImageProcessor", **_QWEN_IMAGES}
    return {"processor_class": name}, images
