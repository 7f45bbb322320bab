"""The progress bar of every verb that takes longer than a moment."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from snellen.cli.screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from snellen.runs import Progress

_REDRAW = 0.1  # seconds between two looks of the bar


@contextmanager
def bar(doing: str = "scoring") -> Iterator[Callable[[Progress], None]]:
    """A progress bar on stderr with rate and time left, drawn only on a terminal.

    doing : the first word of the line.
    Gives what is to be called with each `Progress`.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = screen(stderr=True)
    columns = (
        TextColumn(doing),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    began = drawn = time.monotonic()
    with Bar(
        *columns, console=console, refresh_per_second=4, disable=not console.is_terminal
    ) as drawing:
        task = drawing.add_task("", total=None, rate="")

        def show(progress: Progress) -> None:
            nonlocal drawn
            now = time.monotonic()
            ended = progress.done >= progress.total and not progress.listing
            if now - drawn < _REDRAW and not ended:
                return
            drawn = now
            rate = (progress.done - progress.kept) / max(now - began, 1e-9)
            drawing.update(
                task,
                total=None if progress.listing else progress.total,
                completed=progress.done,
                rate=f"{rate:.0f} a second"
                + f", {progress.missing} missing" * (progress.missing > 0),
            )

        yield show
