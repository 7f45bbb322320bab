"""Models known to be good judges to start from: size, licences, what they need.

A list for people and for the spelling of names: other checkpoints of these families run as
`hf:MODEL`, too. Licences are those stated on the models' own pages and decide what answers may be
used for: read them before use.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from snellen.errors import UnknownName


@dataclass(frozen=True, slots=True)
class Model:
    """One checkpoint.

    name       : on the hub; `hf:NAME` is the judge.
    family     : as the architecture is called in transformers.
    billions   : of parameters, vision encoder included, rounded.
    license    : of the weights.
    commercial : whether that licence lets products use it; None where it sets conditions.
    images     : the most images that it was trained to see at once; None for many.
    """

    name: str
    family: str
    billions: float
    license: str
    commercial: bool | None
    images: int | None = None

    @property
    def gigabytes(self) -> float:
        """Download and memory of the weights at 16 bits a parameter."""
        return 2 * self.billions

    @property
    def code_license(self) -> str:
        """Of the code that runs it: transformers'. No code of the model's own is run."""
        return "Apache-2.0"


_APACHE = "Apache-2.0"
_GEMMA = "Gemma terms of use"

MODELS: tuple[Model, ...] = (
    Model("HuggingFaceTB/SmolVLM-500M-Instruct", "Idefics3", 0.5, _APACHE, True),
    Model("HuggingFaceTB/SmolVLM2-2.2B-Instruct", "SmolVLM", 2.2, _APACHE, True),
    Model("Qwen/Qwen2-VL-2B-Instruct", "Qwen2-VL", 2.2, _APACHE, True),
    Model("Qwen/Qwen2.5-VL-3B-Instruct", "Qwen2.5-VL", 3.8, "Qwen Research License", False),
    Model("Qwen/Qwen2.5-VL-7B-Instruct", "Qwen2.5-VL", 8.3, _APACHE, True),
    Model("Qwen/Qwen3-VL-2B-Instruct", "Qwen3-VL", 2.1, _APACHE, True),
    Model("Qwen/Qwen3-VL-4B-Instruct", "Qwen3-VL", 4.4, _APACHE, True),
    Model("Qwen/Qwen3-VL-8B-Instruct", "Qwen3-VL", 8.8, _APACHE, True),
    Model("Qwen/Qwen3.5-4B", "Qwen3.5", 4.7, _APACHE, True),
    Model("llava-hf/llava-1.5-7b-hf", "LLaVA", 7.1, "Llama 2 licence", None, 1),
    Model("llava-hf/llava-v1.6-mistral-7b-hf", "LLaVA-NeXT", 7.6, _APACHE, True, 1),
    Model("llava-hf/llava-onevision-qwen2-0.5b-ov-hf", "LLaVA-OneVision", 0.9, _APACHE, True),
    Model("llava-hf/llava-onevision-qwen2-7b-ov-hf", "LLaVA-OneVision", 8.0, _APACHE, True),
    Model("OpenGVLab/InternVL3_5-2B-HF", "InternVL", 2.3, _APACHE, True),
    Model("OpenGVLab/InternVL3_5-8B-HF", "InternVL", 8.5, _APACHE, True),
    Model("HuggingFaceM4/Idefics3-8B-Llama3", "Idefics3", 8.5, "Apache-2.0 on Llama 3.1", None),
    Model("google/gemma-3-4b-it", "Gemma3", 4.3, _GEMMA, None),
    Model("google/paligemma2-3b-mix-448", "PaliGemma", 3.0, _GEMMA, None, 1),
)

# Scheme, or "built-in" for the judges in the package -> the packages it imports, by their import
# names.
NEEDS: dict[str, tuple[str, ...]] = {
    "built-in": ("torch", "transformers"),
    "hf": ("torch", "transformers", "accelerate"),
    "onnx": (),
    "server": ("openai",),
    "decisions": ("openai",),
    "scripted": (),
}


def missing_packages(scheme: str) -> tuple[str, ...]:
    """Which of the packages that a scheme of ours needs are not installed."""
    return tuple(name for name in NEEDS.get(scheme, ()) if find_spec(name) is None)


def unknown_model(name: str) -> UnknownName:
    """The error for a checkpoint that is not there, with the nearest listed names."""
    # `UnknownName` compares in lower case, and names on the hub are mixed.
    by_lower = {model.name.lower(): model.name for model in MODELS}
    error = UnknownName("model", name, by_lower)
    near = [by_lower[lower] for lower in error.near]
    error.fix = (
        f"Did you mean {' or '.join(map(repr, near))}?"
        if near
        else "Give a name on the hub (OWNER/MODEL), or a folder with a checkpoint; `snellen"
        " models` lists some."
    )
    return error
