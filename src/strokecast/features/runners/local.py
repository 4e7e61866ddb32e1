"""Runs chunks of drawings on this machine, in this process or in a pool of processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from strokecast.common import pool
from strokecast.common.console import progress
from strokecast.features.runners.base import Encode
from strokecast.features.runners.chunks import ChunkStats, RowGroupChunk, chunk_stats

T = TypeVar("T")
R = TypeVar("R")
MIN_POOL_ITEMS = 16  # with fewer items, starting processes costs more time than it saves


class LocalRunner:
    """This machine: this process for little work, else a pool of processes.

    Args:
        workers: number of processes; None: one per CPU.
    """

    def __init__(self, workers: int | None = None) -> None:
        self.workers = workers or pool.processors()

    def collect_stats(self, chunks: Sequence[RowGroupChunk]) -> list[ChunkStats]:
        """See `Runner.collect_stats`."""
        return list(progress(self._map(chunk_stats, chunks), "reading", len(chunks), " chunks"))

    def write(self, encode: Encode, tasks: Sequence[Any], names: Sequence[str], folder: Path) -> None:
        """See `Runner.write`; keeps a few chunks in memory and one file open, regardless of their number."""
        for name in names:
            (folder / name).touch()
        for encoded in progress(self._map(encode, tasks), "encoding", len(tasks), " chunks"):
            for name, data in encoded.items():
                with (folder / name).open("ab", buffering=0) as file:
                    file.write(data)
            encoded.clear()  # frees its bytes before the next chunk is encoded

    def _map(self, function: Callable[[T], R], items: Sequence[T]) -> Iterator[R]:
        """`function` of each item, in their order, at most two items per worker ahead."""
        workers = min(self.workers, len(items)) if len(items) >= MIN_POOL_ITEMS else 1
        return pool.ordered_map(function, items, workers)
