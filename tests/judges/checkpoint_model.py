"""A checkpoint behind the server of the tests: plain forward passes, none of Snellen's reading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from fake_server import Prompt, decoded
from transformers import AutoModelForImageTextToText

from snellen.judges.transformers_processor import load_processor


class Checkpoint:
    """A `fake_server.Model`: the tokenizer, chat template and weights of a folder.

    The template ends where the model's answer begins, so a last message of the model's own is put
    behind it as it is: what vLLM does with `continue_final_message` for such a template.
    """

    def __init__(self, folder: Path) -> None:
        self._model = AutoModelForImageTextToText.from_pretrained(folder, dtype=torch.float32)
        self._model.eval()
        self._processor = load_processor(str(folder), self._model.config)

    def tokenize(self, text: str) -> list[int]:
        ids: list[int] = self._processor.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def text(self, token: int) -> str:
        return str(self._processor.tokenizer.decode([token]))

    def prompt(self, messages: list[dict[str, Any]], prefill: str) -> Prompt:
        content = messages[0]["content"]
        given = [{"type": "text", "text": content}] if isinstance(content, str) else content
        images = [decoded(part) for part in given if part["type"] == "image_url"]
        parts = [{"type": "image"} if part["type"] == "image_url" else part for part in given]
        text = self._processor.apply_chat_template(
            [{"role": "user", "content": parts}], add_generation_prompt=True, tokenize=False
        )
        begun = messages[1]["content"] if len(messages) > 1 else ""
        inputs = self._inputs(text, images)
        ids = inputs["input_ids"][0].tolist()
        whole = self._inputs(text + begun, images)["input_ids"][0].tolist()
        if whole[: len(ids)] != ids:  # it melts into the template's last token
            return Prompt((text + begun, images), whole)
        return Prompt((text + begun, images), ids, whole[len(ids) :])

    @torch.inference_mode()
    def rows(self, prompt: Prompt) -> list[dict[int, float]]:
        text, images = prompt.before
        if hasattr(self._model.model, "rope_deltas"):
            self._model.model.rope_deltas = None
        logits = self._model(**self._inputs(text, images)).logits[0, -1 - len(prompt.begun) :]
        return [dict(enumerate(row)) for row in logits.double().log_softmax(-1).tolist()]

    def _inputs(self, text: str, images: list[Any]) -> Any:
        return self._processor(
            text=[text], images=[images] if images else None, return_tensors="pt"
        )
