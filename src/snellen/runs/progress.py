"""How far a run is, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Rows in all, done (kept ones among them), kept from an earlier run, missing.

    listing : whether files are still being found, and so `total` still grows.
    """

    total: int
    done: int
    kept: int
    missing: int
    listing: bool = False
