"""What is sent to a server: a question as messages of a chat, and the fields beside them."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import Any

from PIL import Image

from snellen.judges.answer import ShownImage
from snellen.judges.image import ImagePart
from snellen.judges.question import Question

# vLLM's field that asks for the log-probability of every token of the prompt, and of no others.
WHOLE_PROMPT: dict[str, Any] = {"prompt_logprobs": 0}


def listing(ids: Sequence[int]) -> dict[str, Any]:
    """vLLM's fields that ask for the log-probabilities of these tokens, named by id."""
    return {"logprob_token_ids": list(ids), "return_tokens_as_token_ids": True}


def messages(content: object, begun: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The messages, and the fields that make the last one be continued.

    content : of the user's message: text, or parts as `content_of` gives them.
    begun   : how the model's answer begins; empty where it has not.
    """
    said: list[dict[str, Any]] = [{"role": "user", "content": content}]
    if not begun:
        return said, {}
    said.append({"role": "assistant", "content": begun})
    return said, {"continue_final_message": True, "add_generation_prompt": False}


def content_of(question: Question) -> tuple[list[dict[str, Any]], tuple[ShownImage, ...]]:
    """The parts of the user's message in order, and the images as they are sent."""
    content: list[dict[str, Any]] = []
    images: list[ShownImage] = []
    for part in question.parts:
        if isinstance(part, str):
            content.append({"type": "text", "text": part})
            continue
        url, width, height = png_url(part)
        content.append({"type": "image_url", "image_url": {"url": url}})
        images.append(ShownImage(part.hash, width, height))
    return content, tuple(images)


def png_url(part: ImagePart) -> tuple[str, int, int]:
    """An image as a data URL (PNG, so that no loss is added), its width and its height."""
    pixels = part.pixels()
    height, width, _ = pixels.shape
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode(), width, height
