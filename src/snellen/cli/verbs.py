"""The verbs: what `snellen --help` says of each, and its module once it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    # Newer typer brings its own click, so its names are of no use to us.
    Command = Any

GROUPS = {
    "Pictures": {
        "score": "Score pictures 0–100 (higher is better) and name what is wrong with each.",
        "degrade": "Make a picture worse on purpose, in five levels, the same on every machine.",
        "serve": "Serve a scorer over HTTP: score, explain, health, Prometheus metrics, and a"
        " page.",
    },
    "People": {
        "rate": "Rate pictures in a browser: one page, by keyboard or touch, nothing ever lost.",
        "ratings": "What people said in a study: raters, flags, opinions; out to files, in from"
        " others.",
        "raters": "Turn raw votes into MOS with intervals, and say which raters to doubt.",
        "pairs": "Rank images by who was preferred to whom, on a scale with intervals.",
        "evaluate": "Judge scores by people's ratings of the same images.",
        "compare": "Compare scorers on the images that all of them scored and people rated.",
    },
    "Judges": {
        "models": "List scorers, kinds of judges and models to start from.",
        "doctor": "Test a judge: spelling of options, mass, determinism, pre-fill, sight, both"
        " orders, speed.",
        "ask": "Ask a judge one question and print the probability of every option.",
        "explain": "Show the copies of a picture, what the judge was asked, and what each answer"
        " contributed.",
        "answers": "Tell which judges a file of answers remembers, and write its answers as JSON"
        " lines.",
        "tournament": "Rank pictures by what a judge prefers, pair by pair in both orders.",
        "audit": "Find out which distortions a judge sees, guesses, or is blind to.",
        "tune": "Train parts of a judge to name distortions, and audit it before and after.",
    },
    "Students": {
        "label": "Ask a judge about every picture and keep what it says as labels for a student.",
        "distil": "Teach a student what the labels say. It stops when held-out pictures stop"
        " gaining.",
        "calibrate": "Re-learn a student's head from ratings, give every score an interval, say"
        " what it is worth.",
        "choose": "List the pictures whose ratings would tell most about all the others, best"
        " first.",
        "export": "Write network, calibration and card as one file that needs neither torch nor"
        " this folder.",
    },
}
"""What verbs are about → verb → the first paragraph of its own help; a test compares them."""
_LINES = {name: line for verbs in GROUPS.values() for name, line in verbs.items()}


class Verbs(TyperGroup):
    """All verbs, each imported when it is asked for and none to be listed."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Imported()  # type: ignore[assignment]  # nobody adds to it

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        for title, verbs in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<10}", line) for name, line in verbs.items()])


class _Imported(Mapping[str, "Command"]):
    """Verb → its command, from the module of its name."""

    def __init__(self) -> None:
        self._found: dict[str, Command] = {}

    def __getitem__(self, name: str) -> Command:
        if name not in self._found:
            if name not in _LINES:
                raise KeyError(name)
            alone = typer.Typer(add_completion=False, rich_markup_mode="markdown")
            alone.command(name)(import_module(f"snellen.cli.{name}").command)
            self._found[name] = typer.main.get_command(alone)
        return self._found[name]

    # `Mapping` would take a KeyError within a verb's module for a verb that is not there.
    def __contains__(self, name: object) -> bool:
        return name in _LINES

    def get(self, name: str, default: Any = None) -> Any:
        return self[name] if name in self else default  # noqa: SIM401

    def __iter__(self) -> Iterator[str]:
        return iter(_LINES)

    def __len__(self) -> int:
        return len(_LINES)
