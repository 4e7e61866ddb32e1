"""Parquet and Arrow columns as numpy arrays, without pandas.

pyarrow's own conversions import pandas, which costs a stage half a second.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.files import check_regular


@contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """Yield the `pyarrow.parquet.ParquetFile` of `path`.

    Raises:
        UserError: if the file does not exist, or pyarrow finds it damaged when it is opened or read.
    """
    check_regular(path)
    try:
        with pq.ParquetFile(path) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        reason = str(error).split("\n")[0][:200]
        raise UserError(
            f"is damaged or not a Parquet file ({reason})",
            location=str(path),
            fix="restore it with `dvc checkout`, or run the stage that writes it again",
        ) from None


def read_metadata(path: Path) -> Any:
    """The `pyarrow.parquet.FileMetaData` of a parquet file.

    Raises:
        UserError: as `open_parquet`.
    """
    with open_parquet(path) as file:
        return file.metadata


def column_names(path: Path) -> list[str]:
    """The names of the columns of a parquet file.

    Raises:
        UserError: as `open_parquet`.
    """
    with open_parquet(path) as file:
        return list(file.schema_arrow.names)


def read_table(path: Path, columns: list[str] | None = None) -> Any:
    """The `pyarrow.Table` of a parquet file.

    Args:
        path: of the file.
        columns: the columns to read; None: all.

    Raises:
        UserError: as `open_parquet`.
    """
    with open_parquet(path) as file:
        return file.read(columns)


def to_numpy(array: Any, dtype: type[np.number]) -> NDArray[Any]:
    """A view of the memory of an Arrow array, `dtype` [n].

    Raises:
        ValueError: if the array has another type or holds nulls.
    """
    if array.null_count or array.type != pa.from_numpy_dtype(dtype):
        raise ValueError(f"{array.type} with {array.null_count} nulls, expected {np.dtype(dtype)}")
    return np.frombuffer(array.buffers()[1], dtype)[array.offset : array.offset + len(array)]


def column_values(column: Any) -> NDArray[Any]:
    """A table column, [n]: float64 for numbers (see `column_floats`), else objects with None for nulls."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return column_floats(column)
    return np.array(column.to_pylist(), object)


def column_floats(column: Any) -> NDArray[np.float64]:
    """A table column of numbers, float64 [n], with NaN for nulls."""
    array = column.cast(pa.float64()).combine_chunks()
    return to_numpy(array.fill_null(float("nan")) if array.null_count else array, np.float64)
