"""What the documentation says of evaluate, compare and data is what there is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer

from snellen.cli import app
from snellen.data import READERS
from snellen.data.dataset import Scale, make
from snellen.evaluate import evaluate
from snellen.matched import Scores, match

DOCS = Path(__file__).parents[2] / "docs"


def options(verb: str) -> set[str]:
    command = typer.main.get_command(app).commands[verb]  # type: ignore[attr-defined]
    return {name for param in command.params for name in param.opts if name.startswith("-")}


@pytest.mark.parametrize("verb", ["evaluate", "compare"])
def test_every_option_is_documented(verb: str) -> None:
    text = (DOCS / f"{verb}.md").read_text()
    # compare.md sends its readers to evaluate.md for what the two share.
    shared = (DOCS / "evaluate.md").read_text() if verb == "compare" else ""
    assert [name for name in options(verb) if f"`{name}" not in text + shared] == []


def test_every_figure_is_documented() -> None:
    text = (DOCS / "evaluate.md").read_text()
    text = text.replace("plcc_KIND", "plcc_logistic4").replace("`…_in_sample", "`in_sample")
    names = list("abcdef")
    found = evaluate(
        match(
            make("m", Path("."), Scale(1, 5), names, [1.0, 2, 3, 4, 5, 4.5]),
            [Scores("s", names, np.array([1.0, 3, 2, 4, 6, 5]), "s.csv")],
        )
    )
    for figure in found.figures:
        stem = figure.key
        for kind in ("logistic4", "logistic5", "isotonic"):
            stem = stem.split(f"_{kind}")[0]
        assert f"`{stem}" in text, figure.key


def test_every_set_is_documented_with_its_numbers() -> None:
    lines = {
        line.split("|")[1].strip(" `"): line
        for line in (DOCS / "data.md").read_text().splitlines()
        if line.startswith("| `")
    }
    for name, reader in READERS.items():
        assert f"{reader.rated:,}" in lines[name]
        assert Path(reader.labels[0]).name in lines[name]
