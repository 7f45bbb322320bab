"""Which pairs come into the next round, and pictures where there is no student to ask.

Pictures: spread over the scores, since a scale can only be set where there are ratings.
Pairs: every picture equally often, half against a random other and half against one that the
student scores close by, where a comparison tells most. Both rules are ours.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np

from snellen.rating.pictures import Gallery
from snellen.rating.plan import random_for
from snellen.rating.store import Shown, Stimulus

PAIRS_AN_IMAGE = 4  # comparisons each picture takes part in, about
_UNEVEN = 2  # so many more comparisons than the least compared one a partner may have


def most_pairs(images: int) -> int:
    """How many different pairs there are."""
    return images * (images - 1) // 2


def pairs(
    gallery: Gallery,
    earlier: Sequence[Shown],
    count: int,
    seed: str,
    first: Callable[[int], list[str]],
) -> list[Shown]:
    """`count` more pairs, none of which was there before.

    first : the so many pictures that should be compared first, by hash.
    """
    rng = random_for(seed, "pairs", len(earlier))
    order = by_score(gallery)
    place = {image: i for i, image in enumerate(order)}
    seen = {frozenset(stimulus.image for stimulus in shown) for shown in earlier}
    often = Counter(stimulus.image for shown in earlier for stimulus in shown)
    # As many pictures as can each be compared a few times, and a few more with every round.
    enough = max(2, -(-2 * (len(earlier) + count) // PAIRS_AN_IMAGE))
    field = first(min(len(order), enough))
    chosen: list[Shown] = []
    while len(chosen) < count:
        pair = _new_pair(field, seen, often, rng, place if len(chosen) % 2 else None)
        if pair is not None:
            seen.add(frozenset(pair))
            often.update(pair)
            chosen.append((Stimulus(pair[0]), Stimulus(pair[1])))
        elif len(field) < len(order):
            field = first(len(field) + 1)
        else:
            break  # every pair was there
    return chosen


def _new_pair(
    field: Sequence[str],
    seen: Collection[frozenset[str]],
    often: Mapping[str, int],
    rng: np.random.Generator,
    place: Mapping[str, int] | None,
) -> tuple[str, str] | None:
    """The picture compared least often, and another: the closest by `place`, or a random one."""
    for one in sorted(field, key=lambda image: (often.get(image, 0), rng.random())):
        others = [o for o in field if o != one and frozenset((one, o)) not in seen]
        if not others:
            continue
        most = min(often.get(other, 0) for other in others) + _UNEVEN
        others = [other for other in others if often.get(other, 0) <= most]
        if place:
            return one, min(others, key=lambda other: abs(place[other] - place[one]))
        return one, others[int(rng.integers(len(others)))]
    return None


def spread(order: Sequence[str]) -> list[str]:
    """The same names, so ordered that every beginning covers the whole evenly.

    The ends come first, then the middle of the longest gap, and so on: the order of van der
    Corput's sequence.
    """
    if len(order) < 3:
        return list(order)
    found, gaps = [0, len(order) - 1], [(0, len(order) - 1)]
    while gaps:
        wider: list[tuple[int, int]] = []
        for low, high in gaps:
            if high - low > 1:
                middle = (low + high) // 2
                found.append(middle)
                wider += [(low, middle), (middle, high)]
        gaps = wider
    return [order[i] for i in found]


def by_score(gallery: Gallery) -> list[str]:
    """All pictures by their score, worst first."""
    return sorted(gallery.known, key=lambda image: (gallery.known[image].score, image))
