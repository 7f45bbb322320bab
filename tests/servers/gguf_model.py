"""A LLaVA with the eyes of SigLIP as llama.cpp reads it: its language model and its eyes.

    python gguf_model.py CHECKPOINT FOLDER          (writes text.gguf and eyes.gguf)

Run by the interpreter of `.venv-servers`, which has the `gguf` package. Everything stays in
float32, so that what is compared is how two programs compute and not how they round.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from safetensors.numpy import load_file

# Names in the checkpoint → in the file; %d is the number of a layer.
_TEXT = {
    "language_model.model.embed_tokens": "token_embd",
    "language_model.model.norm": "output_norm",
    "language_model.lm_head": "output",
    "language_model.model.layers.%d.input_layernorm": "blk.%d.attn_norm",
    "language_model.model.layers.%d.post_attention_layernorm": "blk.%d.ffn_norm",
    "language_model.model.layers.%d.self_attn.q_proj": "blk.%d.attn_q",
    "language_model.model.layers.%d.self_attn.k_proj": "blk.%d.attn_k",
    "language_model.model.layers.%d.self_attn.v_proj": "blk.%d.attn_v",
    "language_model.model.layers.%d.self_attn.o_proj": "blk.%d.attn_output",
    "language_model.model.layers.%d.mlp.gate_proj": "blk.%d.ffn_gate",
    "language_model.model.layers.%d.mlp.up_proj": "blk.%d.ffn_up",
    "language_model.model.layers.%d.mlp.down_proj": "blk.%d.ffn_down",
}
_SEEN = "vision_tower."
_EYES = {
    f"{_SEEN}embeddings.patch_embedding": "v.patch_embd",
    f"{_SEEN}embeddings.position_embedding": "v.position_embd",
    f"{_SEEN}encoder.layers.%d.layer_norm1": "v.blk.%d.ln1",
    f"{_SEEN}encoder.layers.%d.layer_norm2": "v.blk.%d.ln2",
    f"{_SEEN}encoder.layers.%d.self_attn.q_proj": "v.blk.%d.attn_q",
    f"{_SEEN}encoder.layers.%d.self_attn.k_proj": "v.blk.%d.attn_k",
    f"{_SEEN}encoder.layers.%d.self_attn.v_proj": "v.blk.%d.attn_v",
    f"{_SEEN}encoder.layers.%d.self_attn.out_proj": "v.blk.%d.attn_out",
    f"{_SEEN}encoder.layers.%d.mlp.fc1": "v.blk.%d.ffn_up",
    f"{_SEEN}encoder.layers.%d.mlp.fc2": "v.blk.%d.ffn_down",
    "multi_modal_projector.linear_1": "mm.0",
    "multi_modal_projector.linear_2": "mm.2",
}  # without the last norm, as the features are those of the layer before the last


def write(checkpoint: Path, folder: Path) -> None:
    """`text.gguf` and `eyes.gguf` in `folder`."""
    config = json.loads((checkpoint / "config.json").read_text())
    weights = {  # older transformers wrote one more name
        name.replace("vision_model.", ""): value
        for name, value in load_file(checkpoint / "model.safetensors").items()
    }
    _write_text(checkpoint, config["text_config"], weights, folder / "text.gguf")
    _write_eyes(config, weights, folder / "eyes.gguf")


def _write_text(
    checkpoint: Path, text: dict[str, Any], weights: Mapping[str, np.ndarray], path: Path
) -> None:
    heads, groups = text["num_attention_heads"], text["num_key_value_heads"]
    file = gguf.GGUFWriter(path, "llama")
    file.add_block_count(text["num_hidden_layers"])
    file.add_context_length(text["max_position_embeddings"])
    file.add_embedding_length(text["hidden_size"])
    file.add_feed_forward_length(text["intermediate_size"])
    file.add_head_count(heads)
    file.add_head_count_kv(groups)
    file.add_layer_norm_rms_eps(text["rms_norm_eps"])
    file.add_rope_freq_base(text["rope_parameters"]["rope_theta"])
    file.add_rope_dimension_count(text["head_dim"])
    file.add_vocab_size(text["vocab_size"])
    _add_tokenizer(file, checkpoint, text["vocab_size"])
    for name, value in _renamed(weights, _TEXT, text["num_hidden_layers"]):
        turned = {"attn_q.weight": heads, "attn_k.weight": groups}.get(name.split(".", 2)[-1])
        file.add_tensor(name, _interleaved(value, turned) if turned else value)
    _close(file)


def _write_eyes(config: dict[str, Any], weights: Mapping[str, np.ndarray], path: Path) -> None:
    eyes = config["vision_config"]
    file = gguf.GGUFWriter(path, "clip")
    file.add_string("clip.projector_type", "mlp")
    file.add_bool("clip.has_vision_encoder", True)
    file.add_bool("clip.use_gelu", True)
    for name, value in {
        "image_size": eyes["image_size"],
        "patch_size": eyes["patch_size"],
        "embedding_length": eyes["hidden_size"],
        "feed_forward_length": eyes["intermediate_size"],
        "projection_dim": config["text_config"]["hidden_size"],
        "block_count": eyes["num_hidden_layers"],
        "attention.head_count": eyes["num_attention_heads"],
    }.items():
        file.add_uint32(f"clip.vision.{name}", value)
    file.add_float32("clip.vision.attention.layer_norm_epsilon", eyes["layer_norm_eps"])
    file.add_array("clip.vision.image_mean", [0.5] * 3)
    file.add_array("clip.vision.image_std", [0.5] * 3)
    for name, value in _renamed(weights, _EYES, eyes["num_hidden_layers"]):
        file.add_tensor(name, value)
    _close(file)


def _add_tokenizer(file: gguf.GGUFWriter, checkpoint: Path, size: int) -> None:
    """Byte-level BPE with the splits of GPT-2; marks are never split."""
    read = json.loads((checkpoint / "tokenizer.json").read_text())
    tokens = {place: token for token, place in read["model"]["vocab"].items()}
    marks = {one["id"] for one in read["added_tokens"] if one["special"]}
    kinds = [
        gguf.TokenType.CONTROL if place in marks else gguf.TokenType.NORMAL for place in range(size)
    ]
    file.add_tokenizer_model("gpt2")
    file.add_tokenizer_pre("gpt-2")
    file.add_token_list([tokens[place] for place in range(size)])
    file.add_token_types(kinds)
    file.add_token_merges([" ".join(pair) for pair in read["model"]["merges"]])
    file.add_bos_token_id(1)
    file.add_eos_token_id(2)
    file.add_add_bos_token(False)
    file.add_chat_template((checkpoint / "chat_template.jinja").read_text())


def _renamed(
    weights: Mapping[str, np.ndarray], names: Mapping[str, str], layers: int
) -> Iterator[tuple[str, np.ndarray]]:
    """Weights and biases under their names in the file. Raises `KeyError` where one is lacking."""
    for old, new in names.items():
        for layer in range(layers) if "%d" in old else [None]:
            here, there = (one if layer is None else one % layer for one in (old, new))
            yield f"{there}.weight", weights[f"{here}.weight"]
            if f"{here}.bias" in weights:
                yield f"{there}.bias", weights[f"{here}.bias"]


def _interleaved(value: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key projection in llama.cpp's order: it turns neighbours in a head,
    transformers turns its two halves."""
    halves = value.reshape(heads, 2, value.shape[0] // heads // 2, -1)
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(value.shape))


def _close(file: gguf.GGUFWriter) -> None:
    file.write_header_to_file()
    file.write_kv_data_to_file()
    file.write_tensors_to_file()
    file.close()


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
