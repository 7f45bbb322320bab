"""A question as a conversation: what every model with a chat template is given."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from snellen.errors import JudgeError
from snellen.judges.question import Question


def refuse_marks(question: Question, marks: Iterable[str]) -> None:
    """Raise `JudgeError` for words that are marks of the model, such as "<image>"."""
    for words in (question.text, question.prefill, *question.options):
        for mark in marks:
            if mark.strip() and mark in words:
                raise JudgeError(
                    f"the question contains {mark!r}, which is a mark of this model",
                    "Write it in another way.",
                )


def messages(question: Question) -> list[dict[str, Any]]:
    """The question as a user's message, for a chat template."""
    content = [
        {"type": "text", "text": part} if isinstance(part, str) else {"type": "image"}
        for part in question.parts
    ]
    return [{"role": "user", "content": content}]


def begun(text: str, prefill: str) -> str:
    """A prompt that a template made, with the beginning of the answer behind it.

    Spaces at the end are left off: whether the option begins with one is up to the option.
    """
    text = text.rstrip(" ")
    if prefill.strip():
        text += (" " if text.endswith(":") else "") + prefill.strip()
    return text
