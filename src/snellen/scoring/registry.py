"""From the name of a method to the method."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from snellen.errors import InputError, UnknownName
from snellen.scoring.attributes import Attributes
from snellen.scoring.base import Method
from snellen.scoring.contrast import Contrast
from snellen.scoring.debias import Debias
from snellen.scoring.levels import Levels
from snellen.scoring.tiles import Tiles
from snellen.scoring.two_words import TwoWords
from snellen.scoring.weighted import Weighted

_MAKERS: dict[str, tuple[Callable[..., Method], str]] = {
    "levels": (Levels, "rate in five words, the mean of their values (Q-Align)"),
    "tiles": (Tiles, "levels of five native windows, for judges that see a part or shrink"),
    "two-words": (TwoWords, "good or poor, softened (Q-Bench)"),
    "debias": (Debias, "beside ruined copies that are called poor (Q-Debias)"),
    "contrast": (Contrast, "levels of the picture against those of its ruined copies"),
    "weighted": (Weighted, "all first tokens by their meaning; models that run here (ALW)"),
    "attributes": (Attributes, "five words for sharpness, noise, exposure, colour, and more"),
}
METHODS = {name: line for name, (_, line) in _MAKERS.items()}
"""Name of each method of one picture → what it does, in one line."""
DEFAULT = "levels"


def make_method(name: str = DEFAULT, **options: Any) -> Method:
    """The method of this name.

    options : its parameters, see its class.
    Raises `UnknownName` with the nearest names; `InputError` for a parameter it does not have.
    """
    if name not in _MAKERS:
        raise UnknownName("method", name, _MAKERS)
    maker, _ = _MAKERS[name]
    known = inspect.signature(maker).parameters
    for option in options:
        if option not in known:
            raise InputError(
                f"the method {name!r} has no parameter {option!r}",
                f"It takes {', '.join(known)}.",
            )
    return maker(**options)
