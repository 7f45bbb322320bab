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
from snellen.judges.protocol import WhiteBox
from snellen.judges.transformers_options import spell
from snellen.judges.transformers_processor import prompt_text

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Glimpse:
    """What was seen on the way from a picture to its answer.

    layers : name of the layer → its vector: encoder layers and the projector as the mean over
             their visual tokens, language layers at the place where the answer begins.
    lens   : language layer → (labels,) probabilities of the labels' first tokens if the answer were
             read there (logit lens, nostalgebraist 2020: final norm and head on its hidden state).
    likeness : (labels,) mean over visual tokens v_j of cos(v_j, e_t), e_t the mean input embedding
             of the label's tokens: Sim(v, t).
    """

    layers: dict[str, Floats]
    lens: dict[str, Floats]
    likeness: Floats


def glimpse(judge: WhiteBox, body: Anatomy, question: Question, labels: Sequence[str]) -> Glimpse:
    """Look at one picture (the question's only one) on its way through the model.

    labels : words whose embeddings and first tokens are looked for. Raises `JudgeError` where the
    question cannot be put to this model.
    """
    kept: dict[str, Floats] = {}
    hooks = [
        layer.register_forward_hook(_keeper(kept, f"encoder {number}"))
        for number, layer in enumerate(body.vision_layers, 1)
    ]
    try:
        visual = judge.visual_tokens(question.images[0])
    finally:
        for hook in hooks:
            hook.remove()
    kept["projector"] = np.asarray(visual.mean(0), np.float64)
    text = prompt_text(judge.processor, question)
    ways = spell(judge.processor.tokenizer, text, labels)
    firsts = [sorted({way[0] for way in ways[label]}) for label in labels]
    states = judge.layers(question)[1:]
    lens = {}
    for number, state in enumerate(states, 1):
        name = f"language {number}"
        kept[name] = np.asarray(state[-1], np.float64)
        lens[name] = _read(body, kept[name], firsts, last=number == len(states))
    words = np.array([judge.word_embedding(label) for label in labels], np.float64)
    return Glimpse(kept, lens, (_unit(visual.astype(np.float64)) @ _unit(words).T).mean(0))


def _read(body: Anatomy, state: Floats, firsts: Sequence[Sequence[int]], *, last: bool) -> Floats:
    """(labels,) what the model's own head makes of a hidden state.

    last : of the last layer, which has passed the final norm already.
    """
    weight = body.head.weight
    with torch.inference_mode():
        hidden = torch.as_tensor(state, dtype=weight.dtype, device=weight.device)[None]
        logits = body.head(hidden if last else body.norm(hidden))[0].float()
        each = torch.stack([logits[list(tokens)].logsumexp(0) for tokens in firsts])
        return np.asarray(each.softmax(0).cpu().numpy(), np.float64)


def _unit(vectors: Floats) -> Floats:
    """Rows of length 1; rows of nothing stay nothing."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0))


def _keeper(kept: dict[str, Floats], name: str) -> Any:
    def keep(_module: Any, _inputs: Any, output: Any) -> None:
        state = output[0] if isinstance(output, tuple) else output
        if state.ndim == 4:  # a stage of convolutions: (pictures, channels, height, width)
            state = state.movedim(1, -1)
        mean = state.detach().reshape(-1, state.shape[-1]).float().mean(0)
        kept[name] = np.asarray(mean.cpu().numpy(), np.float64)

    return keep
