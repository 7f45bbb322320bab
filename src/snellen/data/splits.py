"""Splits that keep together what belongs together, and that anybody can make again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from snellen.errors import InputError


def split_by_group(
    groups: Sequence[str], test: float = 0.2, val: float = 0.0, seed: int = 0
) -> list[str]:
    """Give every row "train", "val" or "test"; rows of one group get the same.

    groups : (n,) what a row belongs to: its reference image, its prompt, or itself.
    test   : share of the groups in the test split; val likewise. At least one group each if > 0.
    seed   : another number is another split.

    The groups are ordered by the SHA-256 of seed and name, and the first ones are the test split:
    no random generator, so rows in another order, another machine or another numpy make no
    difference, and a new group moves at most one other across each border.  (Ours.)
    Raises `InputError` for shares that leave nothing to train on.
    """
    if not (0 <= test < 1 and 0 <= val < 1 and test + val < 1):
        raise InputError(
            f"shares test={test} and val={val} leave nothing to train on",
            "Give numbers from 0 to 1 whose sum is below 1.",
        )
    names = sorted(set(groups), key=lambda name: (_place(seed, name), name))
    tests = _count(test, len(names))
    vals = _count(val, len(names))
    if names and tests + vals >= len(names):
        raise InputError(
            f"{len(names)} groups are too few for {tests} to test and {vals} to validate on",
            "Lower the shares, or split by image.",
        )
    kind = dict.fromkeys(names[:tests], "test") | dict.fromkeys(names[tests : tests + vals], "val")
    return [kind.get(name, "train") for name in groups]


def _place(seed: int, name: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{name}".encode("utf-8", "surrogatepass")).digest()


def _count(share: float, groups: int) -> int:
    return max(1, round(share * groups)) if share > 0 else 0
