"""The server judge over llama.cpp's own server agrees with the transformers judge on one
checkpoint, with text and with images: `make test-llama`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import real_server
from agreement import Both, agree, both
from test_real_servers import TEMPLATE

sys.path.insert(0, str(Path(__file__).parents[1] / "judges"))
import tiny_models

from snellen.judges import ImagePart, choice
from snellen.judges.probes import picture
from snellen.judges.question import Question
from snellen.judges.server_words import spellings

pytestmark = [
    pytest.mark.servers,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not real_server.LLAMA.exists(), reason="`make test-llama` installs it"),
]

WORDS = ("A", "B", "Good", "Poor")  # options of all questions
ONE, OTHER = ImagePart(picture(1, 56, 56)), ImagePart(picture(2, 56, 56))
QUESTIONS: dict[str, Question] = {
    "one image": choice(ONE, "How is it?", options=("Good", "Poor")),
    "another image": choice(OTHER, "How is it?", options=("Good", "Poor")),
    "two images": choice(ONE, OTHER, "Which is better?", options=("A", "B")),
    "two images the other way round": choice(OTHER, ONE, "Which is better?", options=("A", "B")),
    "between words": choice("First", ONE, "Second", OTHER, "Which?", options=("A", "B")),
    "two images and a pre-fill": choice(
        ONE, OTHER, "The first is poor. And the second?",
        options=("Good", "Poor"), prefill="The quality is ",
    ),

    "short": choice("What is good or poor?", options=("A", "B")),
    "long": choice("The quality is good. " * 12 + "Is it?", options=("Good", "Poor")),
    "pre-fill": choice("How is it?", options=("Good", "Poor"), prefill="The quality is "),
}  # fmt: skip


def checkpoint(folder: Path) -> Path:
    """A tiny LLaVA that llama.cpp computes alike: SigLIP's eyes (its LLaVA has no place for CLIP's
    class token where transformers has it), and an activation that both know."""
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoConfig, AutoModelForImageTextToText

    whole = {"vision_feature_select_strategy": "full"}
    tiny_models.make(
        "llava",
        folder,
        vision={"model_type": "siglip_vision_model", "vision_use_head": False},
        processor={"num_additional_image_tokens": 0, **whole},
        images={
            "image_processor_type": "SiglipImageProcessor",
            "size": {"height": 56, "width": 56},
            "image_mean": [0.5] * 3,
            "image_std": [0.5] * 3,
        },
        more={"projector_hidden_act": "gelu_pytorch_tanh", **whole},
    )
    config = AutoConfig.from_pretrained(folder)
    text = config.text_config
    text.hidden_size = text.intermediate_size = 128
    text.num_attention_heads, text.num_key_value_heads, text.head_dim = 4, 2, 32
    text.initializer_range = 0.1
    torch.manual_seed(0)
    AutoModelForImageTextToText.from_config(config).save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    path = folder / "model.safetensors"
    weights = load_file(path)
    # A piece of a character as the first token is no text, of which llama.cpp tells nothing.
    for token, place in json.loads((folder / "tokenizer.json").read_text())["model"][
        "vocab"
    ].items():
        if not token.replace("Ġ", " ").isascii() or token.startswith("<"):
            weights["language_model.lm_head.weight"][place] = 0
    _make_likely(weights, folder)
    save_file(weights, path, metadata={"format": "pt"})
    return folder


def _make_likely(weights: dict[str, Any], folder: Path) -> None:
    """Let every option of one token be among the likeliest, as in a trained model, and those that
    a word of several tokens begins with among the least likely.

    llama.cpp lists only likely tokens, and of a word the first one only: what is not listed cannot
    agree. So the first place of the hidden state is 1 everywhere, whatever is read, and the last
    layer answers to it.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    spelled = [
        tokenizer(one, add_special_tokens=False)["input_ids"]
        for word in WORDS
        for one in spellings(word)
    ]
    likely = {ids[0] for ids in spelled if len(ids) == 1}
    unlikely = {ids[0] for ids in spelled if len(ids) > 1} - likely
    for name, value in weights.items():
        if name.endswith("embed_tokens.weight"):
            value[:, 0] = 1
        elif name.endswith(("o_proj.weight", "down_proj.weight", "projector.linear_2.weight")):
            value[0] = 0
        elif name.endswith("projector.linear_2.bias"):
            value[0] = 1
        elif name.endswith("lm_head.weight"):
            value[:, 0] = 0
            value[list(likely), 0] = 4
            value[list(unlikely), 0] = -20


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with both(tmp_path_factory.mktemp("llama"), checkpoint, real_server.llama) as found:
        yield found


def test_what_llama_honours_is_seen(judges: Both) -> None:
    can = judges.over.can
    assert (can.readout, can.prefill, can.max_images) == ("top-k", True, None)
    assert "ignores the ids" in judges.over.describe()["listed tokens"]


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_agrees_with_the_transformers_judge(judges: Both, question: Question) -> None:
    agree(judges, question)
    [over], [here] = (judge.answer([question]) for judge in judges)
    assert over.shown.tokens == here.shown.tokens


def test_what_is_shown_matters(judges: Both) -> None:
    """Else agreement on images would say nothing."""
    one, other = judges.here.answer([QUESTIONS["one image"], QUESTIONS["another image"]])
    assert abs(one.probabilities[0] - other.probabilities[0]) > 0.01
