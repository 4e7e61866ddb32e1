"""A bounded sample of a stream of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIZE = 65_536  # rows; a distribution function of so many is within 0.0053 of the whole one's (95 %)


class Sample:
    """At most `size` rows of a stream, all of them as likely: those with the smallest hashes.

    The hash is that of the row's position, so the same stream gives the same sample, however it is
    cut into parts; a stream of at most `size` rows is kept whole. (Bottom-k sampling: Cohen and
    Kaplan 2007, "Summarizing data using bottom-k sketches".)

    Args:
        columns: numbers in a row.
        size: rows to keep.

    Attributes:
        seen: rows that went by.
        rows: float64 [min(seen, size), columns], in no particular order.
    """

    def __init__(self, columns: int, size: int = SIZE) -> None:
        self.size = size
        self.seen = 0
        self.rows = np.zeros((0, columns), dtype=np.float64)
        self._hashes = np.zeros(0, dtype=np.uint64)

    def add(self, positions: NDArray[np.int64], rows: NDArray[np.float64]) -> None:
        """Take in rows [n, columns] that stand at `positions` [n] of the stream."""
        self.seen += len(positions)
        hashes = _hash(positions)
        if len(self._hashes) >= self.size:
            small = hashes < self._hashes.max()
            hashes, rows = hashes[small], rows[small]
        self._hashes = np.concatenate([self._hashes, hashes])
        self.rows = np.concatenate([self.rows, rows])
        if len(self._hashes) > self.size:
            kept = np.argpartition(self._hashes, self.size - 1)[: self.size]
            self._hashes, self.rows = self._hashes[kept], self.rows[kept]


def _hash(positions: NDArray[np.int64]) -> NDArray[np.uint64]:
    """SplitMix64 (Steele et al. 2014) of each position; one to one, so that no two are alike."""
    z = (positions.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
