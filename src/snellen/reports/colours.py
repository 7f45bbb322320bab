"""The colours of a score: the same in every chart, map and page."""

from __future__ import annotations

_STOPS = ((200, 60, 40), (196, 112, 58), (146, 143, 134), (92, 146, 178), (34, 112, 180))
"""From bad to good: vermilion, copper, grey, slate, blue (ours).

The two ends differ as yellow differs from blue, which every common colour-vision deficiency
leaves; every colour keeps a contrast of 3 : 1 on the light and on the dark paper."""


def score_colour(score: float) -> str:
    """The colour of a score on the scale 0–100 (beyond it: of the nearer end), as `#rrggbb`."""
    place = min(max(score / 100.0, 0.0), 1.0) * (len(_STOPS) - 1)
    at = min(int(place), len(_STOPS) - 2)
    share = place - at
    mixed = (round(a + (b - a) * share) for a, b in zip(_STOPS[at], _STOPS[at + 1], strict=True))
    return "#" + "".join(f"{channel:02x}" for channel in mixed)


def score_ramp() -> list[str]:
    """`score_colour` of 0, 1, … 100, for scripts in a page."""
    return [score_colour(score) for score in range(101)]
