"""A small LLaVA without torch: two ONNX graphs that read their weights out of a checkpoint.

A folder holds `model.safetensors` in half precision and beside it two graphs without weights:

    eyes.onnx  : picture (side, side, 3) uint8 → seen (tokens, width): encoder and projector.
    words.onnx : ids (tokens,), seen (n, width), positions (tokens,), sees (tokens, tokens),
                 places (asked,) → logits (asked, vocabulary): a language model over one row of
                 tokens, in which ids from the vocabulary's size on are rows of `seen`.

Weights are cast to float32 when the graphs are loaded. `runs/built_in_judge/export.py` writes them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from snellen.errors import JudgeError

Part: TypeAlias = Literal["eyes", "words"]
Floats: TypeAlias = npt.NDArray[np.float32]

GRAPHS: dict[Part, str] = {"eyes": "eyes.onnx", "words": "words.onnx"}
WEIGHTS = "model.safetensors"


class Place(NamedTuple):
    """Where the values of a weight lie: bytes `start` … `end` of the file; float16 of `shape`."""

    shape: tuple[int, ...]
    start: int
    end: int


def where(data: bytes) -> dict[str, Place]:
    """Name → place of every weight of a safetensors file, which is `data`.

    Raises `JudgeError` for weights that are not in half precision.
    """
    begin = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:begin])
    header.pop("__metadata__", None)
    others = {one["dtype"] for one in header.values()} - {"F16"}
    if others:
        raise JudgeError(f"{WEIGHTS} holds weights as {', '.join(sorted(others))}, not as F16")
    found = {}
    for name, one in header.items():
        start, end = one["data_offsets"]
        found[name] = Place(tuple(one["shape"]), begin + start, begin + end)
    return found


def part_of(name: str) -> Part:
    """Which of the graphs a weight of this name belongs to."""
    return "words" if "language_model" in name or "lm_head" in name else "eyes"


class Model:
    """Both graphs, loaded.

    folder  : where they and the weights lie.
    threads : that compute one thing; 0 for as many as the machine has cores.
    side    : pixels a side of a picture. tokens : that a picture is seen as. words : in the
    vocabulary. All three are read from the graphs.
    Raises `JudgeError` where they cannot be loaded, `OSError` where one is not there.
    """

    def __init__(self, folder: Path, threads: int = 0) -> None:
        import onnxruntime

        data = (folder / WEIGHTS).read_bytes()
        places = where(data)
        self._halves = {
            name: np.frombuffer(data, np.float16, (one.end - one.start) // 2, one.start)
            for name, one in places.items()
        }
        self._sessions: dict[Part, Any] = {}
        for part, graph in GRAPHS.items():
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            options.log_severity_level = 3
            # Given, not opened by the runtime: it refuses files that links lead to, as in the
            # stores of some package managers.
            names = [name for name in places if part_of(name) == part]
            values = [self._halves[name].reshape(places[name].shape) for name in names]
            given = [onnxruntime.OrtValue.ortvalue_from_numpy(one) for one in values]
            options.add_external_initializers(names, given)
            try:
                self._sessions[part] = onnxruntime.InferenceSession(
                    (folder / graph).read_bytes(), options, providers=["CPUExecutionProvider"]
                )
            except OSError:
                raise
            except Exception as error:  # onnxruntime raises its own unnamed classes
                told = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
                raise JudgeError(f"{folder / graph} cannot be loaded ({told})") from None
        eyes, words = (self._sessions[part] for part in GRAPHS)
        self.side: int = eyes.get_inputs()[0].shape[0]
        self.tokens: int = eyes.get_outputs()[0].shape[0]
        self.width: int = eyes.get_outputs()[0].shape[1]
        self.words: int = words.get_outputs()[0].shape[1]

    def run(self, part: Part, inputs: Mapping[str, npt.NDArray[Any]]) -> Floats:
        """The one output of a graph; thread-safe."""
        [out] = self._sessions[part].run(None, dict(inputs))
        found: Floats = out
        return found
