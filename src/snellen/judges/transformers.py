"""A vision-language model in this process, run by transformers.

    hf:Qwen/Qwen2-VL-2B-Instruct@REVISION       from the hub, or its cache
    hf:folder/with/a/checkpoint                 from disk

Stock model code only: nothing that a checkpoint brings along is run. Probabilities are exact: of
whole token sequences, over the whole vocabulary (see `transformers_options`).
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForImageTextToText
from transformers.utils.logging import (
    disable_progress_bar,
    enable_progress_bar,
    is_progress_bar_enabled,
)

from snellen.errors import InputError, JudgeError, SnellenError
from snellen.judges import transformers_inside as inside
from snellen.judges.answer import Answer
from snellen.judges.catalogue import unknown_model
from snellen.judges.image import ImagePart
from snellen.judges.prepared import Ready, answer_all, check_length
from snellen.judges.protocol import Capabilities, Floats, TokenScore
from snellen.judges.question import Question
from snellen.judges.transformers_families import family_of
from snellen.judges.transformers_options import as_text, spell
from snellen.judges.transformers_processor import backend, encode, load_processor, prompt_text
from snellen.judges.transformers_reading import Reader

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
_LARGE = 1 << 30  # bytes of weights that take long enough to load for a progress bar


class TransformersJudge:
    """A loaded model that answers, and a `WhiteBox`; made by `load`.

    name      : identity with revision, precision and image processor.
    model     : a transformers image-text-to-text model, in evaluation mode.
    processor : its processor.
    decided   : what was decided at load, and why.
    share     : questions of a batch share what they have in common: the encoding of each image, and
                the prefill of prompts that begin alike.
    batch     : the most prompts in one pass through the model.
    """

    can = Capabilities(readout="logits", embeddings=True, tunable=True)

    def __init__(
        self,
        name: str,
        model: Any,
        processor: Any,
        decided: Mapping[str, str],
        *,
        share: bool = True,
        batch: int = 8,
    ) -> None:
        self.name = name
        self.model, self.processor = model, processor
        self._family = family_of(model.config, name)
        self._decided, self._share, self._batch = dict(decided), share, batch

    def describe(self) -> Mapping[str, str]:
        """Device, precision and image processor, each with the reason."""
        return dict(self._decided)

    def spell(self, question: Question) -> dict[str, tuple[str, ...]]:
        """Option → its ways of being said, tokens parted by "|". Raises `JudgeError` for options
        that the tokenizer cannot tell apart."""
        tokenizer = self.processor.tokenizer
        spelled = spell(tokenizer, prompt_text(self.processor, question), question.options)
        return as_text(tokenizer, spelled)

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer for each question, in their order; those with the same images together."""
        reader = self._reader()
        return answer_all(
            questions, self.can, self._prepare, lambda ready: self._read(reader, ready, ())
        )

    def token_scores(self, question: Question, k: int = 100) -> list[TokenScore]:
        """See `WhiteBox`."""
        return inside.token_scores(self._reader(), self.model, self.processor, question, k)

    def word_embedding(self, word: str) -> Floats:
        """See `WhiteBox`."""
        return inside.word_embedding(self.model, self.processor, word)

    def visual_tokens(self, image: ImagePart) -> Floats:
        """See `WhiteBox`."""
        return inside.visual_tokens(self._reader(), self.model, self.processor, image)

    def layers(self, question: Question) -> list[Floats]:
        """See `WhiteBox`."""
        return inside.layers(self._reader(), self.model, self.processor, question)

    def _reader(self) -> Reader:
        """A new one for each request: between two, the model may be tuned."""
        return Reader(self.model, self._family, share=self._share, at_once=self._batch)

    def _prepare(self, place: int, question: Question) -> Ready | Answer:
        """The question as the model needs it, or the missing answer that says why not."""
        config, device = self.model.config, self.model.device
        try:
            text = prompt_text(self.processor, question)
            spelled = spell(self.processor.tokenizer, text, question.options)
            prompt, shown = encode(self.processor, config, question, text, device)
            most = getattr(config.get_text_config(), "max_position_embeddings", None)
            check_length(len(prompt.ids), most)
        except SnellenError as error:
            return Answer.without(question.options, str(error))
        except Exception as error:  # a processor refuses in its own words; the others go on
            return Answer.without(question.options, _told(error))
        return Ready(place, question, spelled, prompt, shown)

    def _read(
        self, reader: Reader, ready: Sequence[Ready], notes: tuple[str, ...]
    ) -> dict[int, Answer]:
        """Place → answer. Where memory runs out, each half by itself; alone, missing."""
        if not ready:
            return {}
        try:
            found = reader.read([one.prompt for one in ready], [one.ways for one in ready])
        except Exception as error:  # a model that fails must not end the run
            if not _out_of_memory(error) or len(ready) == 1:
                return {item.place: item.missing(_told(error), notes) for item in ready}
        else:
            return {
                item.place: item.read(logprobs, notes)
                for item, logprobs in zip(ready, found, strict=True)
            }
        # Outside of `except`: the traceback held the tensors that filled the memory.
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        half = (len(ready) + 1) // 2
        notes = (f"out of memory with {len(ready)} questions at once: asked {half} at once",)
        halves = (ready[:half], ready[half:])
        return {k: v for part in halves for k, v in self._read(reader, part, notes).items()}


