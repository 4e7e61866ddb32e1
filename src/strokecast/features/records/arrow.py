"""Parquet and Arrow without pandas, which pyarrow else imports at its first table or array: half a second a stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray


def read(path: Path) -> Any:
    """The table of a parquet file."""
    with pq.ParquetFile(path) as file:
        return file.read()


def numbers(array: Any, dtype: type[np.number]) -> NDArray[Any]:
    """An Arrow array as it lies in memory.

    Raises:
        ValueError: if it is of another type, or holds nulls.
    """
    if array.null_count or array.type != pa.from_numpy_dtype(dtype):
        raise ValueError(f"{array.type} with {array.null_count} nulls, expected {np.dtype(dtype)}")
    return np.frombuffer(array.buffers()[1], dtype)[array.offset : array.offset + len(array)]


def values(column: Any) -> NDArray[Any]:
    """A table's column, [n]: numbers as `floats` gives them, of anything else the objects, None for a null."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return floats(column)
    return np.array(column.to_pylist(), object)


def floats(column: Any) -> NDArray[np.float64]:
    """A table's column of numbers, float64 [n]; NaN for a null."""
    whole = column.cast(pa.float64()).combine_chunks()
    return numbers(whole.fill_null(float("nan")) if whole.null_count else whole, np.float64)
