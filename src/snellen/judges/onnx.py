"""The judges in the package without torch: their checkpoints, run by ONNX Runtime.

    onnx:built-in       onnx:built-in-base

The same weights as the transformers judge has, the same questions put the same way, probabilities
equal to some millionths; loaded in a second where torch and transformers take several to import.
What is given up is the inside: no embeddings, nothing to tune.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from snellen.errors import JudgeError, SnellenError, UnknownName
from snellen.judges import built_in
from snellen.judges.answer import Answer, Shown, ShownImage
from snellen.judges.chat import begun, messages, refuse_marks
from snellen.judges.image import ImagePart, Pixels
from snellen.judges.onnx_model import GRAPHS, Floats, Model
from snellen.judges.onnx_rows import read
from snellen.judges.prepared import Ready, answer_all, check_length
from snellen.judges.protocol import Capabilities
from snellen.judges.question import Question
from snellen.judges.transformers_options import as_text, spell
from snellen.judges.transformers_prefix import Prompt
from snellen.judges.word_tokenizer import WordTokenizer

_KEPT = 512  # images of which what the encoder made is kept: 38 kB each
_PROCESSOR = "CLIPImageProcessor (numpy)"


@dataclass(frozen=True, eq=False)
class Seen:
    """What the language model is given of one image, and the image's size in pixels."""

    features: Floats
    width: int
    height: int


