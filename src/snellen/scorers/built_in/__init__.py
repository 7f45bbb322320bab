"""The built-in scorer's files: the network (`built-in.onnx`), its hash and its card (`CARD.md`)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from snellen.errors import ScorerError

if TYPE_CHECKING:
    from snellen.scorers.student import Student

FOLDER = Path(__file__).parent


def load(*, crops: int | None = None) -> Student:
    """Load the network that ships with the package, after checking its hash."""
    from snellen.scorers.student import Student

    path = FOLDER / "built-in.onnx"
    try:
        sha256 = (FOLDER / "built-in.sha256").read_text(encoding="ascii").strip()
    except OSError:
        raise ScorerError(
            f"the built-in scorer is missing from {FOLDER}",
            "Install Snellen again: pip install --force-reinstall --no-deps snellen",
        ) from None
    return Student(path, crops=crops, sha256=sha256)
