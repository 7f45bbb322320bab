"""A training's state on disk: taken up where it was stopped."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch


def take_up(store: Path, things: Mapping[str, Any]) -> int:
    """Give `things` the states that `keep` left, by name; the number of steps done, 0 at first."""
    if not store.exists():
        return 0
    state = torch.load(store, weights_only=True)
    for name, thing in things.items():
        thing.load_state_dict(state[name])
    first = int(state["step"])
    print(f"resuming after step {first}", flush=True)
    return first


def keep(store: Path, things: Mapping[str, Any], step: int) -> None:
    """Save states and the number of steps done; the old file stays until the new one is whole."""
    state = {name: thing.state_dict() for name, thing in things.items()}
    torch.save({**state, "step": step}, store.with_suffix(".part"))
    store.with_suffix(".part").replace(store)