class OnnxJudge:
    """A checkpoint that ONNX Runtime answers from; made by `load`.

    name    : identity with the hash of the files.
    folder  : of the checkpoint and its graphs.
    decided : what was decided at load, and why.
    threads : see `load`.
    """

    can = Capabilities(
        readout="logits",
        opened_by="Install torch (pip install 'snellen[judges]') and name the judge without onnx:.",
    )

    def __init__(
        self, name: str, folder: Path, decided: Mapping[str, str], *, threads: int = 0
    ) -> None:
        self.name = name
        self._decided = dict(decided)
        self._model = Model(folder, threads)
        self._tokenizer = WordTokenizer(folder / "tokenizer.json")
        config = json.loads((folder / "config.json").read_bytes())
        self._image_token: int = config["image_token_index"]
        self._most: int = config["text_config"]["max_position_embeddings"]
        self._template_text = (folder / "chat_template.jinja").read_text(encoding="utf-8")
        self._known: OrderedDict[str, Seen] = OrderedDict()
        self._lock = threading.Lock()

    def describe(self) -> Mapping[str, str]:
        """What runs it and why, precision and image processor."""
        return dict(self._decided)

    def spell(self, question: Question) -> dict[str, tuple[str, ...]]:
        """Option → its ways of being said, tokens parted by "|". Raises `JudgeError` for options
        that the tokenizer cannot tell apart."""
        spelled = spell(self._tokenizer, self._prompt_text(question), question.options)
        return as_text(self._tokenizer, spelled)

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer for each question, in their order; those with the same images together."""
        return answer_all(questions, self.can, self._prepare, self._read)

    @cached_property
    def _template(self) -> Any:
        """The chat template, in surroundings like those that transformers gives it."""
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        made = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
        return made.from_string(self._template_text)

    def _prompt_text(self, question: Question) -> str:
        """The question in the chat template, up to where its answer goes on. Raises `JudgeError`
        for words that are marks of the model."""
        refuse_marks(question, self._tokenizer.marks)
        text = self._template.render(messages=messages(question), add_generation_prompt=True)
        return begun(text, question.prefill)

    def _prepare(self, place: int, question: Question) -> Ready | Answer:
        """The question as the model needs it, or the missing answer that says why not."""
        try:
            text = self._prompt_text(question)
            spelled = spell(self._tokenizer, text, question.options)
            seen = [self._see(image) for image in question.images]
            ids: list[int] = []
            for token in self._tokenizer(text)["input_ids"]:
                ids += [token] * (self._model.tokens if token == self._image_token else 1)
            check_length(len(ids), self._most)
        except SnellenError as error:
            return Answer.without(question.options, str(error))
        except Exception as error:  # text that is none; the others go on
            return Answer.without(question.options, _told(error))
        side, tokens = self._model.side, self._model.tokens
        last = max((place for place, one in enumerate(ids) if one == self._image_token), default=-1)
        prompt = Prompt(
            {"input_ids": np.array([ids]), "seen": [one.features for one in seen]},
            tuple(image.hash for image in question.images),
            (tokens,) * len(seen),
            last,
        )
        images = tuple(
            ShownImage(image.hash, one.width, one.height, side, side, tokens)
            for image, one in zip(question.images, seen, strict=True)
        )
        return Ready(place, question, spelled, prompt, Shown(images, len(ids), _PROCESSOR, text))

    def _read(self, ready: Sequence[Ready]) -> dict[int, Answer]:
        """Place → answer. Where something fails, each by itself."""
        try:
            found = read(
                self._model,
                self._image_token,
                [one.prompt for one in ready],
                [one.prompt.inputs["seen"] for one in ready],
                [one.ways for one in ready],
            )
        except Exception as error:  # a model that fails must not end the run
            if len(ready) == 1:
                return {ready[0].place: ready[0].missing(_told(error))}
            return {place: one for item in ready for place, one in self._read([item]).items()}
        return {one.place: one.read(said) for one, said in zip(ready, found, strict=True)}

    def _see(self, image: ImagePart) -> Seen:
        """What there is to see in an image, of the last ones by memory."""
        key = image.hash
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        pixels = image.pixels()
        height, width, _ = pixels.shape
        features = self._model.run("eyes", {"picture": middle(pixels, self._model.side)})
        found = Seen(features, width, height)
        with self._lock:
            self._known[key] = found
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found


def load(
    address: str,
    *,
    threads: int = 0,
    folder: Path = built_in.FOLDER,
    why: str = "as asked",
) -> OnnxJudge:
    """The judge of `onnx:ADDRESS`, after checking its files.

    address : `built-in` or `built-in-base`.
    threads : that compute one thing; 0 for as many as the machine has cores.
    folder  : where the judges' folders and their hashes lie. why : ONNX Runtime runs it.
    Raises `UnknownName` for another name, `JudgeError` where a file is missing or is not what was
    shipped.
    """
    if address not in built_in.NAMES:
        raise UnknownName("judge in the package", address, built_in.NAMES)
    import onnxruntime

    built_in.check(address, folder)
    files = built_in.shipped(address, folder)
    for graph in GRAPHS.values():
        if folder / address / graph not in files:
            raise JudgeError(f"the judge {address!r} has no {graph} in {folder}", built_in.FIX)
    listed = "".join(f"{wanted}  {path.name}\n" for path, wanted in sorted(files.items()))
    digest = hashlib.sha256(listed.encode()).hexdigest()[:12]
    decided = {
        "runtime": f"ONNX Runtime {onnxruntime.__version__}: {why}",
        "precision": "float32, of weights kept in half precision",
        "image processor": _PROCESSOR,
    }
    name = f"onnx:{address}@{digest} float32"
    return OnnxJudge(name, folder / address, decided, threads=threads)


def middle(pixels: Pixels, side: int) -> Pixels:
    """(side, side, 3): the middle of a picture, set in black where it is smaller.

    As `CLIPImageProcessor` cuts it without torchvision: where the black cannot be as wide on both
    sides, it is wider above and on the left.
    """
    height, width, _ = pixels.shape
    (from_y, to_y), (from_x, to_x) = _span(height, side), _span(width, side)
    found: Pixels = np.zeros((side, side, 3), np.uint8)
    found[to_y, to_x] = pixels[from_y, from_x]
    return found


def _span(length: int, side: int) -> tuple[slice, slice]:
    """What of a picture's side is taken, and where it is put."""
    if length >= side:
        start = (length - side) // 2
        return slice(start, start + side), slice(side)
    start = (side - length + 1) // 2
    return slice(length), slice(start, start + length)


def _told(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "out of memory: ask about fewer images at once"
    told = (str(error).strip().splitlines() or [""])[0][:300]
    return f"the model failed: {type(error).__name__}: {told}"
