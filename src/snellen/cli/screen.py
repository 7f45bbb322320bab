"""Where every verb prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def screen(**how: Any) -> Console:
    """A console on stdout that leaves `:words:` of names and paths alone.

    how : as `rich.console.Console` takes it, `stderr=True` for instance.
    """
    from rich.console import Console  # heavy: a start that only lists needs none

    return Console(emoji=False, **how)
