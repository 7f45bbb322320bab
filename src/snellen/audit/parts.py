"""The three parts of a vision-language model: vision encoder, projector, language model.

Found by the names that transformers' own classes give them, so that every family the judge runs can
be looked into and tuned part by part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from snellen.errors import JudgeError
from snellen.judges import Judge, Memory
from snellen.judges.protocol import WhiteBox, why_closed

Part = Literal["vision", "projector", "language"]
PARTS: tuple[Part, ...] = ("vision", "projector", "language")
# Where the families keep them, under `model.model`; the projector of some lies in the encoder.
_PLACES: dict[Part, tuple[str, ...]] = {
    "vision": ("vision_model", "vision_tower", "visual"),
    "projector": ("connector", "multi_modal_projector", "visual.merger"),
    "language": ("text_model", "language_model"),
}


@dataclass(frozen=True)
class Anatomy:
    """vision, projector, language : torch modules of `model`. head : from hidden states to words.

    vision_layers, language_layers : their blocks, first to last. norm : after the last of them.
    """

    model: Any
    vision: Any
    projector: Any
    language: Any
    head: Any
    vision_layers: list[Any]
    language_layers: list[Any]
    norm: Any

    def parameters(self, part: Part) -> Iterator[tuple[str, Any]]:
        """Names and parameters of a part; the projector's are none of the encoder's."""
        inside = {id(one) for one in self.projector.parameters()}
        module = getattr(self, part)
        chosen = {id(one) for one in module.parameters()} - (inside if part == "vision" else set())
        if part == "language":  # tied or not, the words' table and the head are its own
            chosen |= {id(one) for one in self.head.parameters()}
        for name, parameter in self.model.named_parameters():
            if id(parameter) in chosen:
                yield name, parameter


def white_box(judge: Judge) -> WhiteBox:
    """The judge, or the one that a memory wraps, as one that can be looked into.

    Raises `JudgeError` for another.
    """
    inner = judge.judge if isinstance(judge, Memory) else judge
    if not isinstance(inner, WhiteBox):
        why, way = why_closed(judge)
        raise JudgeError(
            f"{judge.name} cannot be looked into: {why}",
            way or "Load the model itself: hf:MODEL.",
        )
    return inner


def anatomy(model: Any) -> Anatomy:
    """The parts of a model. Raises `JudgeError` where one cannot be found."""
    found = {part: _part(model, part) for part in PARTS}
    return Anatomy(
        model=model,
        **found,
        head=model.get_output_embeddings(),
        vision_layers=_layers(found["vision"]),
        language_layers=_layers(found["language"]),
        norm=found["language"].norm,
    )


def _part(model: Any, part: Part) -> Any:
    inner = getattr(model, "model", model)
    for path in _PLACES[part]:
        module = inner
        for name in path.split("."):
            module = getattr(module, name, None)
        if module is not None:
            return module
    raise JudgeError(
        f"{type(model).__name__} keeps its {part} part where it is not looked for",
        f"Known places are {', '.join(_PLACES[part])}.",
    )


def _layers(module: Any) -> list[Any]:
    """The list of blocks that holds the most of a part: its layers, or its stages."""
    from torch.nn import ModuleList

    lists = [one for one in module.modules() if isinstance(one, ModuleList)]
    return list(max(lists, key=lambda one: sum(p.numel() for p in one.parameters()), default=[]))
