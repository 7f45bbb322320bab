"""`snellen ask`: one closed question about some pictures, and the probability of every option."""

from __future__ import annotations

import json
from contextlib import ExitStack
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from snellen.cli.screen import screen

if TYPE_CHECKING:
    from snellen.judges import Answer, Judge, Question

MISSING = 2  # exit status when there is no answer
_BAR = 30  # characters of the bar of an option with probability 1


class Kind(str, Enum):
    """What kind of question the options make."""

    choice = "choice"
    score = "score"
    predicate = "predicate"


def command(
    images: Annotated[
        list[Path], typer.Argument(help="Pictures, in the order the judge is to see them.")
    ],
    question: Annotated[str, typer.Argument(help="The question, after the pictures.")],
    judge: Annotated[str, typer.Option(help="Judge: SCHEME:ADDRESS; see `snellen models`.")],
    options: Annotated[str, typer.Option(help="The possible answers, parted by commas.")],
    prefill: Annotated[str, typer.Option(help="How the judge's answer begins.")] = "",
    kind: Annotated[
        Kind, typer.Option(help="score: options are levels, worst first; predicate: true, false.")
    ] = Kind.choice,
    memory: Annotated[
        Path | None, typer.Option(help="File of answers: what is in it is not asked again.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")] = False,
) -> None:
    """Ask a judge one question and print the probability of every option.

    `mass` is how much of the model's probability the options held together: under a half, the model
    would rather have said something else. Exit status: 0 answered, 2 missing (the reason is told).
    """
    from snellen.judges import Describes, Memory, Question, load_judge, score
    from snellen.judges.image import ImagePart

    words = tuple(word.strip() for word in options.split(","))
    parts: tuple[str | ImagePart, ...] = (*(ImagePart(path) for path in images), question)
    asked = (
        score(*parts, levels=words, prefill=prefill)
        if kind is Kind.score
        else Question(parts, words, prefill, kind.value)
    )
    with ExitStack() as stack:
        loaded: Judge = load_judge(judge)
        if memory is not None:
            loaded = stack.enter_context(Memory(loaded, memory))
        [answer] = loaded.answer([asked])
        about = dict(loaded.describe()) if isinstance(loaded, Describes) else {}
    if as_json:
        typer.echo(json.dumps(_plain(loaded.name, asked, answer, about), ensure_ascii=False))
    else:
        _show(loaded.name, asked, answer, about)
    if answer.missing:
        raise typer.Exit(MISSING)


def _plain(judge: str, asked: Question, answer: Answer, about: dict[str, str]) -> dict[str, Any]:
    """Everything there is to say, as JSON values; without an answer "missing" says why."""
    found: dict[str, Any] = {"judge": judge, "key": asked.key if not answer.missing else None}
    if not answer.missing:
        found["probabilities"] = dict(zip(answer.options, answer.probabilities, strict=True))
        if asked.weights:
            found["expected"] = answer.expected(asked.weights)
    return {**found, **answer.plain(), "describe": about}


def _show(judge: str, asked: Question, answer: Answer, about: dict[str, str]) -> None:
    """The answer for people."""

    console = screen(highlight=False, markup=False, soft_wrap=True)
    lines = [f"judge  {judge}"]
    if answer.missing:
        lines.append(f"no answer: {answer.missing}")
    else:
        width = max(map(len, answer.options))
        for option, p in zip(answer.options, answer.probabilities, strict=True):
            bound = "  at most: not among the tokens listed" * (option in answer.at_most)
            lines.append(f"{option:{width}}  {p:.4f}  {'█' * round(p * _BAR)}{bound}".rstrip())
        mass = "not known" if answer.mass is None else f"{answer.mass:.4f}"
        lines.append(f"mass   {mass}")
        if asked.weights:
            lines.append(f"mean   {answer.expected(asked.weights):.4f} (0 first level, 1 last)")
    lines += _shown(asked, answer)
    lines += [f"note   {note}" for note in answer.notes]
    lines += [f"{label}: {sentence}" for label, sentence in about.items()]
    for line in lines:
        console.print(line)


def _shown(asked: Question, answer: Answer) -> list[str]:
    """What the model was shown, a line for each image."""
    lines = []
    for part, image in zip(asked.images, answer.shown.images, strict=False):
        line = f"shown  {part.name}: {image.width}×{image.height}"
        if image.shown_width is not None:
            line += f" → {image.shown_width}×{image.shown_height}"
        line += f" in {image.crops} crops" * (image.crops > 1)
        line += f", {image.resampler}" * bool(image.resampler)
        line += f", {image.tokens} tokens" * (image.tokens is not None)
        lines.append(line)
    if answer.shown.processor:
        lines.append(f"       by {answer.shown.processor}")
    return lines
