"""Scores and ratings of the same images, row beside row: what `evaluate` and `compare` work on.

ratings = load_ratings("mos.csv")
matched = match(ratings, [load_scores("a.csv"), load_scores("b.csv")])
matched.scores                       # (2, n), NaN where a rated image has no score
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from snellen.data import (
    Dataset,
    Join,
    find_column,
    join_by_image,
    numbers,
    read_dataset,
    read_ratings,
    read_table,
    texts,
)
from snellen.data.tables import IMAGE_NAMES, SCORE_NAMES
from snellen.errors import InputError, NotFinite

Floats = npt.NDArray[np.float64]

_SHOWN = 3  # ids named in a warning
_FEWEST_CLUSTERS = 3  # a bootstrap over references needs as many


@dataclass(frozen=True)
class Scores:
    """One scorer's column of a table.

    name   : the scorer's, made from the file's (and the column's) name.
    image  : (n,) ids as the file has them.
    values : (n,) higher is better; NaN where the cell is empty.
    source : file and column, for reports.
    """

    name: str
    image: list[str]
    values: Floats
    source: str


@dataclass(frozen=True)
class Matched:
    """Ratings with k scorers' scores beside them; n rated images.

    ratings  : the n rated images.
    names    : (k,) of the scorers.
    sources  : (k,) file and column of each.
    scores   : (k, n) NaN where unscored.
    votes    : (n,) votes per image; NaN where unknown.
    warnings : what was left out or looks wrong, one sentence each.
    """

    ratings: Dataset
    names: tuple[str, ...]
    sources: tuple[str, ...]
    scores: Floats
    votes: Floats
    warnings: tuple[str, ...]

    @property
    def mos(self) -> Floats:
        """(n,) mean opinion, turned so that higher is better."""
        return self.ratings.quality

    @property
    def unscored(self) -> tuple[int, ...]:
        """(k,) rated images that each scorer has no score for."""
        rated = ~np.isnan(self.mos)
        return tuple(int(np.isnan(row[rated]).sum()) for row in self.scores)

    @property
    def clusters(self) -> list[str] | None:
        """(n,) the reference each image was made from; None where images stand alone.

        Fewer than three references cannot be resampled: None then, too (`match` warns).
        """
        groups = self.ratings.groups
        distinct = len(set(groups))
        return groups if _FEWEST_CLUSTERS <= distinct < len(groups) else None

    @property
    def has_votes(self) -> bool:
        """Whether spread and number of votes are known of any image."""
        return bool((np.isfinite(self.ratings.std) & np.isfinite(self.votes)).any())

    def only(self, scorer: int) -> Matched:
        """The same images with one scorer."""
        return replace(
            self,
            names=(self.names[scorer],),
            sources=(self.sources[scorer],),
            scores=self.scores[scorer : scorer + 1],
        )

    def common(self) -> Matched:
        """The images that every scorer scored and people rated."""
        return self.take(~np.isnan(self.scores).any(axis=0) & ~np.isnan(self.mos))

    def take(self, rows: npt.NDArray[np.bool_]) -> Matched:
        """The images that a mask (n,) marks."""
        return replace(
            self,
            ratings=self.ratings.take(rows),
            scores=self.scores[:, rows],
            votes=self.votes[rows],
        )


def load_scores(
    path: str | Path, column: str | None = None, *, image: str | None = None, negate: bool = False
) -> Scores:
    """One column of scores from a table.

    column : name of the scores; found by the usual names otherwise.
    image  : name of the image column, likewise.
    negate : lower is better: the values change sign.
    Raises `DataError` for what is no such table, `NotFinite` naming the first infinite score.
    """
    path = Path(path)
    table = read_table(path)
    names = texts(table, find_column(table, IMAGE_NAMES, image, where=path))
    found = find_column(table, SCORE_NAMES, column, where=path)
    values = numbers(table, found, path)
    if np.isinf(values).any():
        row = int(np.flatnonzero(np.isinf(values))[0])
        raise NotFinite(
            f"{path}: the score of {names[row]!r} in column {found!r} is infinite",
            "Leave the cell of an image that could not be scored empty.",
        )
    source = f"{path.name}, column {found}"
    return Scores(
        path.stem if column is None else found, names, -values if negate else values, source
    )


def rename_alike(scorers: Sequence[Scores], files: Sequence[Path]) -> list[Scores]:
    """Give scorers of one name the directories of their files as well: "a/scores", "b/scores".

    The same column of one file twice keeps its name, which `match` refuses.
    """
    parts = [
        (*path.resolve().parent.parts[1:], scorer.name)
        for scorer, path in zip(scorers, files, strict=True)
    ]
    names = [scorer.name for scorer in scorers]
    depth = 1
    while len(set(names)) < len(names) and depth < max(map(len, parts)):
        depth += 1
        names = [
            "/".join(part[-depth:]) if names.count(name) > 1 else name
            for name, part in zip(names, parts, strict=True)
        ]
    if len(set(names)) < len(names):
        return list(scorers)
    return [replace(scorer, name=name) for scorer, name in zip(scorers, names, strict=True)]


def load_ratings(
    path: str | Path,
    *,
    dataset: str | None = None,
    image: str | None = None,
    mos: str | None = None,
    lower_is_better: bool = False,
    split: str | None = None,
) -> Dataset:
    """Ratings from a table, or from the directory of a public set (`dataset` names it).

    split : use the images of one published split only.
    Raises as `snellen.data.read_ratings` and `read_dataset`.
    """
    path = Path(path)
    if dataset is not None or path.is_dir():
        data = read_dataset(path, dataset)
    else:
        data = read_ratings(path, image=image, mos=mos, lower_is_better=lower_is_better)
    return data if split is None else data.part(split)


def match(ratings: Dataset, scorers: Sequence[Scores], *, votes: float | None = None) -> Matched:
    """Put the scores of every scorer beside the ratings, by image.

    votes : number of votes per image, where the ratings do not say.
    Images are matched by path, then by the longest unambiguous ending of it, then without file
    ending: see `snellen.data.joins`. Raises `DataError` when nothing matches or an image stands
    twice, `InputError` when two scorers have one name.
    """
    names = tuple(scorer.name for scorer in scorers)
    if len(set(names)) < len(names):
        raise InputError(
            f"two scorers are both called {max(names, key=names.count)!r}",
            "Rename one of the files, or name the columns.",
        )
    table = np.full((len(scorers), len(ratings)), np.nan)
    warnings = [*ratings.notes]
    for row, scorer in enumerate(scorers):
        who = f"the scores of {scorer.name}"
        join = join_by_image(scorer.image, ratings.image, (who, "the ratings"))
        table[row, join.right] = scorer.values[join.left]
        warnings += _about(join, scorer, ratings)
    unrated = int(np.isnan(ratings.mos).sum())
    if unrated:
        warnings.append(f"{unrated} images of {ratings.name} have no rating and are left out.")
    groups = set(ratings.groups)
    if 1 <= len(groups) < min(_FEWEST_CLUSTERS, len(ratings)):
        warnings.append(
            f"The images come from {len(groups)} references, too few to resample: intervals take "
            "the images as independent and are too narrow."
        )
    counted = ratings.votes
    if votes is not None:
        counted = np.where(np.isnan(counted), votes, counted)
    sources = tuple(scorer.source for scorer in scorers)
    return Matched(ratings, names, sources, table, counted, tuple(warnings))


def _about(join: Join, scorer: Scores, ratings: Dataset) -> list[str]:
    """What the join of one scorer left out."""
    said = []
    if join.only_right:
        said.append(
            f"{len(join.only_right)} of {len(ratings)} rated images are not in {scorer.source}: "
            + _listed(join.only_right, join.nearest)
        )
    empty = int(np.isnan(scorer.values[join.left]).sum())
    if empty:
        said.append(f"{empty} rated images have an empty score in {scorer.source}.")
    if join.only_left:
        said.append(
            f"{len(join.only_left)} scored images of {scorer.source} are not rated: "
            + _listed(join.only_left, join.nearest)
        )
    if join.how["stem"]:
        said.append(
            f"{join.how['stem']} images of {scorer.source} were matched without regard to file "
            "ending and case."
        )
    return said


def _listed(names: Sequence[str], nearest: dict[str, str]) -> str:
    shown = [
        f"{name} (nearest: {nearest[name]})" if name in nearest else name for name in names[:_SHOWN]
    ]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(shown) + more + "."
