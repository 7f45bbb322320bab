"""`snellen compare A.jpg B.jpg --judge J`: which of two pictures is better?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from snellen.scoring.pairs import Verdict

MISSING = 2  # exit status when there is no verdict


def versus(files: list[Path], judge: str, memory: Path | None, as_json: bool) -> None:
    """Ask `judge` about two pictures in both orders and print the verdict.

    Exit status: 0 with a verdict (a tie is one), 2 when it is missing.
    Raises `InputError` for any other number of pictures.
    """
    from contextlib import ExitStack

    from snellen.errors import InputError
    from snellen.judges import ImagePart, Judge, Memory, load_judge
    from snellen.scoring.pairs import ask_pairs

    if len(files) != 2:
        raise InputError(
            f"a judge compares two pictures, got {len(files)}",
            "Rank more of them with `snellen tournament`.",
        )
    first, second = (ImagePart(path) for path in files)
    with ExitStack() as stack:
        loaded: Judge = load_judge(judge)
        if memory is not None:
            loaded = stack.enter_context(Memory(loaded, memory))
        [verdict] = ask_pairs(loaded, [(first, second)])
    if as_json:
        typer.echo(json.dumps(_plain(files, loaded.name, verdict), ensure_ascii=False))
    else:
        for line in _lines(files, loaded.name, verdict):
            typer.echo(line)
    if verdict.missing:
        raise typer.Exit(MISSING)


def _plain(files: list[Path], judge: str, verdict: Verdict) -> dict[str, Any]:
    """Everything there is to say, as JSON values."""
    return {
        "judge": judge,
        "first": str(files[0]),
        "second": str(files[1]),
        "winner": verdict.winner,
        "preference": None if verdict.missing else verdict.preference,
        "forward": verdict.forward,
        "backward": verdict.backward,
        "lean_to_first_place": verdict.lean,
        "reliability": verdict.reliability,
        "mass": verdict.mass,
        "note": verdict.note or None,
        "missing": verdict.missing or None,
    }


def _lines(files: list[Path], judge: str, verdict: Verdict) -> list[str]:
    from snellen.images import printable_name

    first, second = (printable_name(path) for path in files)
    lines = [f"judge   {judge}"]
    if verdict.missing:
        return [*lines, f"no verdict: {verdict.missing}"]
    p = verdict.preference
    lines.append(
        {
            "first": f"better  {first}: preferred with probability {p:.3f}",
            "second": f"better  {second}: preferred with probability {1 - p:.3f}",
            "tie": f"tie     neither is preferred in both orders ({first}: {p:.3f})",
        }[verdict.winner or "tie"]
    )
    if verdict.forward is not None and verdict.backward is not None:
        lines.append(f"orders  {first} shown first {verdict.forward:.3f},"
                     f" shown second {verdict.backward:.3f}")  # fmt: skip
        lean = verdict.lean or 0.0
        lines.append(f"lean    {lean:+.3f} for whatever is shown first, taken out")
    if verdict.mass is not None:
        lines.append(f"mass    {verdict.mass:.4f}")
    return [*lines, f"note    {verdict.note}"] if verdict.note else lines
