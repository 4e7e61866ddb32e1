"""Rows that wait on disk between two passes, so that memory holds a few of them, however many there are."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

IN_MEMORY = 4 << 20  # bytes of a spool before it goes to disk


class Spool:
    """Rows of one dtype, appended one after another, read from anywhere.

    Args:
        dtype: of a row; may be structured.
        folder: where the file lies, which has no name: it is gone with the process.
        memory: bytes that are kept in memory; with more, all of it goes to disk.
    """

    def __init__(self, dtype: DTypeLike, folder: Path, memory: int = IN_MEMORY) -> None:
        self.dtype = np.dtype(dtype)
        self._file = tempfile.SpooledTemporaryFile(max_size=memory, dir=str(folder))  # noqa: SIM115
        self._rows = 0

    def __len__(self) -> int:
        return self._rows

    def append(self, rows: NDArray[Any]) -> None:
        """Add rows [n] of the dtype at the end."""
        self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(rows, dtype=self.dtype).tobytes())
        self._rows += len(rows)

    def read(self, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """The rows from `start` to before `stop` (None: the last one), or as many as there are."""
        stop = self._rows if stop is None else min(stop, self._rows)
        size = self.dtype.itemsize
        self._file.seek(start * size)
        return np.frombuffer(self._file.read(max(stop - start, 0) * size), dtype=self.dtype)

    def close(self) -> None:
        """Give memory and disk back."""
        self._file.close()


class Spools:
    """All spools of a run; use it as a context.

    Args:
        folder: where their files lie; on a disk, as a folder for temporary files may lie in memory.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._stack = ExitStack()

    def new(self, dtype: DTypeLike, memory: int = IN_MEMORY) -> Spool:
        """An empty spool."""
        spool = Spool(dtype, self._folder, memory)
        self._stack.callback(spool.close)
        return spool

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
