"""The server judge over a real vLLM agrees with the transformers judge on one checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import real_server
from agreement import Both, agree, both

sys.path.insert(0, str(Path(__file__).parents[1] / "judges"))
import tiny_models

from snellen.judges import ImagePart, choice, score
from snellen.judges.probes import picture
from snellen.judges.question import Question

pytestmark = [
    pytest.mark.servers,
    pytest.mark.filterwarnings("ignore"),
    pytest.mark.skipif(not real_server.PYTHON.exists(), reason="`make test-servers` installs it"),
]

# As large as the model looks at, so that no two ways of resizing are compared.
ONE, OTHER = ImagePart(picture(1, 56, 56)), ImagePart(picture(2, 56, 56))
RATE = "How is the quality of the image?"
QUESTIONS: dict[str, Question] = {
    "one token": choice(ONE, RATE, options=("Good", "Poor"), prefill="The quality is "),
    "no pre-fill": choice(ONE, RATE, options=("good", "bad")),
    "two images": choice(ONE, OTHER, "Which is better?", options=("A", "B"), prefill="Answer"),
    "several tokens": score(ONE, RATE, levels=("very bad", "fair", "excellent")),
    "one in another": choice(OTHER, "How many?", options=("1", "10"), prefill="It is"),
}


# With a mark of its own for what the model says, so that a begun answer stands where it belongs.
TEMPLATE = """\
{%- for message in messages -%}
{{ '<user>' if message['role'] == 'user' else '<model>\\n' }}
{%- for part in message['content'] -%}
{{ '<image>' if part['type'] == 'image' else part['text'] }}
{%- endfor -%}
{%- endfor -%}
{{ '<model>\\n' if add_generation_prompt }}"""


def checkpoint(folder: Path) -> Path:
    """A tiny LLaVA as vLLM wants it: heads of 32, and the vision tower under its published names,
    which newer transformers read and no longer write."""
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoConfig, AutoModelForImageTextToText

    tiny_models.make("llava", folder)
    config = AutoConfig.from_pretrained(folder)
    text = config.text_config
    text.hidden_size = text.intermediate_size = 128
    text.num_attention_heads, text.num_key_value_heads, text.head_dim = 4, 2, 32
    text.initializer_range = 0.1
    torch.manual_seed(0)
    AutoModelForImageTextToText.from_config(config).save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    weights = folder / "model.safetensors"
    old, new = "vision_tower.", "vision_tower.vision_model."
    named = {
        name if new in name else name.replace(old, new): value
        for name, value in load_file(weights).items()
    }
    save_file(named, weights, metadata={"format": "pt"})
    return folder


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    with both(tmp_path_factory.mktemp("vllm"), checkpoint, real_server.vllm) as found:
        yield found


def test_what_vllm_honours_is_seen(judges: Both) -> None:
    over = judges.over
    assert (over.can.readout, over.can.prefill) == ("listed", True), over.describe()
    assert "scored as a whole" in over.describe()["whole words"]
    assert over.can.max_images is None


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_agrees_with_the_transformers_judge(judges: Both, question: Question) -> None:
    agree(judges, question)
