"""One look into a model while it answers: what each layer holds, as one vector a layer.

torch is imported here only, and only when a judge is looked into.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from snellen.audit.parts import Anatomy
from snellen.judges import Question
from snellen.judges.transformers_processor import encode, prompt_text

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Glimpse:
    """What was seen on the way from a picture to its answer.

    layers : name of the layer → its vector: encoder layers and the projector as the mean over
             their visual tokens, language layers at the place where the answer begins.
    lens   : language layer → (labels,) probabilities of the labels if the answer were read there
             (logit lens, nostalgebraist 2020: final norm and head on its hidden state).
    likeness : (labels,) mean over visual tokens v_j of cos(v_j, e_t), e_t the mean input embedding
             of the label's tokens: Sim(v, t).
    """

    layers: dict[str, Floats]
    lens: dict[str, Floats]
    likeness: Floats


def glimpse(body: Anatomy, processor: Any, question: Question, labels: Sequence[str]) -> Glimpse:
    """Run the model once on `question` (one picture) and keep what passes.

    labels : words whose embeddings and first tokens are looked for. Raises `JudgeError` where the
    question cannot be put to this model.
    """
    model = body.model
    text = prompt_text(processor, question)
    prompt, _ = encode(processor, model.config, question, text, model.device)
    kept: dict[str, Floats] = {}
    hooks = [
        layer.register_forward_hook(_keeper(kept, f"encoder {number}"))
        for number, layer in enumerate(body.vision_layers, 1)
    ]
    try:
        with torch.inference_mode():
            out = model(
                **prompt.inputs, output_hidden_states=True, logits_to_keep=1, use_cache=False
            )
            return _read(body, processor, prompt.inputs, out.hidden_states, kept, labels)
    finally:
        for hook in hooks:
            hook.remove()


def _read(
    body: Anatomy,
    processor: Any,
    inputs: Any,
    states: Sequence[torch.Tensor],
    kept: dict[str, Floats],
    labels: Sequence[str],
) -> Glimpse:
    """The encoder's layers are `kept` already; the language model's are its hidden `states`."""
    model = body.model
    ids = inputs["input_ids"][0]
    visual = states[0][0, ids == model.config.image_token_id].float()
    kept["projector"] = _array(visual.mean(0))
    words = [_tokens(processor, label) for label in labels]
    lens = {}
    for number, state in enumerate(states[1:], 1):
        name = f"language {number}"
        last = state[0, -1]
        kept[name] = _array(last)
        # The last of the hidden states has passed the final norm already.
        normed = last if number == len(states) - 1 else body.norm(last)
        logits = body.head(normed).float()
        firsts = torch.stack([logits[[way[0] for way in ways]].max() for ways in words])
        lens[name] = _array(firsts.softmax(0))
    return Glimpse(kept, lens, _likeness(model, visual, words))


def _likeness(
    model: Any, visual: torch.Tensor, words: Sequence[Sequence[tuple[int, ...]]]
) -> Floats:
    table = model.get_input_embeddings().weight
    vectors = torch.stack([table[list(ways[0])].float().mean(0) for ways in words])
    unit = torch.nn.functional.normalize
    return _array((unit(visual, dim=-1) @ unit(vectors, dim=-1).T).mean(0))


def _tokens(processor: Any, word: str) -> list[tuple[int, ...]]:
    """Ways of writing a word as tokens; the first one, after a space, is as it stands in a text."""
    spellings = (f" {word}", word, f" {word.capitalize()}", word.capitalize())
    encoded = [processor.tokenizer.encode(one, add_special_tokens=False) for one in spellings]
    return [tuple(one) for one in encoded if one]


def _keeper(kept: dict[str, Floats], name: str) -> Any:
    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        state = output[0] if isinstance(output, tuple) else output
        if state.ndim == 4:  # a stage of convolutions: (pictures, channels, height, width)
            state = state.movedim(1, -1)
        kept[name] = _array(state.reshape(-1, state.shape[-1]).float().mean(0))

    return keep


def _array(tensor: torch.Tensor) -> Floats:
    return np.asarray(tensor.float().cpu().numpy(), np.float64)
