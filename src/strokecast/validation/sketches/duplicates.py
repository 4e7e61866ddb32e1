"""Drawings with the same points, found without holding all digests at once.

Digests are spread over `PARTITIONS` spools by their first byte, so that copies of a drawing meet in
one of them; each is sorted alone (a hash partition, as databases join tables larger than memory).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.validation.sketches.spool import Spool, Spools

PARTITIONS = 256
BUCKET = 524_288  # positions whose copies are held at once
_MEMORY = 32 << 10  # bytes of a partition or bucket before it goes to disk
_SEEN = np.dtype([("digest", "u8", 2), ("split", "i1"), ("position", "i8")])
COPY = np.dtype([("position", "i8"), ("within", "i4"), ("across", "i4"), ("first", "i8")])


class Copies:
    """Earlier copies of each drawing: in its own split, in earlier splits, and the first of all.

    Memory holds one partition, that is 1/256 of all drawings at 25 bytes each, unless very many of
    them are copies of one drawing.

    Args:
        spools: where the digests wait.
    """

    def __init__(self, spools: Spools) -> None:
        self._spools = spools
        self._partitions: dict[int, Spool] = {}
        self._buckets: dict[int, Spool] = {}
        self._loaded: tuple[int, NDArray[Any]] = (-1, np.zeros(0, dtype=COPY))

    def add(self, digests: NDArray[np.uint8], split: int, positions: NDArray[np.int64]) -> None:
        """Take in drawings.

        Args:
            digests: bytes [N, 16] of their points.
            split: position of their split in `SPLITS`.
            positions: int64 [N], rising from call to call.
        """
        rows = np.empty(len(positions), dtype=_SEEN)
        rows["digest"] = np.ascontiguousarray(digests).view(np.uint64)
        rows["split"], rows["position"] = split, positions
        self._spread(self._partitions, rows, digests[:, 0].astype(np.int64))

    def finish(self) -> None:
        """Find the copies, partition by partition, once all drawings are in."""
        while self._partitions:
            _, spool = self._partitions.popitem()
            found = _copies(spool.read())
            spool.close()
            self._spread(self._buckets, found, found["position"] // BUCKET)

    def between(self, start: int, stop: int) -> NDArray[Any]:
        """Drawings at positions from `start` to before `stop` that have earlier copies.

        Returns:
            `COPY` [n], positions ascending: `within` earlier ones in the same split, `across` in
            earlier splits, `first` the position of the first of all of them.
        """
        parts = []
        for bucket in range(start // BUCKET, (max(stop, start + 1) - 1) // BUCKET + 1):
            if self._loaded[0] != bucket:
                spool = self._buckets.get(bucket)
                rows = np.zeros(0, dtype=COPY) if spool is None else spool.read()
                self._loaded = bucket, np.sort(rows, order="position")
            rows = self._loaded[1]
            low, high = np.searchsorted(rows["position"], [start, stop])
            parts.append(rows[low:high])
        return np.concatenate(parts)

    def _spread(self, spools: dict[int, Spool], rows: NDArray[Any], keys: NDArray[np.int64]) -> None:
        """Append each row to the spool of its key, in their order."""
        order = np.argsort(keys, kind="stable")
        rows, keys = rows[order], keys[order]
        found, starts = np.unique(keys, return_index=True)
        for key, part in zip(found.tolist(), np.split(rows, starts[1:]), strict=False):
            if key not in spools:
                spools[key] = self._spools.new(rows.dtype, _MEMORY)
            spools[key].append(part)


def _copies(rows: NDArray[Any]) -> NDArray[Any]:
    """The rows (`_SEEN`) that have earlier copies, as `COPY`, in any order."""
    order = np.lexsort((rows["position"], rows["split"], rows["digest"][:, 1], rows["digest"][:, 0]))
    rows = rows[order]
    places = np.arange(len(rows))
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (rows["digest"][1:] != rows["digest"][:-1]).any(axis=1)
    turn = new.copy()  # the first of its split
    turn[1:] |= rows["split"][1:] != rows["split"][:-1]
    start = np.maximum.accumulate(np.where(new, places, 0))
    split_start = np.maximum.accumulate(np.where(turn, places, 0))
    found = np.empty(int((~new).sum()), dtype=COPY)
    found["position"] = rows["position"][~new]
    found["within"] = (places - split_start)[~new]
    found["across"] = (split_start - start)[~new]
    found["first"] = rows["position"][start][~new]
    return found
