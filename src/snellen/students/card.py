"""A student's card in words: who taught it, on what, and how far people were asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from snellen.wording import counted


def lines_of(card: Mapping[str, Any]) -> list[str]:
    """The card as lines, "label  what"; what is not known is said to be unknown."""
    teacher, distilled, calibration = (
        card.get(key) for key in ("teacher", "distilled", "calibration")
    )
    lines = [f"student    {card['name']}@{card['version']}, body {card['body']}"]
    if teacher:
        lines.append(f"teacher    {teacher['judge']}, {teacher['method']}")
    else:
        lines.append("teacher    none: the built-in scorer's own training")
    if teacher or "licence" in card:
        lines.append(f"licence    of the teacher's weights: {card.get('licence', 'not stated')}")
    if distilled:
        lines.append(
            f"distilled  from {counted(distilled['pictures'], 'picture')} and"
            f" {counted(distilled['pairs'], 'pair')}, λ {distilled['pair_weight']:g},"
            f" {distilled['tune']} tuned"
        )
    lines.append(f"calibrated {_calibrated(calibration) if calibration else 'on no ratings yet'}")
    if calibration:
        lines.append(f"scale      {_scale(calibration)}")
        lines.append(f"interval   {_interval(calibration['interval'])}")
    return lines


def _calibrated(found: Mapping[str, Any]) -> str:
    value, low, high = found["srcc"]
    before = found["srcc_before"][0]
    said = f"on {counted(found['n'], 'rated image')}"
    if found["raters"]:
        said += f" ({found['answers']:,} votes of {counted(found['raters'], 'rater')})"
    elif found["kind"] == "pairs":
        said += f" ({found['answers']:,} comparisons)"
    return f"{said}: SRCC {value:.3f} [{low:.3f}, {high:.3f}] cross-validated, {before:.3f} before"


def _scale(found: Mapping[str, Any]) -> str:
    if found["scale"] is None:
        return "of the student itself: pairs fix none"
    low, high = found["scale"]
    return f"people's {low:g} to {high:g} is 0 to 100"


def _interval(found: Mapping[str, Any]) -> str:
    low, high = found["covered_interval"]
    return (
        f"{found['nominal']:.0%} {found['method']}, ± {found['half_width']:.1f} points; held"
        f" {found['covered']:.1%} [{low:.1%}, {high:.1%}] of ratings cross-validated"
    )