def load(
    address: str,
    *,
    dtype: str = "auto",
    device: str = "auto",
    share: bool = True,
    batch: int = 8,
) -> TransformersJudge:
    """The judge of `hf:ADDRESS`.

    address : MODEL, MODEL@REVISION or a folder.
    dtype   : "auto", "float32", "bfloat16" or "float16".
    device  : "auto", "cpu", "cuda", "cuda:1", …
    share   : see `TransformersJudge`; False to measure what it brings.
    batch   : the most prompts in one pass; halved where memory does not suffice.
    Raises `UnknownName` for a model that is not there, `JudgeError` for one that cannot be used,
    `InputError` for an unknown dtype or device, or a batch of none.
    """
    if batch < 1:
        raise InputError(f"a batch of {batch} prompts", "Use 1 or more.")
    local = Path(address).is_dir()
    place, _, revision = (address, "", "") if local else address.partition("@")
    options: dict[str, Any] = {"revision": revision} if revision else {}
    where, why_where = _device(device)
    precision, why_precision = _precision(dtype, where)
    try:
        config = AutoConfig.from_pretrained(place, **options)
    except OSError:
        raise unknown_model(place) from None
    except (ValueError, KeyError) as error:
        raise JudgeError(
            f"hf:{address} is no model that transformers knows ({_line(error)})",
            "Upgrade transformers, or use another model.",
        ) from None
    processor = load_processor(place, config, **options)
    try:
        with _bar(Path(place)):
            model = AutoModelForImageTextToText.from_pretrained(
                place, dtype=_DTYPES[precision], **options
            )
        model = model.to(where).eval()
    except Exception as error:
        raise JudgeError(
            f"hf:{address} cannot be loaded ({_told(error)})",
            "Check the checkpoint, or use a smaller model.",
        ) from error
    version = _digest(Path(place)) if local else getattr(config, "_commit_hash", "") or revision
    name = f"hf:{Path(place).name if local else place}@{version} {precision} {backend(processor)}"
    decided = {
        "device": f"{where}: {why_where}",
        "precision": f"{precision}: {why_precision}",
        "image processor": backend(processor),
    }
    return TransformersJudge(name, model, processor, decided, share=share, batch=batch)


@contextmanager
def _bar(folder: Path) -> Iterator[None]:
    """No progress bar for weights that are here already and small: they are loaded before it can be
    read."""
    files = list(folder.glob("*.safetensors")) if folder.is_dir() else []
    small = bool(files) and sum(file.stat().st_size for file in files) < _LARGE
    if not small or not is_progress_bar_enabled():
        yield
        return
    disable_progress_bar()
    try:
        yield
    finally:
        with warnings.catch_warnings():  # of a variable that forbids the hub's bars anyway
            warnings.simplefilter("ignore")
            enable_progress_bar()


def _device(asked: str) -> tuple[torch.device, str]:
    if asked == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda"), torch.cuda.get_device_name()
        return torch.device("cpu"), "no CUDA device is here"
    try:
        return torch.device(asked), "as asked"
    except RuntimeError:
        raise InputError(f"{asked!r} is no device of torch", "Use cpu or cuda.") from None


def _precision(asked: str, device: torch.device) -> tuple[str, str]:
    if asked != "auto":
        if asked not in _DTYPES:
            raise InputError(f"unknown dtype {asked!r}", f"Use {', '.join(_DTYPES)} or auto.")
        return asked, "as asked"
    if device.type != "cuda":
        return "float32", f"exact, and what {device.type} computes everywhere"
    if torch.cuda.is_bf16_supported():
        return "bfloat16", "the GPU computes in it, and it takes half the memory"
    return "float16", "the GPU has no bfloat16, and it takes half the memory"


def _digest(folder: Path) -> str:
    """12 digits of the content of a checkpoint's files: another training, another name."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.suffix in {".json", ".safetensors", ".jinja", ".model", ".bin", ".txt"}:
            digest.update(path.name.encode() + b"\n")
            with path.open("rb") as file:
                while block := file.read(1 << 22):
                    digest.update(block)
    return digest.hexdigest()[:12]


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )


def _told(error: Exception) -> str:
    if _out_of_memory(error):
        return "out of memory: use a smaller model, smaller images or a lower precision"
    return f"the model failed: {type(error).__name__}: {_line(error)}"


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [""])[0][:300]
