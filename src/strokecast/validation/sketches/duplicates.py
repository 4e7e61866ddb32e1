"""Find drawings with the same points without holding all digests in memory.

Digests are partitioned by their first byte, so all copies of a drawing are in one partition. Each
partition is sorted on its own (a hash partition, as in database joins larger than memory).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.validation.sketches.spool import Spool, Spools

BUCKET_SIZE = 524_288  # positions whose duplicates are in memory together
_SPOOL_MEMORY = 32 << 10  # bytes of a partition or bucket that stay in memory
_DIGEST_DTYPE = np.dtype([("digest", "u8", 2), ("split", "i1"), ("position", "i8")])
DUPLICATE_DTYPE = np.dtype([("position", "i8"), ("within", "i4"), ("across", "i4"), ("first", "i8")])


class DuplicateFinder:
    """Earlier copies of each drawing: in its own split, in earlier splits, and the first of all.

    First `add` all drawings, then `finish`, then read `duplicates_in`. Memory holds one partition,
    which is 1/256 of all drawings at 25 bytes each, unless very many are copies of one drawing.

    Args:
        spools: storage of the digests.
    """

    def __init__(self, spools: Spools) -> None:
        self._spools = spools
        self._partitions: dict[int, Spool] = {}
        self._buckets: dict[int, Spool] = {}
        self._loaded: tuple[int, NDArray[Any]] = (-1, np.zeros(0, dtype=DUPLICATE_DTYPE))

    def add(self, digests: NDArray[np.uint8], split: int, positions: NDArray[np.int64]) -> None:
        """Add drawings of one split.

        Args:
            digests: uint8 [N, 16], digests of their points.
            split: index of their split in `SPLITS`.
            positions: int64 [N], ascending from call to call.
        """
        rows = np.empty(len(positions), dtype=_DIGEST_DTYPE)
        rows["digest"] = np.ascontiguousarray(digests).view(np.uint64)
        rows["split"], rows["position"] = split, positions
        self._append_by_key(self._partitions, rows, digests[:, 0].astype(np.int64))

    def finish(self) -> None:
        """Find the duplicates, partition by partition, after all drawings are added."""
        while self._partitions:
            _, spool = self._partitions.popitem()
            duplicates = _find_duplicates(spool.read())
            spool.close()
            self._append_by_key(self._buckets, duplicates, duplicates["position"] // BUCKET_SIZE)

    def duplicates_in(self, start: int, stop: int) -> NDArray[Any]:
        """Drawings at positions [`start`, `stop`) that have earlier copies.

        Returns:
            `DUPLICATE_DTYPE` [n], positions ascending: `within`: number of earlier copies in the
            same split, `across`: number of copies in earlier splits, `first`: position of the
            first copy.
        """
        slices = []
        for bucket in range(start // BUCKET_SIZE, (max(stop, start + 1) - 1) // BUCKET_SIZE + 1):
            if self._loaded[0] != bucket:
                spool = self._buckets.get(bucket)
                rows = np.zeros(0, dtype=DUPLICATE_DTYPE) if spool is None else spool.read()
                self._loaded = bucket, np.sort(rows, order="position")
            rows = self._loaded[1]
            low, high = np.searchsorted(rows["position"], [start, stop])
            slices.append(rows[low:high])
        return np.concatenate(slices)

    def _append_by_key(self, spools: dict[int, Spool], rows: NDArray[Any], keys: NDArray[np.int64]) -> None:
        """Append each row to the spool of its key; the order of the rows is kept."""
        order = np.argsort(keys, kind="stable")
        rows, keys = rows[order], keys[order]
        distinct, starts = np.unique(keys, return_index=True)
        for key, key_rows in zip(distinct.tolist(), np.split(rows, starts[1:]), strict=False):
            if key not in spools:
                spools[key] = self._spools.new(rows.dtype, _SPOOL_MEMORY)
            spools[key].append(key_rows)


def _find_duplicates(rows: NDArray[Any]) -> NDArray[Any]:
    """The rows (`_DIGEST_DTYPE`) that have earlier copies, as `DUPLICATE_DTYPE`, in any order."""
    order = np.lexsort((rows["position"], rows["split"], rows["digest"][:, 1], rows["digest"][:, 0]))
    rows = rows[order]
    indices = np.arange(len(rows))
    is_first = np.ones(len(rows), dtype=bool)  # first of all copies
    is_first[1:] = (rows["digest"][1:] != rows["digest"][:-1]).any(axis=1)
    is_first_in_split = is_first.copy()
    is_first_in_split[1:] |= rows["split"][1:] != rows["split"][:-1]
    first = np.maximum.accumulate(np.where(is_first, indices, 0))
    first_in_split = np.maximum.accumulate(np.where(is_first_in_split, indices, 0))
    duplicates = np.empty(int((~is_first).sum()), dtype=DUPLICATE_DTYPE)
    duplicates["position"] = rows["position"][~is_first]
    duplicates["within"] = (indices - first_in_split)[~is_first]
    duplicates["across"] = (first_in_split - first)[~is_first]
    duplicates["first"] = rows["position"][first][~is_first]
    return duplicates
