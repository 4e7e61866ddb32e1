"""Files that a command reads: regular ones, streams, and parquet tables as text."""

from __future__ import annotations

import datetime
import stat
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from strokecast.common import files
from strokecast.common.errors import UserError

STDIN = Path("-")
_MAX_STREAM = 1 << 28  # bytes; a device may never end
_BLOCK = 1 << 20
_BATCH_ROWS = 1 << 16


@contextmanager
def local_copy(path: Path) -> Iterator[Path]:
    """Yield a regular file with the contents of `path`: itself, or a copy of a FIFO, character device or `-`.

    Raises:
        UserError: if it does not exist, is of another kind, or a stream is longer than 256 MiB.
    """
    try:
        mode = 0 if path == STDIN else path.stat().st_mode
    except (OSError, ValueError):
        mode = stat.S_IFREG
    if mode and not (stat.S_ISFIFO(mode) or stat.S_ISCHR(mode)):
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "input"
        try:
            if path == STDIN:
                _copy(sys.stdin.buffer, copy, path)
            else:
                with path.open("rb", buffering=0) as stream:
                    _copy(stream, copy, path)
        except OSError as error:
            raise UserError(
                f"cannot be read ({files.describe_os_error(error)})", location=str(path)
            ) from None
        yield copy


def _copy(stream: Any, copy: Path, path: Path) -> None:
    size = 0
    with copy.open("wb") as file:
        while block := stream.read(_BLOCK):
            size += len(block)
            if size > _MAX_STREAM:
                raise UserError(
                    f"has more than {_MAX_STREAM >> 20} MiB",
                    location=str(path),
                    allowed="a table; a file may be larger",
                )
            file.write(block)


def is_parquet(path: Path) -> bool:
    """Whether a file starts as a parquet file does.

    Raises:
        UserError: if it cannot be read.
    """
    with files.open_binary(path) as file:
        try:
            return file.read(4) == b"PAR1"
        except OSError as error:  # a damaged disk
            raise UserError(
                f"cannot be read ({files.describe_os_error(error)})", location=str(path)
            ) from None


def parquet_columns(path: Path, location: str) -> dict[str, bool]:
    """Header → whether it is a column of text, of a parquet file.

    Raises:
        UserError: if the file cannot be read or repeats a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.ParquetFile(path).schema_arrow
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _not_readable(error, location) from None
    repeated = [name for name in schema.names if schema.names.count(name) > 1]
    if repeated:
        raise UserError(
            f"names the column {repeated[0]!r} {schema.names.count(repeated[0])} times",
            location=location,
            fix="rename one of them",
        )
    return {field.name: _is_text(field.type) for field in schema}


def read_parquet(path: Path, names: Sequence[str], location: str) -> Iterator[list[list[str]]]:
    """Yield the cells of some columns of a parquet file as text, a list per column, in pieces of consecutive rows.

    Days and times are in ISO format, numbers as Python writes them, missing values empty.

    Args:
        path: the file.
        names: headers of the columns.
        location: how errors name the file.

    Raises:
        UserError: if the file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        for batch in pq.ParquetFile(path).iter_batches(_BATCH_ROWS, columns=list(dict.fromkeys(names))):
            yield [_column_as_text(batch.column(name), name, location) for name in names]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise _not_readable(error, location) from None


def _not_readable(error: Exception, location: str) -> UserError:
    return UserError(
        f"is a parquet file that cannot be read ({error})", location=location, fix="write it again"
    )


def _column_as_text(column: Any, name: str, location: str) -> list[str]:
    import pyarrow as pa

    try:
        return [_to_text(value) for value in column.to_pylist()]
    except (
        ValueError,
        OverflowError,
        LookupError,
        TypeError,
        pa.ArrowException,
    ) as error:  # such as the year 10000
        raise UserError(
            f"the column {name!r} has values that cannot be read ({error})",
            location=location,
            fix="remove the column, or write it as text",
        ) from None


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _to_text(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, datetime.date):
        return str(value)
    return value.isoformat().removesuffix("T00:00:00")
