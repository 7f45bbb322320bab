"""One training sample: a degraded photo as the network sees it, and what people would say of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from runs.built_in_scorer import chains
from runs.built_in_scorer.proxy import PRISTINE, SeverityProxy, features
from snellen import distortions
from snellen.distortions import FAMILIES, opinion
from snellen.images.view import View, ViewPolicy, whole_view

STORED = 9  # crops kept of each training sample
ALIGNED = 0.7  # share of crops on the 8-pixel grid; the others stand for cropped pictures
# Named right less than six times in ten on validation contents by version 2: they leave a picture
# that could be another photo's, so ladders of one photo teach most about them.
HARD = ("brighten", "darken", "mean-shift", "contrast-change", "non-eccentricity-patch")
# The order in which faults come about: optics, light, sensor, transmission, coding.
_ORDER = {
    name: i
    for i, name in enumerate(
        ("blur", "brightness", "contrast", "colorfulness", "noise", "jitter", "compression")
    )
}


@dataclass(frozen=True)
class Sample:
    """What was done and what it is worth.

    parts    : the distortions in the order applied, (name, level); of a chain, its steps, each
               with its share of the full strength.
    opinion  : mean opinion, 1–5, higher is better: human table or proxy.
    families : (8,) soft label, sums to 1.
    severity : (7,) harm of each family but `clean`, 0–1.
    """

    pixels: np.ndarray
    parts: tuple[tuple[str, float], ...]
    opinion: float
    families: np.ndarray
    severity: np.ndarray


def tabled() -> list[distortions.Distortion]:
    """Types with a human table: KADID-10k's."""
    return [d for d in distortions.catalogue() if opinion(d.name, 1)]


def untabled() -> list[distortions.Distortion]:
    return [d for d in distortions.catalogue() if not opinion(d.name, 1)]


def human_opinion(kind: distortions.Distortion, level: int) -> float | None:
    """Mean opinion (1–5) of the human table; None where there is none for `kind`.

    A level that changes nothing is a pristine photo, whatever its raters said of it.
    """
    if not kind.visible(level):
        return PRISTINE
    human = kind.opinion(level)
    return human.mean if human else None


def make(
    original: np.ndarray,
    parts: tuple[tuple[str, int], ...],
    proxy: SeverityProxy,
    seed: int,
) -> Sample:
    """Apply `parts` to `original` and label the result.

    A single tabled type takes the table's mean; everything else asks the proxy. In a mix each part
    is also judged alone, so that the families share the blame by their own harm.
    """
    pixels = original
    harms: list[tuple[str, float]] = []
    for i, (name, level) in enumerate(parts):
        kind = distortions.get(name)
        human = human_opinion(kind, level)
        before = pixels
        pixels = distortions.apply(before, name, level, seed=seed + i)
        if human is not None:
            known = human
        else:
            alone = pixels if i == 0 else distortions.apply(original, name, level, seed=seed + i)
            known = float(proxy.predict(features(original, alone)[None])[0])
        harms.append((kind.family, _harm(known)))
    if not parts:
        worth = PRISTINE
    elif len(parts) == 1:
        worth = PRISTINE - harms[0][1] * (PRISTINE - 1)
    else:
        worth = float(proxy.predict(features(original, pixels)[None])[0])
        # A second fault never makes a picture better than its worst part alone.
        worth = min(worth, PRISTINE - max(h for _, h in harms) * (PRISTINE - 1) + 0.2)
    return Sample(pixels, parts, worth, *_blame(harms))


def make_chain(
    original: np.ndarray, chain: chains.Chain, strength: float, proxy: SeverityProxy, seed: int
) -> Sample:
    """Apply `chain` to `original` at `strength`; the proxy judges every stage of it.

    A step is blamed for what it took from the opinion of the stage before, and no family for more
    than what is wrong with the outcome, because a later step may undo an earlier one.
    """
    stages = chains.apply(original, chain, strength, seed)
    found = proxy.predict(np.stack([features(original, pixels) for _, pixels in stages]))
    outcome = _harm(float(found[-1]))
    blame: dict[str, float] = {}
    before = PRISTINE
    for (family, _), now in zip(stages, found.tolist(), strict=True):
        blame[family] = blame.get(family, 0.0) + max(0.0, before - now) / (PRISTINE - 1)
        before = now
    harms = [(family, min(harm, outcome)) for family, harm in blame.items()]
    parts = tuple((name, round(share * strength, 3)) for name, share in chain)
    return Sample(stages[-1][1], parts, float(found[-1]), *_blame(harms))


def _harm(opinion_1_5: float) -> float:
    return float(np.clip((PRISTINE - opinion_1_5) / (PRISTINE - 1), 0, 1))


def _blame(harms: list[tuple[str, float]]) -> tuple[np.ndarray, np.ndarray]:
    severity = np.zeros(len(FAMILIES) - 1, np.float32)
    for family, harm in harms:
        i = FAMILIES.index(family)
        if i < len(severity):
            severity[i] = max(severity[i], harm)
    families = np.zeros(len(FAMILIES), np.float32)
    worst = float(severity.max(initial=0))
    seen = float(np.clip((worst - 0.03) / 0.09, 0, 1))  # under 3 % nobody sees it, from 12 % all do
    if seen > 0:
        share = severity**2 / (severity**2).sum()  # the stronger fault names the picture
        families[:-1] = seen * share
    families[-1] = 1 - seen
    return families, severity


def random_mix(
    rng: np.random.Generator, kinds: list[distortions.Distortion]
) -> tuple[tuple[str, int], ...]:
    """Two (sometimes three) distortions of different families, in the order they come about."""
    chosen: dict[str, tuple[str, int]] = {}
    for _ in range(2 if rng.random() < 0.8 else 3):
        kind = kinds[rng.integers(len(kinds))]
        level = int(rng.choice([1, 2, 3, 4, 5], p=[0.2, 0.3, 0.25, 0.15, 0.1]))
        chosen.setdefault(kind.family, (kind.name, min(level, kind.levels[-1])))
    return tuple(part for _, part in sorted(chosen.items(), key=lambda kv: _ORDER[kv[0]]))


def random_view(pixels: np.ndarray, rng: np.random.Generator, policy: ViewPolicy) -> View:
    """`STORED` crops at random places; otherwise as `snellen.images.view` shows it."""
    height, width = pixels.shape[:2]
    size = policy.size
    boxes = np.empty((STORED, 4), np.int64)
    for box in boxes:
        x, y = rng.integers(width - size + 1), rng.integers(height - size + 1)
        if rng.random() < ALIGNED:
            x, y = x - x % 8, y - y % 8
        box[:] = (x, y, size, size)
    crops = np.stack([pixels[y : y + size, x : x + size] for x, y, _, _ in boxes])
    return View(crops, boxes, whole_view(pixels, policy.whole), {})
