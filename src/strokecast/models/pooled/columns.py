"""Sparse columns of a regression in which every day has the same number of nonzero values.

Shapes: n days, P nonzero values per day, K columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Columns:
    """K columns by position and value of their nonzero entries.

    Attributes:
        index: int64 [n, P], the column of each value.
        values: float64 [n, P].
        count: K.
    """

    index: Ints
    values: Floats
    count: int

    def __mul__(self, other: Columns) -> Columns:
        """The products of each column with each column of `other`: the interaction of two features."""
        index = self.index[:, :, None] * other.count + other.index[:, None, :]  # [n, P, P of other]
        values = self.values[:, :, None] * other.values[:, None, :]
        n = len(index)
        return Columns(index.reshape(n, -1), values.reshape(n, -1), self.count * other.count)

    def sparse(self) -> Any:
        """As a `scipy.sparse.csr_matrix` of shape [n, K]."""
        from scipy.sparse import csr_matrix

        n, width = self.index.shape
        row_ends = np.arange(0, n * width + 1, width)
        return csr_matrix((self.values.ravel(), self.index.ravel(), row_ends), (n, self.count))


def one_hot(index: Ints, count: int) -> Columns:
    """A flag per category, from the category of each day: int64 [n], 0 to `count` - 1."""
    return Columns(index[:, None], np.ones((len(index), 1)), count)


def dense(values: Floats) -> Columns:
    """Columns without zeros, from float64 [n, K]."""
    index = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    return Columns(np.ascontiguousarray(index), values, values.shape[1])


def hat_functions(position: Floats, knots: Floats) -> Columns:
    """Weights of a piecewise linear function of time with one column per knot; constant beyond the outer knots.

    Args:
        position: float64 [n], days.
        knots: float64 [K], K >= 2, rising.
    """
    inside = np.clip(position, knots[0], knots[-1])
    left = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, len(knots) - 2)
    share = (inside - knots[left]) / (knots[left + 1] - knots[left])
    return Columns(np.stack([left, left + 1], axis=1), np.stack([1 - share, share], axis=1), len(knots))
