"""Scorers: anything that maps an image to a score.

`load_scorer("built-in")` is the small network that ships with the package; `load_scorer("x.onnx")`
is a student of your own.
"""

from __future__ import annotations

from pathlib import Path

from snellen.errors import InputError, UnknownName
from snellen.scorers.base import SEVERITY_WORDS, Cell, Evidence, Score, Scorer

__all__ = ["SCORERS", "SEVERITY_WORDS", "Cell", "Evidence", "Score", "Scorer", "load_scorer"]

SCORERS = ("built-in",)
"""Names that `load_scorer` knows beside paths to ONNX files."""

MOST_CROPS = 400


def load_scorer(name: str | Path = "built-in", *, crops: int | None = None) -> Scorer:
    """Load a scorer by name, or a student by the path of its ONNX file.

    crops : native crops each picture is shown in; None for the scorer's own number. The one dial
            between speed and accuracy.
    Raises `UnknownName` with the nearest names, `InputError` for a bad dial, `ScorerError` when a
    file cannot be used.
    """
    if crops is not None and not 1 <= crops <= MOST_CROPS:
        from snellen.images.view import ViewPolicy

        raise InputError(
            f"crops must be between 1 and {MOST_CROPS}, got {crops}",
            f"{ViewPolicy().crops} is the default.",
        )
    if str(name) == "built-in":
        from snellen.scorers.built_in import load

        return load(crops=crops)
    path = Path(name)
    if path.suffix.lower() == ".onnx" or path.exists():
        from snellen.scorers.student import Student

        return Student(path, crops=crops)
    raise UnknownName("scorer", str(name), SCORERS)
