"""TFRecord files of `tf.train.Example`, written without TensorFlow, byte for byte as it writes them.

A TFRecord file is a sequence of: length (uint64), masked CRC-32C of those 8 bytes, the data, masked
CRC-32C of the data; all little-endian. An Example is a protobuf map from names to lists of float,
int64 or bytes (tensorflow/core/example/{example,feature}.proto).
"""

from __future__ import annotations

import functools
import hashlib
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

import google_crc32c
import numpy as np
from numpy.typing import NDArray

from strokecast.common.files import sha256
from strokecast.common.tfrecord import masked_crc

Value = NDArray[np.floating] | int | bytes
Values = NDArray[Any] | Sequence[bytes]  # of many records

_MASK_DELTA = 0xA282EAD8
_FLUSH = 2048  # records written at once
FRAME = 12  # bytes before the data of a record


def _mask(crc: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """What `masked_crc` does to a checksum, of many."""
    return ((crc >> np.uint32(15)) | (crc << np.uint32(17))) + np.uint32(_MASK_DELTA)


@functools.lru_cache(maxsize=4096)
def _head(length: int) -> bytes:
    """What stands before the data of a record of `length` bytes."""
    head = struct.pack("<Q", length)
    return head + struct.pack("<I", masked_crc(head))


def framed(record: bytes) -> bytes:
    """One record as it stands in the file."""
    return b"".join((_head(len(record)), record, masked_crc(record).to_bytes(4, "little")))


def _varint(value: int) -> bytes:
    out = bytearray()
    value &= (1 << 64) - 1
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _field(number: int, data: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _feature(value: Value) -> bytes:
    if isinstance(value, bytes):
        return _field(1, _field(1, value))
    if isinstance(value, np.ndarray):
        return _field(2, _field(1, value.astype("<f4").tobytes()))
    return _field(3, _field(1, _varint(value)))


def _entry(name: str, value: Value) -> bytes:
    return _field(1, _field(1, name.encode()) + _field(2, _feature(value)))


def example(features: Mapping[str, Value]) -> bytes:
    """A serialised `tf.train.Example`, features in the order of their names."""
    return _field(1, b"".join(_entry(name, features[name]) for name in sorted(features)))


def examples(features: Mapping[str, Values]) -> list[bytes]:
    """Framed records of N Examples: `example` and `framed` in one, many times as fast.

    Records whose values have the same sizes in bytes are laid out alike, so each such group is one table of bytes,
    filled column by column.

    Args:
        features: by name, N byte strings, int64 [N], or floats [N, ...], stored as float32.
    """
    names = sorted(features)
    columns = [_Column.of(features[name]) for name in names]
    count = len(columns[0].sizes)
    alike = np.zeros(count, np.int64)
    for column in columns:
        alike = alike * (column.sizes.max(initial=0) + 1) + column.sizes
    made: list[bytes] = [b""] * count
    for kind in np.unique(alike).tolist():
        rows = np.flatnonzero(alike == kind)
        widths = tuple(int(column.sizes[rows[0]]) for column in columns)
        template, ends = _layout(tuple(names), tuple(column.kind for column in columns), widths)
        table = np.empty((len(rows), len(template)), np.uint8)
        done = 0
        for column, width, end in zip(columns, widths, ends, strict=True):
            table[:, done : end - width] = template[done : end - width]
            table[:, end - width : end] = column.take(rows, width)
            done = end
        whole, width = table.tobytes(), table.shape[1]
        cuts = range(0, len(whole), width)
        sums = [google_crc32c.value(whole[cut + FRAME : cut + width - 4]) for cut in cuts]
        table[:, -4:] = _mask(np.array(sums, np.uint32)).astype("<u4").view(np.uint8).reshape(-1, 4)
        whole = table.tobytes()
        for row, cut in zip(rows.tolist(), cuts, strict=True):
            made[row] = whole[cut : cut + width]
    return made


class _Column(NamedTuple):
    """One feature of N records, and the bytes that each of its values takes, int64 [N]."""

    kind: str
    values: Any
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, values: Values) -> _Column:
        if not isinstance(values, np.ndarray):
            return cls("bytes", values, np.array([len(value) for value in values], np.int64))
        if values.dtype.kind == "f":
            flat = values.astype("<f4", copy=False).reshape(len(values), int(np.prod(values.shape[1:])))
            data = flat.view(np.uint8)
            return cls("floats", data, np.full(len(data), data.shape[1], np.int64))
        unsigned = values.astype(np.int64, copy=False).view(np.uint64)
        return cls("integers", unsigned, _varint_size(unsigned))

    def take(self, rows: NDArray[np.int64], width: int) -> NDArray[np.uint8]:
        """The bytes of some rows, [n, width]."""
        if self.kind == "floats":
            return np.asarray(self.values[rows])
        if self.kind == "integers":
            return _varints(self.values[rows], width)
        joined = b"".join([self.values[row] for row in rows.tolist()])
        return np.frombuffer(joined, np.uint8).reshape(len(rows), width)


@functools.lru_cache(maxsize=4096)
def _layout(
    names: tuple[str, ...], kinds: tuple[str, ...], widths: tuple[int, ...]
) -> tuple[NDArray[np.uint8], list[int]]:
    """A framed record with values of so many bytes that stand for others, and where each of them ends."""
    least = [
        0,
        *(1 << 7 * size for size in range(1, 9)),
        -1,
    ]  # integers by the bytes of their varint, less one
    entries = []
    for name, kind, width in zip(names, kinds, widths, strict=True):
        values: dict[str, Value] = {"bytes": bytes(width), "floats": np.zeros(width // 4, "<f4")}
        entries.append(_entry(name, least[width - 1] if kind == "integers" else values[kind]))
    record = _field(1, b"".join(entries))
    first = FRAME + len(record) - sum(map(len, entries))
    ends = (first + np.cumsum([len(entry) for entry in entries])).tolist()
    return np.frombuffer(_head(len(record)) + record + bytes(4), np.uint8), ends


def _varint_size(values: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Bytes of each varint, [N]."""
    sizes = np.ones(len(values), np.int64)
    for place in range(1, 10):
        sizes += values >= np.uint64(1 << 7 * place)
    return sizes


def _varints(values: NDArray[np.uint64], size: int) -> NDArray[np.uint8]:
    """Varints of `size` bytes each, [N, size]."""
    parts = values[:, None] >> (7 * np.arange(size, dtype=np.uint64)) & np.uint64(0x7F)
    parts[:, :-1] |= np.uint64(0x80)
    return parts.astype(np.uint8)


class RecordWriter:
    """Writes serialised records to one TFRecord file; use it as a context."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: BinaryIO = path.open("wb")
        self._waiting: list[bytes] = []

    def write(self, record: bytes) -> None:
        """Append one record."""
        self._waiting.append(framed(record))
        if len(self._waiting) >= _FLUSH:
            self._flush()

    def _flush(self) -> None:
        self._file.write(b"".join(self._waiting))
        self._waiting.clear()

    def close(self) -> None:
        """Write what is waiting and close the file."""
        try:
            self._flush()
        finally:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._waiting.clear()
        self.close()


def shard_names(stem: str, count: int, record_bytes: int, megabytes: int) -> list[str]:
    """Names of the files that `count` records of about `record_bytes` go to, `megabytes` (1e6) each at most."""
    shards = max(1, -(-count * record_bytes // (megabytes * 1_000_000)))
    return [f"{stem}-{shard:05d}-of-{shards:05d}.tfrecord" for shard in range(shards)]


def digest(folder: Path, names: Sequence[str], scaling: Sequence[float]) -> str:
    """Hex sha256 over the named files of `folder` and the scaling: what a training can have seen."""
    total = hashlib.sha256()
    for name in names:
        total.update(name.encode() + b"\0" + sha256(folder / name).encode())
    total.update(",".join(float(value).hex() for value in scaling).encode())
    return total.hexdigest()
