"""In which order a rater sees what: shuffled, with hidden repeats and checks among the pictures.

Everybody rates the same pictures, round by round, each in an order of their own that follows from
the study's seed and the rater's name. All numbers here are ours; that training comes first, that
the order differs between raters and that some stimuli come twice is ITU-T P.910 (2023) and
ITU-R BT.500-15.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from snellen.rating.store import Kind, Shown, Stimulus, Task

ROUND = 10  # pictures or pairs a round: a break and a new choice come after each
TRAINING = 3  # answers that do not count
REPEAT_EVERY = 10  # one hidden repeat for so many
CHECK_EVERY = 20  # one obvious case for so many
APART = 5  # trials between a picture and its repeat, at least

TRAINING_ROUND = -1


def random_for(*parts: object) -> np.random.Generator:
    """A generator seeded by what is given and nothing else."""
    text = "\0".join(map(str, parts)).encode()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text).digest()[:8], "big"))


def training(task: Task, images: Sequence[str], seed: str) -> list[tuple[Kind, Shown]]:
    """The first trials: a ruined picture and others as they are, so that the scale is seen.

    images : hashes to take them from; the fewer, the more they repeat.
    """
    rng = random_for(seed, "training")
    chosen = [images[int(i) % len(images)] for i in rng.permutation(max(len(images), TRAINING))]
    ruined, *plain = chosen[:TRAINING]
    if task == "acr":
        shown: list[Shown] = [(Stimulus(plain[0]),), (Stimulus(ruined, True),)]
        shown += [(Stimulus(image),) for image in plain[1:]]
    else:
        shown = [(Stimulus(image), Stimulus(image, True)) for image in (ruined, *plain)]
        shown[1] = shown[1][::-1]
    return [("training", stimuli) for stimuli in shown]


def round_for(
    rater: str,
    seed: str,
    number: int,
    items: Sequence[Shown],
    earlier: Sequence[Shown],
) -> list[tuple[Kind, Shown]]:
    """One rater's trials of a round.

    items   : what everybody rates in this round.
    earlier : what this rater has rated before it; repeats and checks are taken from there first.
    Pairs come in a random order of their two sides; a repeated pair comes with its sides swapped.
    """
    rng = random_for(seed, rater, number)
    order = [items[i] for i in rng.permutation(len(items))]
    pairs = bool(items) and len(items[0]) == 2
    if pairs:
        order = [shown[::-1] if rng.random() < 0.5 else shown for shown in order]
    trials: list[tuple[Kind, Shown]] = [("rating", shown) for shown in order]
    for _ in range(_due(number, len(items), REPEAT_EVERY)):
        place, again = _repeat(rng, order, earlier)
        trials.insert(place, ("repeat", again[::-1]))
    for _ in range(_due(number, len(items), CHECK_EVERY)):
        known = [*earlier, *order]
        image = known[int(rng.integers(len(known)))][0]
        good, bad = Stimulus(image.image), Stimulus(image.image, True)
        sides = (good, bad) if rng.random() < 0.5 else (bad, good)
        trials.insert(int(rng.integers(len(trials) + 1)), ("check", sides if pairs else (bad,)))
    return trials


def _due(number: int, size: int, every: int) -> int:
    """How many of a kind fall into this round, when one is due for every so many."""
    before = number * ROUND
    return (before + size) // every - before // every


def _repeat(
    rng: np.random.Generator, order: Sequence[Shown], earlier: Sequence[Shown]
) -> tuple[int, Shown]:
    """Where a repeat is put, and of what: far enough from where it was seen first."""
    if earlier:
        return len(order) - int(rng.integers(len(order) // 2 + 1)), earlier[
            int(rng.integers(len(earlier)))
        ]
    first = int(rng.integers(max(1, len(order) - APART)))
    place = min(len(order), first + APART + int(rng.integers(max(1, len(order) - first - APART))))
    return place, order[first]
