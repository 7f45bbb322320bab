"""Checkpoints with random weights, big enough for their speed to matter: 300 M parameters and more.

    python benchmarks/big_model.py FOLDER [SHAPE]

A shape is where the work lies:

- eyes  : Idefics3 and SmolVLM: a large encoder, 16 patches to a token, a small language model
- words : LLaVA: a token for every patch, a language model larger than the encoder
- smol  : SmolVLM-500M as published: SigLIP-B/16 at 512 × 512, 64 tokens an image, 32 layers of 960

The time of an answer does not depend on what the weights say.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "judges"))

import tiny_models

_SMALL_WEIGHTS = {"initializer_range": 0.02}
# A large ViT at two thirds of its depth, and SmolLM2-135M.
_EYES: dict[str, dict[str, Any]] = {
    "vision": {
        **_SMALL_WEIGHTS,
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 16,
        "num_attention_heads": 16,
        "image_size": 384,
        "patch_size": 16,
    },
    "text": {
        **_SMALL_WEIGHTS,
        "hidden_size": 576,
        "intermediate_size": 1536,
        "num_hidden_layers": 30,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
    },
    "processor": {"image_seq_len": 36},
    "images": {"size": {"longest_edge": 768}, "max_image_size": {"longest_edge": 384}},
    "more": {"scale_factor": 4},
}
# A base ViT, and a language model of the size of Qwen2-0.5B, less its table of words.
_WORDS: dict[str, dict[str, Any]] = {
    "vision": {
        **_SMALL_WEIGHTS,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "image_size": 224,
        "patch_size": 16,
    },
    "text": {
        **_SMALL_WEIGHTS,
        "hidden_size": 896,
        "intermediate_size": 4864,
        "num_hidden_layers": 24,
        "num_attention_heads": 14,
        "num_key_value_heads": 2,
    },
    "processor": {"patch_size": 16},
    "images": {"size": {"shortest_edge": 224}, "crop_size": {"height": 224, "width": 224}},
}
# The configuration of SmolVLM-500M, less its table of words and its cutting of large images.
_SMOL: dict[str, dict[str, Any]] = {
    "vision": {
        **_SMALL_WEIGHTS,
        "hidden_size": 768,
        "intermediate_size": 3072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "image_size": 512,
        "patch_size": 16,
    },
    "text": {
        **_SMALL_WEIGHTS,
        "hidden_size": 960,
        "intermediate_size": 2560,
        "num_hidden_layers": 32,
        "num_attention_heads": 15,
        "num_key_value_heads": 5,
    },
    "processor": {"image_seq_len": 64},
    "images": {"size": {"longest_edge": 512}, "max_image_size": {"longest_edge": 512}},
    "more": {"scale_factor": 4},
}
SHAPES = {"eyes": ("idefics3", _EYES), "words": ("llava", _WORDS), "smol": ("idefics3", _SMOL)}


def build(folder: Path, shape: str = "eyes") -> Path:
    """A checkpoint for `hf:FOLDER` in `folder`; one that is there already is left as it is."""
    if not (folder / "preprocessor_config.json").exists():  # the file that is written last
        family, larger = SHAPES[shape]
        tiny_models.make(family, folder, **larger)
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", help="where to; help is shown without")
    parser.add_argument("shape", nargs="?", default="eyes", choices=SHAPES)
    given = parser.parse_args()
    if given.folder is None:  # `make benchmarks` runs every script
        parser.print_help()
    else:
        print(build(given.folder, given.shape))
