"""How far a run is, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Rows in all, done (kept ones among them), kept from an earlier run, missing."""

    total: int
    done: int
    kept: int
    missing: int
