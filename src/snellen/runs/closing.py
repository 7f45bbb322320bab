"""What holds something open and lets go of it at the end of a `with` block."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TypeVar

Held = TypeVar("Held", bound="Closing")


class Closing(ABC):
    """Gives itself to a `with` block, and is closed when the block is left, however."""

    @abstractmethod
    def close(self) -> None:
        """Let go; nothing is asked of it afterwards."""

    def __enter__(self: Held) -> Held:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
