"""The checkpoint: tokenizer, configuration, processor, and how they are written to a folder.

A stock LLaVA: Segformer tower, two-layer projector, Llama. Its tokenizer is made of words: one
token for every word that the judge is ever asked, whatever its capitals and the space before it,
and bytes for all others; so that every option is one token and no question is unreadable.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runs.built_in_judge import content, wordings
from runs.built_in_judge.vision import CONFIG, MEAN, SIDE, STD, STRIDE, TOKENS

SPECIAL = ("<unk>", "<s>", "</s>", "<image>", "<user>", "<model>", "<img>", "</img>")
TEMPLATE = (
    "{% for m in messages %}<{{ 'user' if m['role'] == 'user' else 'model' }}>"
    "{% for p in m['content'] %}"
    "{% if p['type'] == 'image' %}<img><image></img>{% else %}{{ p['text'] }}\n{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %}<model>{% endif %}"
)
WIDTH = 192  # of the language model
HEAD = 64  # of each head
HEADS = 3  # few: on a CPU the attention maps cost more than the products
LAYERS = 4  # of the language model, before `project` sets one more in front of them
_PUNCTUATION = ".,:;?!'\"()-/"


def vocabulary() -> list[str]:
    """Every word of the wordings, in a fixed order; small letters."""
    texts: list[str] = [wordings.FURTHER_WORDS, " ".join(content.CLASSES + content.COLOURS)]
    for name, value in vars(wordings).items():
        if not name.startswith("_"):  # a module's own path and its like are no wording
            texts += _strings(value)
    for name in ("evenly lit", "brighter at the top bottom", "mostly"):
        texts.append(name)
    words = {word for text in texts for word in re.findall(r"[a-z0-9]+", text.lower())}
    return sorted(words)


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return _strings(list(value.values()))
    if isinstance(value, (list, tuple)):
        return [text for one in value for text in _strings(one)]
    return []


def tokenizer() -> Any:
    """Words and, for what is no known word, its bytes; blind to capitals and to spaces."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*SPECIAL, *alphabet, *(word for word in vocabulary() if len(word) > 1)]
    # No merges: a word is in the vocabulary as a whole, or is written byte by byte. So no word
    # melts into the one before it, and an option has one way of being said.
    core = Tokenizer(
        models.BPE({token: place for place, token in enumerate(tokens)}, [], ignore_merges=True)
    )
    core.add_special_tokens(list(SPECIAL))
    core.normalizer = normalizers.Lowercase()
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Punctuation("isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    core.decoder = decoders.WordPiece(prefix="##", cleanup=True)
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<unk>",
        # By name, so that a question that contains one of these marks is refused.
        extra_special_tokens={
            "image_token": "<image>",
            "user_token": "<user>",
            "model_token": "<model>",
            "image_start_token": "<img>",
            "image_end_token": "</img>",
        },
        clean_up_tokenization_spaces=False,
    )


def config(words: int, layers: int, heads: int) -> Any:
    """LLaVA's configuration for a vocabulary of `words` tokens."""
    from transformers import LlavaConfig

    text = {
        "model_type": "llama",
        "vocab_size": words,
        "hidden_size": WIDTH,
        "intermediate_size": 512,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "head_dim": HEAD,
        "max_position_embeddings": 4096,
        "bos_token_id": SPECIAL.index("<s>"),
        "eos_token_id": SPECIAL.index("</s>"),
        "pad_token_id": SPECIAL.index("<unk>"),
    }
    return LlavaConfig(
        vision_config=dict(CONFIG),
        text_config=text,
        image_token_index=SPECIAL.index("<image>"),
        image_seq_length=TOKENS,
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )


def new_model(words: int, tower: Any = None, layers: int = LAYERS, heads: int = HEADS) -> Any:
    """A LLaVA with random weights, but for those of the tower where they are given."""
    from transformers import LlavaForConditionalGeneration

    model = LlavaForConditionalGeneration(config(words, layers, heads))
    if tower is not None:
        model.model.vision_tower.load_state_dict(tower)
    return model


def of_state(state: Any) -> Any:
    """A LLaVA with these weights, of as many layers and heads of language as they are of."""
    start = "model.language_model.layers."
    layers = {name[len(start) :].split(".")[0] for name in state if name.startswith(start)}
    heads = len(state[f"{start}0.self_attn.q_proj.weight"]) // HEAD
    model = new_model(len(tokenizer()), layers=len(layers), heads=heads)
    model.load_state_dict(state)
    return model


def set_back(state: Mapping[str, Any], layers: int) -> dict[str, Any]:
    """Weights of a model whose layers of language come behind so many others."""
    start = "model.language_model.layers."
    found = {}
    for name, value in state.items():
        if name.startswith(start):
            number, rest = name[len(start) :].split(".", 1)
            name = f"{start}{int(number) + layers}.{rest}"
        found[name] = value
    return found


def take_over(model: Any, folder: Path) -> None:
    """Give `model` all weights of the checkpoint in `folder` that have its names and forms.

    Words are found by themselves and not by number; those that the checkpoint did not have keep
    what they began with.
    """
    import torch
    from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

    old = LlavaForConditionalGeneration.from_pretrained(folder, dtype=torch.float32).state_dict()
    known = PreTrainedTokenizerFast.from_pretrained(folder).get_vocab()
    vocabulary = tokenizer().get_vocab()
    pairs = [(place, known[word]) for word, place in vocabulary.items() if word in known]
    new_rows, old_rows = (torch.tensor(column) for column in zip(*pairs, strict=True))
    state = model.state_dict()
    for name, value in state.items():
        if name not in old:
            continue
        if len(value) == len(vocabulary) and len(old[name]) == len(known):
            value[new_rows] = old[name][old_rows]
        elif value.shape == old[name].shape:
            value.copy_(old[name])
    model.load_state_dict(state)


def write(model: Any, folder: Path) -> None:
    """Everything that a stock `from_pretrained` needs, weights in half precision."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    tokenizer().save_pretrained(folder)
    copy.deepcopy(model).to(torch.float16).save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    size = {"height": SIDE, "width": SIDE}
    images = {
        "image_processor_type": "CLIPImageProcessor",
        "do_resize": False,  # native pixels: shrinking hides noise, blocking and blur
        "do_center_crop": True,
        "crop_size": size,
        "do_rescale": True,
        "do_normalize": True,
        "image_mean": [MEAN] * 3,
        "image_std": [STD] * 3,
        "do_convert_rgb": True,
    }
    processor = {
        "processor_class": "LlavaProcessor",
        "patch_size": STRIDE,
        "vision_feature_select_strategy": "full",
        "num_additional_image_tokens": 0,
    }
    for name, value in (("preprocessor_config", images), ("processor_config", processor)):
        (folder / f"{name}.json").write_text(json.dumps(value, indent=1) + "\n")
