"""Linear algebra on a graph of comparisons: steps and variances from its weighted Laplacian.

The second derivative of every model of `snellen.stats.scaling` is the Laplacian of the graph whose
edges are the compared pairs, weighted by what each pair tells. Small ones are factored. Beyond
that, conjugate gradients on the sparse edges solve a million of them in a fraction of a second
where the graph holds together well, as comparisons at random do; where it does not, as in chains,
its sparse factor has few entries and is taken instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from snellen.errors import StatsError
from snellen.stats.votes import Codes, Floats, sums

_DENSE = 300  # items up to which factoring is the fastest
_PATIENCE = 500  # rounds of conjugate gradients before the sparse factor is tried
_TOLERANCE = 1e-8
_PROBES = 64
_PROBES_AT_ONCE = 16  # vectors solved together: enough to use the memory read, few enough to fit


class Laplacian:
    """Σ weight (e_first − e_second)(e_first − e_second)ᵀ + ridge · I over the edges of a graph.

    first, second : (edges,) item codes, no edge twice.
    size          : items.
    ridge         : ≥ 0; with 0 the graph must be connected, and all vectors have mean 0.
    `weigh` sets the weights; the pattern is laid out once for all of them.
    """

    def __init__(self, first: Codes, second: Codes, size: int, ridge: float = 0.0) -> None:
        self.size, self.ridge = size, ridge
        self._first, self._second = first, second
        self._factor: Any = None
        self._weight = np.zeros(len(first))
        self._diagonal: Floats = np.zeros(size)
        if size > _DENSE:
            rows = np.concatenate([first, second])
            columns = np.concatenate([second, first])
            self._order = np.lexsort((columns, rows))
            self._indices = columns[self._order].astype(np.int32)
            self._starts = np.searchsorted(rows[self._order], np.arange(size + 1)).astype(np.int32)

    def weigh(self, weight: Floats) -> None:
        """Set the weights (edges,), all ≥ 0."""
        self._weight, self._factor = weight, None
        self._diagonal = self.ridge + (
            sums(self._first, weight, self.size) + sums(self._second, weight, self.size)
        )
        if self.size > _DENSE:
            from scipy.sparse import csr_array

            data = np.concatenate([weight, weight])[self._order]
            self._edges = csr_array(
                (data, self._indices, self._starts), shape=(self.size, self.size)
            )

    def solve(self, right: Floats) -> Floats:
        """x of mean 0 with Laplacian · x = right, for right (items, k) whose columns have mean 0.

        Raises `StatsError` where the weights leave the system singular.
        """
        if self.size > _DENSE:
            return self._gradients(right)
        from scipy.linalg import LinAlgError, cho_factor, cho_solve

        try:
            if self._factor is None:
                self._factor = cho_factor(self._matrix(), lower=True, overwrite_a=True)
        except LinAlgError:
            raise _singular() from None
        return _centred(np.asarray(cho_solve(self._factor, right)))

    def inverse(self) -> Floats:
        """(items, items) pseudo-inverse: the covariance of scores about their mean."""
        from scipy.linalg.lapack import dpotrf, dpotri

        factor, failed = dpotrf(self._matrix(), lower=1, overwrite_a=1)
        if failed:
            raise _singular()
        lower, _ = dpotri(factor, lower=1, overwrite_c=1)
        found = np.tril(lower) + np.tril(lower, -1).T
        # What `_matrix` added all over is the inverse's mean; without it the rest is exact.
        return np.asarray(found - found.mean())

    def inverse_diagonal(self, probes: int = _PROBES) -> Floats:
        """(items,) estimate of the pseudo-inverse's diagonal, for more items than fit a matrix.

        Averages z · (Laplacian⁻¹ z) over random signs z. With about 40 comparisons an item each
        value is within some 2 %; with few, some 10 %. The signs are the same at every call.
        Source: Bekas, Kokiopoulou & Saad, "An estimator for the diagonal of a matrix", 2007.
        """
        random = np.random.default_rng(0)
        total = np.zeros(self.size)
        done = 0
        while done < probes:
            count = min(_PROBES_AT_ONCE, probes - done)
            signs = random.choice([-1.0, 1.0], size=(self.size, count))
            total += (signs * self.solve(_centred(signs))).sum(axis=1)
            done += count
        # No variance of a score is under that of an item whose opponents were known exactly.
        floor = (1 - 1 / self.size) / self._diagonal
        return np.maximum(total / probes, floor)

    def _matrix(self) -> Floats:
        """The dense matrix; a constant all over makes it regular and changes no x of mean 0."""
        matrix = np.zeros((self.size, self.size))
        matrix[self._first, self._second] = matrix[self._second, self._first] = -self._weight
        matrix[np.diag_indices(self.size)] = self._diagonal
        matrix += self._diagonal.mean() / self.size
        return matrix

    def _gradients(self, right: Floats) -> Floats:
        """Conjugate gradients, preconditioned by the diagonal, every column by itself."""
        scale = self._diagonal[:, None]
        if not scale.all():
            raise _singular()
        x = np.zeros_like(right)
        # Without a ridge nothing can answer a mean, be it one of rounding.
        rest = right.copy() if self.ridge else _centred(right)
        goal = _TOLERANCE * np.linalg.norm(right, axis=0)
        search = rest / scale
        power = (rest * search).sum(axis=0)
        for _ in range(_PATIENCE):
            if (np.linalg.norm(rest, axis=0) <= goal).all():
                return _centred(x)
            image = scale * search - self._edges @ search
            bend = (search * image).sum(axis=0)
            step = np.divide(power, bend, out=np.zeros_like(power), where=bend > 0)
            x += step * search
            rest -= step * image
            scaled = rest / scale
            before, power = power, (rest * scaled).sum(axis=0)
            keep = np.divide(power, before, out=np.zeros_like(power), where=before > 0)
            search = scaled + keep * search
        return self._sparse_factor(right)

    def _sparse_factor(self, right: Floats) -> Floats:
        """Elimination that keeps the sparsity: cheap for the graphs that gradients are slow on."""
        from scipy.sparse import diags_array
        from scipy.sparse.linalg import splu

        # Without a ridge distances alone are determined: the first item is held at 0.
        held = 0 if self.ridge else 1
        matrix = (diags_array(self._diagonal) - self._edges).tocsc()[held:, held:]
        x = np.zeros_like(right)
        try:
            factor = splu(matrix, permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True})
        except RuntimeError:
            raise _singular() from None
        x[held:] = factor.solve(right[held:])
        return _centred(x)


def _centred(columns: Floats) -> Floats:
    return np.asarray(columns - columns.mean(axis=0))


def _singular() -> StatsError:
    return StatsError(
        "the comparisons do not determine the distances between all items",
        "Compare more items with each other, or give a prior.",
    )
