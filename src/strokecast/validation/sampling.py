"""A bounded uniform sample of a stream of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SAMPLE_SIZE = 65_536  # rows; the empirical CDF is within 0.0053 of the stream's (95 %)


class BottomKSample:
    """Uniform sample of at most `size` rows of a stream: the rows with the smallest hashes.

    The hash depends only on the row's position, so a stream gives the same sample however it is
    cut into batches. A stream of at most `size` rows is kept in full. (Bottom-k sampling: Cohen and
    Kaplan 2007, "Summarizing data using bottom-k sketches".)

    Args:
        n_columns: numbers per row.
        size: maximum number of rows.

    Attributes:
        n_seen: rows of the stream so far.
        rows: float64 [min(n_seen, size), n_columns], in no particular order.
    """

    def __init__(self, n_columns: int, size: int = SAMPLE_SIZE) -> None:
        self.size = size
        self.n_seen = 0
        self.rows = np.zeros((0, n_columns), dtype=np.float64)
        self._hashes = np.zeros(0, dtype=np.uint64)

    def add(self, positions: NDArray[np.int64], rows: NDArray[np.float64]) -> None:
        """Add rows [n, n_columns] at `positions` [n] of the stream."""
        self.n_seen += len(positions)
        hashes = _hash(positions)
        if len(self._hashes) >= self.size:
            candidates = hashes < self._hashes.max()
            hashes, rows = hashes[candidates], rows[candidates]
        self._hashes = np.concatenate([self._hashes, hashes])
        self.rows = np.concatenate([self.rows, rows])
        if len(self._hashes) > self.size:
            smallest = np.argpartition(self._hashes, self.size - 1)[: self.size]
            self._hashes, self.rows = self._hashes[smallest], self.rows[smallest]


def _hash(positions: NDArray[np.int64]) -> NDArray[np.uint64]:
    """SplitMix64 (Steele et al. 2014) of each position; a bijection, so hashes never collide."""
    z = (positions.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
