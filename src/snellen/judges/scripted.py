"""A judge without a model: a function, or a table of answers.

    scripted:package.module:function    the function is asked
    scripted:folder/answers.jsonl       the table is looked up (also .csv; see `scripted_table`)

It answers at once and the same everywhere, so that tutorials, tests and every verb run offline. It
is also the way to replay what a real judge once said: memory exports such a table.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TypeAlias

from snellen.errors import InputError, SnellenError
from snellen.judges.answer import Answer, Shown, ShownImage
from snellen.judges.protocol import Capabilities, unfit
from snellen.judges.question import Question

_ANY = Capabilities(readout="given")
TABLES = (".csv", ".jsonl")


@dataclass(frozen=True, slots=True)
class Logits:
    """What a script gives when it thinks in logits: option → logit, natural units, any offset."""

    values: Mapping[str, float]


Said: TypeAlias = Mapping[str, float] | Logits | str | Answer | None
"""What a script may say to a question:

- a mapping of every option to its probability; the rest up to 1 is what the options did not get,
  so their sum is the mass;
- `Logits` of every option; the mass is then not known;
- one word: the option itself (in any capitals), said with certainty;
- an `Answer`, for full control;
- None: it does not know. The answer is then missing.
"""
Script: TypeAlias = Callable[[Question], Said]


class ScriptedJudge:
    """Asks `script` each question by itself.

    script : question → what it says (`Said`). It should depend on nothing but the question.
    name   : identity. Without one: the function's name and a hash of its source, so that memory
             asks again when the function was changed.
    can    : what it is to look like; tests of other judges' limits narrow it.
    looks  : it sees the images, so one that cannot be decoded is a missing answer. A table does
             not, and spares the decoding.
    """

    def __init__(
        self, script: Script, name: str = "", can: Capabilities = _ANY, *, looks: bool = True
    ) -> None:
        self._script = script
        self._looks = looks
        self.name = name or _identity(script)
        self.can = can

    def answer(self, questions: Sequence[Question]) -> list[Answer]:
        """One answer for each question, in their order. An exception of the script is a missing
        answer with its words."""
        return [self._one(question) for question in questions]

    def _one(self, question: Question) -> Answer:
        why = unfit(question, self.can)
        if why:
            return Answer.without(question.options, why)
        try:
            shown = _shown(question) if self._looks else Shown()
            return _answer(question, self._script(question), shown)
        except SnellenError as error:
            return Answer.without(question.options, str(error))
        except Exception as error:  # whatever a script does, the other questions go on
            return Answer.without(
                question.options, f"the script failed: {type(error).__name__}: {error}"
            )


def load(address: str) -> ScriptedJudge:
    """The judge of `scripted:ADDRESS`.

    address : `module:function`, importable; or the path of a .jsonl or .csv table.
    Raises `InputError` where nothing is there, `DataError` for a table of another form.
    """
    if Path(address).suffix.lower() in TABLES:
        from snellen.judges.scripted_table import read_answers

        table = read_answers(Path(address))
        return ScriptedJudge(table.look_up, table.name, looks=False)
    module_name, colon, function_name = address.rpartition(":")
    if not colon or not module_name or not function_name:
        raise InputError(
            f"scripted:{address} is neither a function nor a table",
            f"Write scripted:module:function, or a file ending in {' or '.join(TABLES)}.",
        )
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise InputError(
            f"scripted:{address}: module {module_name} cannot be imported ({error})",
            "Install it, or set PYTHONPATH to the folder it lies in.",
        ) from error
    script = getattr(module, function_name, None)
    if not callable(script):
        raise InputError(
            f"scripted:{address}: {module_name} has no function {function_name!r}",
            "Check the spelling.",
        )
    return ScriptedJudge(script)


def _answer(question: Question, said: Said, shown: Shown) -> Answer:
    """What a script said, as an answer."""
    options = question.options
    if isinstance(said, Answer):
        if said.options != options:
            raise InputError(f"the script answered {said.options} instead of {options}")
        return said
    if said is None:
        return Answer.without(options, "the script does not know", shown=shown)
    if isinstance(said, str):
        words = {option.casefold(): option for option in options}
        word = words.get(said.strip().casefold())
        if word is None:
            raise InputError(f"the script said {said!r}, which is none of {', '.join(options)}")
        said = {option: float(option == word) for option in options}
    if isinstance(said, Logits):
        return Answer.from_logits(options, _row(options, said.values), shown=shown)
    if not isinstance(said, Mapping):
        raise InputError(f"the script gave {type(said).__name__}", "See scripted.Said.")
    return Answer.from_probabilities(options, _row(options, said), shown=shown)


def _row(options: tuple[str, ...], values: Mapping[str, float]) -> list[float]:
    """The values in the order of the options; none may be lacking or left over."""
    lacking = [option for option in options if option not in values]
    left_over = [repr(option) for option in values if option not in options]
    if lacking:
        raise InputError(f"the script gave nothing for {', '.join(map(repr, lacking))}")
    if left_over:
        raise InputError(f"the script gave values for {', '.join(left_over)}, which are no options")
    return [float(values[option]) for option in options]


def _shown(question: Question) -> Shown:
    """A script looks at the pixels as they are."""
    images = []
    for image in question.images:
        height, width, _ = image.pixels().shape
        images.append(ShownImage(image.hash, width, height, width, height))
    return Shown(tuple(images), processor="none: a script sees the pixels as they are")


def _identity(script: Script) -> str:
    """Module, name and source of a function, as the name of the judge."""
    where = f"{getattr(script, '__module__', '')}:{getattr(script, '__qualname__', '')}".strip(":")
    try:
        source = inspect.getsource(script)
    except (OSError, TypeError):  # typed at a prompt, or an object with __call__
        return f"scripted:{where or type(script).__qualname__}"
    digest = hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()
    return f"scripted:{where}#{digest[:12]}"
