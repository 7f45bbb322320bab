"""From a name to a scorer of any kind: the built-in one, a student, a judge with a method."""

from __future__ import annotations

from pathlib import Path

from snellen import scorers
from snellen.errors import InputError
from snellen.judges import load_judge, schemes
from snellen.scorers import Scorer
from snellen.scoring.base import Method
from snellen.scoring.registry import DEFAULT, make_method
from snellen.scoring.scorer import JudgeScorer


def load_scorer(
    name: str | Path = "built-in",
    *,
    crops: int | None = None,
    method: str | Method | None = None,
) -> Scorer:
    """A scorer by name.

    name   : "built-in", the file of a student, or a judge such as `hf:MODEL`.
    crops  : native crops a student looks at; None for its own number.
    method : how a judge is asked, by name or made; what makes `name` a judge where it could be
             either (`built-in` is both). "levels" for judges where it is not given.
    Raises `UnknownName` with the nearest names, `InputError` for a dial of the other kind, and
    what `scorers.load_scorer` and `load_judge` raise.
    """
    if method is None and not is_judge(str(name)):
        return scorers.load_scorer(name, crops=crops)
    if crops is not None:
        raise InputError(
            f"crops={crops} has no effect on a judge", "Crops are for the built-in scorer."
        )
    made = make_method(method or DEFAULT) if isinstance(method, str | None) else method
    return JudgeScorer(load_judge(str(name)), made)


def is_judge(name: str) -> bool:
    """Whether a name can only be a judge's: SCHEME:ADDRESS of a scheme that is installed."""
    scheme, colon, address = name.partition(":")
    return bool(colon and address) and scheme in schemes()
