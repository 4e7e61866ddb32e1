"""The table of `strokecast forecast`, which grows series by series."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

PARQUET_SUFFIX = ".parquet"
_BUFFERED_ROWS = 10_000  # a row group of a parquet file


@contextmanager
def writer(temporary: Path, output: Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Yield a function that appends rows to a table, all with the columns of the first ones.

    Args:
        temporary: the file that is written.
        output: the file that the user names, whose suffix is that of the format: parquet, or else CSV.
    """
    buffer: list[pd.DataFrame] = []
    with ExitStack() as stack:
        append = _append_parquet(temporary, stack) if is_parquet(output) else _append_csv(temporary, stack)

        def flush() -> None:
            if buffer:
                append(pd.concat(buffer, ignore_index=True))
                buffer.clear()

        def write(rows: pd.DataFrame) -> None:
            buffer.append(rows)
            if len(buffer) * len(rows) >= _BUFFERED_ROWS:
                flush()

        yield write
        flush()


def is_parquet(output: Path) -> bool:
    """Whether a table of this name is a parquet file."""
    return output.suffix.lower() == PARQUET_SUFFIX


def _append_csv(path: Path, stack: ExitStack) -> Callable[[pd.DataFrame], None]:
    file = stack.enter_context(path.open("w", encoding="utf-8", newline=""))

    def append(rows: pd.DataFrame) -> None:
        rows.to_csv(file, index=False, header=not file.tell(), date_format="%Y-%m-%d")

    return append


def _append_parquet(path: Path, stack: ExitStack) -> Callable[[pd.DataFrame], None]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    opened: list[Any] = []

    def append(rows: pd.DataFrame) -> None:
        table = pa.Table.from_pandas(rows, preserve_index=False)
        if not opened:
            opened.append(stack.enter_context(pq.ParquetWriter(path, table.schema)))
        opened[0].write_table(table)

    return append
