"""Tables of paired comparisons, in any of the layouts they come in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from snellen.data.tables import find_column, find_optional, numbers, texts
from snellen.errors import DataError
from snellen.stats.pairs import Comparisons, collect_counts, collect_pairs

FIRST_NAMES = (
    "first", "left", "a", "image_a", "image_1", "image1", "img1", "image_left", "first_image",
    "item1", "item_a", "stimulus_a",
)  # fmt: skip
SECOND_NAMES = (
    "second", "right", "b", "image_b", "image_2", "image2", "img2", "image_right", "second_image",
    "item2", "item_b", "stimulus_b",
)  # fmt: skip
PREFERRED_NAMES = (
    "preferred", "preference", "answer", "choice", "chosen", "winner", "better", "response",
    "result", "selection",
)  # fmt: skip
WINNER_NAMES, LOSER_NAMES = ("winner", "won", "better"), ("loser", "lost", "worse")
WINS_FIRST_NAMES = ("wins_first", "first_wins", "wins_a", "a_wins", "count_first", "count_a")
WINS_SECOND_NAMES = ("wins_second", "second_wins", "wins_b", "b_wins", "count_second", "count_b")
TIES_NAMES = ("ties", "n_ties", "draws", "count_tie", "equal")


Cells = Mapping[str, Sequence[object]]


def are_comparisons(table: Cells) -> bool:
    """Whether the columns say that images were compared with each other."""
    both = find_optional(table, FIRST_NAMES), find_optional(table, SECOND_NAMES)
    won = find_optional(table, WINNER_NAMES), find_optional(table, LOSER_NAMES)
    return None not in both or None not in won


def comparisons_of(
    table: Cells,
    path: Path,
    given: tuple[str | None, str | None, str | None] = (None, None, None),
) -> Comparisons:
    """The answers of a table: first, second and preferred; winner and loser; or counts per pair.

    given : names of the columns first, second and preferred, where the user said them.
    Raises `DataError` naming the column or the row that is not understood.
    """
    winner, loser = find_optional(table, WINNER_NAMES), find_optional(table, LOSER_NAMES)
    if winner is not None and loser is not None and not any(given):
        names = _names(table, winner, path), _names(table, loser, path)
        return collect_pairs(*names, ["first"] * len(names[0]))
    one = _names(table, find_column(table, FIRST_NAMES, given[0], path), path)
    other = _names(table, find_column(table, SECOND_NAMES, given[1], path), path)
    wins = find_optional(table, WINS_FIRST_NAMES), find_optional(table, WINS_SECOND_NAMES)
    if wins[0] is None or wins[1] is None or given[2] is not None:
        answer = find_column(table, PREFERRED_NAMES, given[2], path)
        return collect_pairs(one, other, texts(table, answer))
    tied = find_optional(table, TIES_NAMES)
    return collect_counts(
        one,
        other,
        numbers(table, wins[0], path),
        numbers(table, wins[1], path),
        None if tied is None else numbers(table, tied, path),
    )


def _names(table: Cells, column: str, path: Path) -> list[str]:
    cells = texts(table, column)
    if "" in cells:
        row = cells.index("") + 1
        raise DataError(f"{path}: row {row} has an empty {column!r}", "Fill in or delete the row.")
    return cells
