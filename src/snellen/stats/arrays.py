"""What every statistic does first: pair the numbers up, leave out and count what is missing.

Two conventions hold in the whole room. NaN (or None) means *missing*: the image is left out of both
sides and counted. Infinity is never data: it is refused, because no rank, mean or map made from it
could be trusted. And the rows of a table have no meaning: everything is put in one canonical order
before anything is drawn at random, so that no figure depends on how a file was sorted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from snellen.errors import ConstantValues, NotFinite, StatsError, TooFewRatings

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


@dataclass(frozen=True)
class Aligned:
    """Scores of one or several scorers and the MOS, without the missing, in canonical order.

    scores   : (k, n) finite, one row a scorer.
    mos      : (n,) finite.
    clusters : (n,) which cluster (0 … `n_clusters` − 1) each image belongs to.
    position : (n,) where each image stood in the caller's arrays.
    missing  : images left out because a score or the MOS is missing.
    missing_scores : (k,) how many scores each scorer lacks.
    clustered : whether the caller named clusters; if not, every image is its own.
    """

    scores: Floats
    mos: Floats
    clusters: Ints
    position: Ints
    missing: int
    missing_scores: tuple[int, ...]
    clustered: bool

    @property
    def n(self) -> int:
        return int(self.mos.size)

    @property
    def n_clusters(self) -> int:
        return int(self.clusters[-1]) + 1


def vector(values: ArrayLike | Iterable[float | None], name: str) -> Floats:
    """One-dimensional float64 copy of `values`; None and masked entries become NaN.

    Raises `StatsError` if they are not numbers or not one-dimensional, `NotFinite` on infinity.
    """
    try:
        if isinstance(values, np.ma.MaskedArray):
            values = np.ma.filled(values.astype(np.float64), np.nan)
        array = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise StatsError(
            f"{name} are not all numbers ({error})",
            "Give one number per image; None or NaN for a missing one.",
        ) from None
    if array.ndim != 1:
        raise StatsError(
            f"{name} have shape {array.shape}", "Give one number per image: shape (n,)."
        )
    infinite = np.flatnonzero(np.isinf(array))
    if infinite.size:
        raise NotFinite(
            f"{infinite.size} of {array.size} {name} are infinite, "
            f"the first at position {infinite[0]}",
            "Mark images without a usable score as NaN: they are left out and counted.",
        )
    return array


def cluster_codes(labels: Sequence[Any] | ArrayLike, n: int) -> Ints:
    """(n,) integer code of each label, numbered by sorted label; every image must have a label."""
    named = list(np.asarray(labels, dtype=object).ravel())
    if len(named) != n:
        raise StatsError(
            f"{len(named)} cluster labels were given for {n} images",
            "Give one label (the reference image, for example) per image.",
        )
    nameless = [
        i for i, label in enumerate(named) if label is None or label != label or label == ""
    ]
    if nameless:
        raise StatsError(
            f"{len(nameless)} of {n} images have no cluster label, "
            f"the first at position {nameless[0]}",
            "Give each a label; an image on its own may carry its own name.",
        )
    codes = np.unique(np.array([str(label) for label in named]), return_inverse=True)[1]
    return codes.reshape(-1).astype(np.intp)


def align(
    scores: Sequence[ArrayLike] | ArrayLike,
    mos: ArrayLike,
    clusters: Sequence[Any] | ArrayLike | None = None,
    *,
    names: Sequence[str] | None = None,
    need: int = 3,
) -> Aligned:
    """Check and pair `scores` (k rows of n) with `mos` (n,): see `Aligned`.

    names : what to call the rows in errors; default "scores".
    need  : the fewest pairs the statistic can be computed from.
    Raises `StatsError` (lengths, kinds), `NotFinite`, `TooFewRatings`, `ConstantValues`.
    """
    names = names or ["scores"] * len(scores)  # type: ignore[arg-type]
    rows = [vector(row, name) for row, name in zip(scores, names, strict=True)]  # type: ignore[arg-type]
    target = vector(mos, "MOS values")
    for row, name in zip(rows, names, strict=True):
        if row.size != target.size:
            raise StatsError(
                f"there are {row.size} {name} and {target.size} MOS values",
                "Join scores and MOS by image first, so that both have one entry per image.",
            )
    table = np.array(rows)
    kept = ~(np.isnan(table).any(axis=0) | np.isnan(target))
    if kept.sum() < need:
        raise TooFewRatings(
            f"{int(kept.sum())} images have both a score and a MOS "
            f"({target.size} given), and {need} are needed",
            "Check that the missing values are meant to be missing, or rate more images.",
        )
    for row, name in zip([*table, target], [*names, "MOS values"], strict=True):
        refuse_constant(row[kept], name)
    codes = (
        np.zeros(target.size, np.intp) if clusters is None else cluster_codes(clusters, target.size)
    )
    position = np.flatnonzero(kept)
    position = position[np.lexsort((*table[::-1, kept], target[kept], codes[kept]))]
    return Aligned(
        scores=table[:, position],
        mos=target[position],
        clusters=np.arange(position.size)
        if clusters is None
        else np.unique(codes[position], return_inverse=True)[1].reshape(-1),
        position=position,
        missing=int(target.size - position.size),
        missing_scores=tuple(int(count) for count in np.isnan(table).sum(axis=1)),
        clustered=clusters is not None,
    )


def standardise(values: Floats) -> tuple[Floats, float, float]:
    """`values` (n,) with mean 0 and variance 1, their mean and their deviation.

    Scaled before it is squared, so that no size of score overflows or vanishes. The deviation of
    constant values is taken as 1.
    """
    mean = float(values.mean())
    centred = values - mean
    size = float(np.abs(centred).max()) or 1.0
    deviation = float((centred / size).std()) or 1.0
    return centred / size / deviation, mean, size * deviation


def refuse_constant(values: Floats, name: str) -> None:
    """Raise `ConstantValues` if every one of `values` is the same."""
    if values.size and values.min() == values.max():
        raise ConstantValues(
            f"all {values.size} {name} are {values[0]:g}, so nothing can be correlated with them",
            "Check the column, or leave this scorer out.",
        )
