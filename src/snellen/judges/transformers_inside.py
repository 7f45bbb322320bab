"""What a model in this process shows of its inside: the `WhiteBox` half of the transformers judge.

Everything comes from one pass over the same prompt that an answer is read from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from snellen.errors import InputError
from snellen.judges.image import ImagePart
from snellen.judges.protocol import Floats, TokenScore
from snellen.judges.question import Question
from snellen.judges.transformers_prefix import Prompt
from snellen.judges.transformers_processor import encode, prompt_text
from snellen.judges.transformers_reading import Reader


def token_scores(
    reader: Reader, model: Any, processor: Any, question: Question, k: int
) -> list[TokenScore]:
    """The `k` most likely first tokens of the answer, most likely first; `WhiteBox.token_scores`.

    Raises `InputError` where `k` is less than 1 or more than the vocabulary.
    """
    logits = reader.run(_prompt(model, processor, question), logits_to_keep=1).logits[0, -1].float()
    if not 1 <= k <= len(logits):
        raise InputError(f"the {k} most likely tokens of {len(logits)} are asked for")
    values, ids = logits.topk(k)
    vectors = _array(_embedded(model, ids))
    texts = [processor.tokenizer.decode([token]) for token in ids.tolist()]
    return [TokenScore(*one) for one in zip(texts, values.tolist(), vectors, strict=True)]


def word_embedding(model: Any, processor: Any, word: str) -> Floats:
    """(width,) mean input embedding of a word's tokens, as it stands after a space.

    Raises `InputError` for a word of nothing.
    """
    if not word.strip():
        raise InputError(f"{word!r} is no word")
    ids = processor.tokenizer(f" {word.strip()}", add_special_tokens=False)["input_ids"]
    return _array(_embedded(model, torch.tensor(ids, device=model.device)).mean(0))


def visual_tokens(reader: Reader, model: Any, processor: Any, image: ImagePart) -> Floats:
    """(tokens, width) of an image shown alone; `WhiteBox.visual_tokens`."""
    alone = Question((image, "Look."), ("yes", "no"))  # the words do not reach the encoder
    [features] = reader.seen(_prompt(model, processor, alone))
    return _array(features)


def layers(reader: Reader, model: Any, processor: Any, question: Question) -> list[Floats]:
    """(prompt tokens, width) input embeddings, then after each layer; `WhiteBox.layers`."""
    prompt = _prompt(model, processor, question)
    out = reader.run(prompt, output_hidden_states=True, logits_to_keep=1)
    return [_array(state[0]) for state in out.hidden_states]


def _prompt(model: Any, processor: Any, question: Question) -> Prompt:
    text = prompt_text(processor, question)
    return encode(processor, model.config, question, text, model.device)[0]


@torch.inference_mode()
def _embedded(model: Any, ids: torch.Tensor) -> torch.Tensor:
    """(tokens, width), as the language model is given them: scaled, where the model scales."""
    vectors: torch.Tensor = model.get_input_embeddings()(ids)
    return vectors


def _array(tensor: torch.Tensor) -> Floats:
    return np.asarray(tensor.float().cpu().numpy(), np.float32)
