"""Figures as people read them, the same in the terminal and on pages."""

from __future__ import annotations

import math


def number(value: float, digits: int = 3) -> str:
    """A figure with a true minus sign; a dash where there is none, ∞ written out."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:.{digits}f}".replace("-", "−")


def compact(value: float, digits: int = 4) -> str:
    """A value of any unit with so many digits that say something, thousands apart."""
    if not math.isfinite(value):
        return number(value)
    size = math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{max(0, digits - 1 - size)}f}".replace("-", "−")


def span(low: float, high: float, digits: int = 3) -> str:
    """From where to where; in words beside a minus sign, which a dash would double."""
    between = " to " if low < 0 else " – "
    return number(low, digits) + between + number(high, digits)


def p_value(value: float) -> str:
    """A p-value with as many digits as it deserves."""
    if math.isnan(value):
        return "–"
    return "< .001" if value < 0.001 else f"{value:.3f}"


def counted(count: int, noun: str) -> str:
    """So many of something: "1 rater", "2,000 raters"."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")
