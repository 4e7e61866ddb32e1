"""Rows stored on disk between two passes, so that memory use does not depend on their number."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

MAX_MEMORY = 4 << 20  # bytes of a spool that stay in memory


class Spool:
    """An append-only array of rows of one dtype, with random access.

    Args:
        dtype: dtype of a row; may be structured.
        folder: folder of the backing file. The file is unnamed, so it vanishes with the process.
        max_memory: bytes that stay in memory; a larger spool is moved to disk.
    """

    def __init__(self, dtype: DTypeLike, folder: Path, max_memory: int = MAX_MEMORY) -> None:
        self.dtype = np.dtype(dtype)
        self._file = tempfile.SpooledTemporaryFile(max_size=max_memory, dir=str(folder))  # noqa: SIM115
        self._n_rows = 0

    def __len__(self) -> int:
        return self._n_rows

    def append(self, rows: NDArray[Any]) -> None:
        """Append rows [n]."""
        self._file.seek(0, 2)
        self._file.write(np.ascontiguousarray(rows, dtype=self.dtype).tobytes())
        self._n_rows += len(rows)

    def read(self, start: int = 0, stop: int | None = None) -> NDArray[Any]:
        """The rows [`start`, `stop`), at most to the end; `stop` None: to the end."""
        stop = self._n_rows if stop is None else min(stop, self._n_rows)
        row_size = self.dtype.itemsize
        self._file.seek(start * row_size)
        return np.frombuffer(self._file.read(max(stop - start, 0) * row_size), dtype=self.dtype)

    def close(self) -> None:
        """Release memory and disk."""
        self._file.close()


class Spools:
    """Context manager that creates spools and closes them at the end.

    Args:
        folder: folder of their files. It should be on disk; a system folder for temporary files
            may be in memory.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._stack = ExitStack()

    def new(self, dtype: DTypeLike, max_memory: int = MAX_MEMORY) -> Spool:
        """Create an empty spool."""
        spool = Spool(dtype, self._folder, max_memory)
        self._stack.callback(spool.close)
        return spool

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()
