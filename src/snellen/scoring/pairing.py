"""Whom to compare with whom in the next round of a tournament."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt


def next_round(
    standing: npt.NDArray[np.float64],
    played: Sequence[tuple[int, int]],
    number: int,
    seed: str,
) -> list[tuple[int, int]]:
    """Pairs (one, other) of players such that each plays once and nobody meets again.

    standing : (n,) how good each is as far as is known.
    played   : the pairs of earlier rounds.
    number   : of the round, from 0. Even rounds are drawn at random: they tie far ends of the scale
               together, which comparing neighbours alone does not. Odd ones go by the standing.
    seed     : any text; with the round's number it fixes what is left to chance.
    Greedy: who was compared least (then who stands highest) picks first, and picks the nearest
    player not met yet. So few sit out that it does not matter, and it takes n log n, where the best
    matching takes n³. Empty when everyone has met everyone.
    """
    n = len(standing)
    met: list[set[int]] = [set() for _ in range(n)]
    for one, other in played:
        met[one].add(other)
        met[other].add(one)
    digest = hashlib.sha256(f"{seed} round {number}".encode()).digest()
    line = np.random.Generator(np.random.PCG64(list(digest))).permutation(n)
    if number % 2:
        line = line[np.argsort(-standing[line], kind="stable")]
    order = [int(player) for player in line]
    free = _Line(n)
    pairs = []
    for at in sorted(range(n), key=lambda at: (len(met[order[at]]), at)):
        if not free.holds(at):
            continue
        free.take(at)
        player = order[at]
        for other in free.around(at):
            if order[other] not in met[player]:
                free.take(other)
                pairs.append((player, order[other]))
                break
    return pairs


class _Line:
    """Places 0 … n − 1 in a row, of which those taken are stepped over without being looked at."""

    def __init__(self, n: int) -> None:
        self._after = list(range(1, n + 2))  # one more place at either end, as a wall
        self._before = list(range(-1, n))
        self._held = [True] * n

    def holds(self, at: int) -> bool:
        """Whether place `at` is not taken yet."""
        return self._held[at]

    def take(self, at: int) -> None:
        """Take place `at`; its own neighbours stay known, so that `around` works from it."""
        before, after = self._before[at], self._after[at]
        if before >= 0:
            self._after[before] = after
        if after < len(self._held):
            self._before[after] = before
        self._held[at] = False

    def around(self, at: int) -> Iterator[int]:
        """Places not taken, the nearest to the taken place `at` first, lower before higher."""
        low, high = self._before[at], self._after[at]
        while low >= 0 or high < len(self._held):
            if high >= len(self._held) or (low >= 0 and at - low <= high - at):
                yield low
                low = self._before[low]
            else:
                yield high
                high = self._after[high]
