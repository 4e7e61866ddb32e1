"""The interface of a runner, which both implementations share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from strokecast.features.runners.chunks import ChunkStats, RowGroupChunk

Encode = Callable[[Any], dict[str, bytes]]
"""Encodes one task: TFRecord file → the bytes that the task appends to it."""


class Runner(Protocol):
    """Collects statistics of chunks and writes TFRecord files.

    Every runner writes the same bytes: the functions are pure, and their results are joined in the order of the chunks.
    """

    def collect_stats(self, chunks: Sequence[RowGroupChunk]) -> list[ChunkStats]:
        """Statistics of each chunk, in their order."""

    def write(self, encode: Encode, tasks: Sequence[Any], names: Sequence[str], folder: Path) -> None:
        """Write what `encode` returns for each task.

        Args:
            encode: a pure function of a task.
            tasks: objects with a `chunk`, whose `index` gives the order.
            names: the TFRecord files to write, relative to `folder`; their folders exist.
            folder: where to write them.
        """
